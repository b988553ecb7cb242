//! The suite that every store passes, in memory, and the ways in which a commit can be made to fail.

use std::sync::atomic::{AtomicU64, Ordering};

use mpg_core::id::{InstallationId, PlatformId, Position};
use mpg_core::port::Store as _;
use mpg_core::record::Record;
use mpg_engine::{CommitFault, MemoryStore};
use mpg_testkit::conformance::store::{self, Length, StoreFactory};
use uuid::Uuid;

#[derive(Default)]
struct Memory {
    installations: AtomicU64,
}

impl StoreFactory for Memory {
    type Store = MemoryStore;
    /// The store while it is closed.
    type State = Option<MemoryStore>;

    fn fresh(&self) -> Self::State {
        let number = self.installations.fetch_add(1, Ordering::Relaxed);
        let installation = InstallationId::from_uuid(Uuid::from_u128(number.into()));
        Some(MemoryStore::new(installation))
    }

    async fn open(&self, state: &mut Self::State) -> MemoryStore {
        state.take().expect("a state is opened while it is closed")
    }

    async fn close(&self, state: &mut Self::State, store: MemoryStore) {
        *state = Some(store);
    }
}

#[tokio::test]
async fn every_clause_holds() {
    store::clauses(&Memory::default()).await;
}

#[tokio::test]
async fn random_records_load_as_they_apply() {
    let length = Length {
        commits: 50,
        reopen_every: 0,
    };
    for seed in 0..50 {
        store::random(&Memory::default(), seed, length).await;
    }
}

#[tokio::test]
async fn a_fault_strikes_one_commit() {
    let store = MemoryStore::new(InstallationId::from_uuid(Uuid::nil()));
    let moved = |position: &str| {
        [Record::PositionMoved {
            platform: PlatformId::new("chat"),
            position: Position::new(position),
        }]
    };
    for (fault, position, stored) in [
        (CommitFault::Lost, "2", "1"),
        (CommitFault::ReplyLost, "2", "2"),
    ] {
        store.commit(&moved("1")).await.unwrap();
        store.fail_next(fault);
        store.commit(&moved(position)).await.unwrap_err();
        let loaded = store.load().await.unwrap();
        let kept = &loaded.positions[&PlatformId::new("chat")];
        assert_eq!(kept.as_str(), stored, "{fault:?}");
    }
    store.commit(&moved("3")).await.unwrap();
}
