use mpg_testkit::conformance::runtime;

use crate::fixture::Fixture;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runtime_conforms() {
    runtime::run_all(&Fixture::start().await).await;
}
