//! Stores that outlive their gateway, and commits that do not come back.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use mpg_core::history::Said;
use mpg_core::id::RootId;
use mpg_core::job::Turns;
use mpg_core::port::{Store, StoreError, StoreErrorKind};
use mpg_core::record::Record;
use mpg_core::snapshot::Snapshot;
use mpg_engine::CommitFault;
use tokio::sync::{Mutex as AsyncMutex, watch};

use crate::plan::Death;

/// Something that keeps the state while no gateway runs.
pub(crate) trait Disk {
    /// Opens the store. No other one of this disk is open.
    fn open(&mut self) -> impl Future<Output = Arc<dyn Store>>;

    /// Closes it: the last handle to it is `store`.
    fn close(&mut self, store: Arc<dyn Store>) -> impl Future<Output = ()>;
}

/// The records of all commits that were made, in order.
pub(crate) type Made = Arc<Mutex<Vec<Record>>>;

/// A store with the death of its gateway in it.
pub(crate) struct Mortal {
    store: Arc<dyn Store>,
    made: Made,
    death: Mutex<Option<(u64, CommitFault, bool)>>,
    died: watch::Sender<bool>,
    commits: AtomicU64,
    /// Held by a commit until the store is done with it, whoever waits for it.
    busy: Arc<AsyncMutex<()>>,
}

impl Mortal {
    pub(crate) fn new(store: Arc<dyn Store>, made: Made, death: Option<Death>) -> Self {
        let death = match death {
            Some(Death::Commit(number, fault)) => Some((number, fault, true)),
            Some(Death::FailedCommit(number, fault)) => Some((number, fault, false)),
            Some(Death::Poll(_) | Death::Call(_) | Death::Time(_) | Death::Stop(..)) | None => None,
        };
        Self {
            store,
            made,
            death: Mutex::new(death),
            died: watch::channel(false).0,
            commits: AtomicU64::new(0),
            busy: Arc::default(),
        }
    }

    /// How many commits were begun.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Waits until the gateway is to die of its commit.
    pub(crate) async fn died(&self) {
        let mut died = self.died.subscribe();
        // The sender lives as long as `self`.
        drop(died.wait_for(|died| *died).await);
    }

    /// Waits until the store is done with what it was given, and hands it back.
    pub(crate) async fn into_store(self) -> Arc<dyn Store> {
        drop(self.busy.lock().await);
        self.store
    }

    /// What is wrong with this commit, and whether the gateway dies of it.
    fn fault(&self) -> Option<(CommitFault, bool)> {
        let mut death = self.death.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, fault, dies) = death.as_mut()?;
        *left -= 1;
        let due = (*left == 0).then_some((*fault, *dies));
        if due.is_some() {
            *death = None;
        }
        due
    }

    /// Commits in a task of its own: a store goes on with a commit that nobody waits for any more.
    async fn make(&self, records: &[Record]) -> Result<(), StoreError> {
        let busy = Arc::clone(&self.busy).lock_owned().await;
        let (store, made) = (Arc::clone(&self.store), Arc::clone(&self.made));
        let records = records.to_vec();
        let task = tokio::spawn(async move {
            let result = store.commit(&records).await;
            if result.is_ok() {
                made.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(records);
            }
            drop(store);
            drop(busy);
            result
        });
        task.await.expect("a commit does not panic")
    }
}

impl fmt::Debug for Mortal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mortal").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for Mortal {
    async fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let fault = self.fault();
        if !matches!(fault, Some((CommitFault::Lost, _))) {
            self.make(records).await?;
        }
        match fault {
            None => Ok(()),
            Some((_, true)) => {
                self.died.send_replace(true);
                std::future::pending().await
            }
            Some((fault, false)) => Err(StoreError {
                kind: StoreErrorKind::Io,
                message: format!("the commit failed, as it was told to: {fault:?}"),
                source: None,
            }),
        }
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        self.store.load().await
    }

    async fn said(&self, root: &RootId) -> Result<Vec<Said>, StoreError> {
        self.store.said(root).await
    }

    async fn turns(&self, threads: &[RootId], last: usize) -> Result<Turns, StoreError> {
        self.store.turns(threads, last).await
    }
}
