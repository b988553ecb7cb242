//! The engine's simulation on the store that is used in earnest: a gateway that dies over and over,
//! on SQLite files.
//!
//! A seed decides everything but how long a commit takes, so a run that is repeated may differ in
//! what happens meanwhile.

#[path = "../../../../crates/mpg-engine/tests/simulation/asks.rs"]
mod asks;
#[path = "../../../../crates/mpg-engine/tests/simulation/chains.rs"]
mod chains;
#[path = "../../../../crates/mpg-engine/tests/simulation/disk.rs"]
mod disk;
#[path = "../../../../crates/mpg-engine/tests/simulation/driver.rs"]
#[expect(
    dead_code,
    reason = "only a run that repeats exactly has its transcript compared"
)]
mod driver;
#[path = "../../../../crates/mpg-engine/tests/simulation/forks.rs"]
mod forks;
#[path = "../../../../crates/mpg-engine/tests/simulation/kept.rs"]
mod kept;
#[path = "../../../../crates/mpg-engine/tests/simulation/oracle.rs"]
mod oracle;
#[path = "../../../../crates/mpg-engine/tests/simulation/people.rs"]
mod people;
#[path = "../../../../crates/mpg-engine/tests/simulation/plan.rs"]
mod plan;
#[path = "../../../../crates/mpg-engine/tests/simulation/random.rs"]
mod random;
#[path = "../../../../crates/mpg-engine/tests/simulation/replay.rs"]
mod replay;
#[path = "../../../../crates/mpg-engine/tests/simulation/script.rs"]
mod script;
#[path = "../../../../crates/mpg-engine/tests/simulation/seen.rs"]
mod seen;
#[path = "../../../../crates/mpg-engine/tests/simulation/settings.rs"]
mod settings;
#[path = "../../../../crates/mpg-engine/tests/simulation/team.rs"]
mod team;
#[path = "../../../../crates/mpg-engine/tests/simulation/turns.rs"]
mod turns;

use std::sync::{Arc, mpsc};

use async_trait::async_trait;
use mpg_core::history::Said;
use mpg_core::id::RootId;
use mpg_core::job::Turns;
use mpg_core::port::{Store, StoreError};
use mpg_core::record::Record;
use mpg_core::snapshot::Snapshot;
use mpg_store::SqliteStore;
use tempfile::TempDir;

use disk::Disk;
use plan::Size;

/// A state directory.
struct Files {
    directory: TempDir,
    open: Option<Arc<Timeless>>,
}

impl Files {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("the temporary directory is writable"),
            open: None,
        }
    }
}

impl Disk for Files {
    async fn open(&mut self) -> Arc<dyn Store> {
        let opening = SqliteStore::open(self.directory.path());
        let store = timeless(opening).await.expect("a state opens");
        let store = Arc::new(Timeless(store));
        self.open = Some(Arc::clone(&store));
        store
    }

    async fn close(&mut self, store: Arc<dyn Store>) {
        drop(store);
        let open = self.open.take().and_then(Arc::into_inner);
        let store = open.expect("nobody else has the store");
        timeless(store.0.close()).await.expect("a state closes");
    }
}

/// A store whose work takes no time of a paused clock.
#[derive(Debug)]
struct Timeless(SqliteStore);

#[async_trait]
impl Store for Timeless {
    async fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        timeless(self.0.commit(records)).await
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        timeless(self.0.load()).await
    }

    async fn said(&self, root: &RootId) -> Result<Vec<Said>, StoreError> {
        timeless(self.0.said(root)).await
    }

    async fn turns(&self, threads: &[RootId], last: usize) -> Result<Turns, StoreError> {
        timeless(self.0.turns(threads, last)).await
    }
}

/// Keeps a paused clock from going on while something outside of the runtime works.
async fn timeless<T>(work: impl Future<Output = T>) -> T {
    // The clock stands still while a blocking task runs.
    let (done, waiting) = mpsc::channel::<()>();
    let stands = tokio::task::spawn_blocking(move || {
        let _ = waiting.recv();
    });
    let result = work.await;
    drop(done);
    drop(stands);
    result
}

#[test]
fn every_message_has_one_outcome_however_often_the_gateway_dies() {
    let size = Size {
        actions: 10,
        deaths: 2,
    };
    let seen = replay::seeds(200, "-p mpgd --test simulation", |seed| {
        driver::run(seed, size, Files::new())
    });
    if let Some(seen) = seen {
        let counts = [
            seen.answered,
            seen.failed,
            seen.resumed,
            seen.repeated,
            seen.handoffs,
            seen.joins,
        ];
        assert!(counts.iter().all(|count| *count > 0), "{seen:?}");
    }
}

#[test]
fn there_is_no_moment_at_which_a_gateway_must_not_die() {
    let size = Size {
        actions: 4,
        deaths: 0,
    };
    let test = "-p mpgd --test simulation there_is_no_moment";
    let seen = replay::over(1..5, test, |seed| driver::run_all(seed, size, Files::new));
    if let Some(seen) = seen {
        assert!(seen.runs > 100 && seen.answered > 0, "{seen:?}");
    }
}
