//! What every `Store` must do.
//!
//! [`clauses`] checks one thing after the other; [`random`] commits many records of all sorts, and
//! after each commit the store must load what [`Snapshot::apply`] makes of them.

mod asking;
mod clause;
mod crowd;
mod past;
mod reading;
mod record;
mod said;
mod steering;

use std::future::Future;

use mpg_core::id::InstallationId;
use mpg_core::port::Store;
use mpg_core::record::Record;
use mpg_core::snapshot::Snapshot;

use record::Records;

pub use clause::clauses;

/// Makes the stores that a suite checks. Its methods panic where they fail.
pub trait StoreFactory: Sync {
    /// The store.
    type Store: Store;
    /// What outlives the store: its directory or the like.
    type State: Send;

    /// A state that nothing was ever committed to.
    fn fresh(&self) -> Self::State;

    /// Opens a state. No other store of it is open.
    fn open(&self, state: &mut Self::State) -> impl Future<Output = Self::Store> + Send;

    /// Closes a store of the state.
    fn close(&self, state: &mut Self::State, store: Self::Store)
    -> impl Future<Output = ()> + Send;
}

/// How long one run of [`random`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// The number of commits.
    pub commits: u32,
    /// The store is closed and opened again after so many of them; 0 does it only at the end.
    pub reopen_every: u32,
}

/// Commits records that `seed` stands for, one to five at a time, plausible ones and others, and
/// compares after each commit and each reopening.
///
/// # Panics
///
/// Panics where the store differs, naming the seed and the commit.
pub async fn random<F: StoreFactory>(factory: &F, seed: u64, length: Length) {
    let mut subject = Subject::open(factory).await;
    let mut records = Records::new(seed);
    for commit in 1..=length.commits {
        let batch = records.batch();
        subject.commit(&batch).await;
        let at = || format!("seed {seed}, commit {commit}: {batch:#?}");
        subject.check(at).await;
        if length.reopen_every > 0 && commit % length.reopen_every == 0 {
            subject.reopen().await;
            subject.check(|| format!("reopened after {}", at())).await;
        }
    }
    subject.reopen().await;
    subject.check(|| format!("seed {seed}, at the end")).await;
    subject.close().await;
}

/// A store with the state that it should have.
struct Subject<'a, F: StoreFactory> {
    factory: &'a F,
    state: F::State,
    // `None` only while it is reopened.
    store: Option<F::Store>,
    expected: Snapshot,
}

impl<'a, F: StoreFactory> Subject<'a, F> {
    async fn open(factory: &'a F) -> Self {
        let mut state = factory.fresh();
        let store = factory.open(&mut state).await;
        let expected = Snapshot::new(installation(&store).await);
        Self {
            factory,
            state,
            store: Some(store),
            expected,
        }
    }

    fn store(&self) -> &F::Store {
        self.store
            .as_ref()
            .expect("a subject is open between calls")
    }

    async fn commit(&mut self, records: &[Record]) {
        self.store()
            .commit(records)
            .await
            .unwrap_or_else(|error| panic!("{records:#?} must be stored: {error}"));
        for record in records {
            self.expected.apply(record);
        }
    }

    async fn check(&self, at: impl Fn() -> String) {
        let loaded = load(self.store()).await;
        assert_eq!(loaded, self.expected, "{}", at());
    }

    async fn reopen(&mut self) {
        let store = self.store.take().expect("a subject is open between calls");
        self.factory.close(&mut self.state, store).await;
        self.store = Some(self.factory.open(&mut self.state).await);
    }

    async fn close(mut self) {
        let store = self.store.take().expect("a subject is open between calls");
        self.factory.close(&mut self.state, store).await;
    }
}

async fn installation(store: &impl Store) -> InstallationId {
    load(store).await.installation
}

async fn load(store: &impl Store) -> Snapshot {
    store
        .load()
        .await
        .unwrap_or_else(|error| panic!("a store must load: {error}"))
}
