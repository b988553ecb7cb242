//! An end for tests that would wait for ever.

use std::time::Duration;

use tokio::time::timeout;

/// How long anything may take before its test counts as stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// What `future` gives, which comes at once if the adapter works.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let result = timeout(PATIENCE, future).await;
    result.expect("it comes within 30 s")
}
