//! The suite that every store passes, on files.

use futures_util::{StreamExt as _, stream};
use mpg_store::SqliteStore;
use mpg_testkit::conformance::store::{self, Length, StoreFactory};
use tempfile::TempDir;

struct Files;

impl StoreFactory for Files {
    type Store = SqliteStore;
    type State = TempDir;

    fn fresh(&self) -> TempDir {
        tempfile::tempdir().expect("the temporary directory is writable")
    }

    async fn open(&self, state: &mut TempDir) -> SqliteStore {
        SqliteStore::open(state.path())
            .await
            .expect("a state opens")
    }

    async fn close(&self, _state: &mut TempDir, store: SqliteStore) {
        store.close().await.expect("a store closes");
    }
}

#[tokio::test]
async fn every_clause_holds() {
    store::clauses(&Files).await;
}

#[tokio::test]
async fn random_records_load_as_they_apply() {
    let length = Length {
        commits: 15,
        reopen_every: 6,
    };
    // Several at a time, because most of the time is spent on waiting for the disk.
    stream::iter(0..200)
        .for_each_concurrent(8, |seed| store::random(&Files, seed, length))
        .await;
}

#[tokio::test]
async fn a_long_run_loads_as_it_applies() {
    let length = Length {
        commits: 300,
        reopen_every: 100,
    };
    store::random(&Files, 1_000_000, length).await;
}
