//! A store without a disk, for trials and tests.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use mpg_core::history::{Log, Said};
use mpg_core::id::{InstallationId, RootId};
use mpg_core::job::{Ledger, Turns};
use mpg_core::port::{Store, StoreError, StoreErrorKind};
use mpg_core::record::Record;
use mpg_core::snapshot::Snapshot;

/// Keeps the durable state in memory: it outlives the gateway that commits to it, not the process.
pub struct MemoryStore {
    state: Mutex<State>,
}

/// What goes wrong with one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// Nothing of it is stored.
    Lost,
    /// All of it is stored, and the caller is told that it failed.
    ReplyLost,
}

struct State {
    snapshot: Snapshot,
    log: Log,
    ledger: Ledger,
    fault: Option<CommitFault>,
}

impl MemoryStore {
    /// The empty state of a new installation.
    pub fn new(installation: InstallationId) -> Self {
        Self {
            state: Mutex::new(State {
                snapshot: Snapshot::new(installation),
                log: Log::default(),
                ledger: Ledger::default(),
                fault: None,
            }),
        }
    }

    /// Makes the next commit fail in the given way, and only that one.
    pub fn fail_next(&self, fault: CommitFault) {
        self.with(|state| state.fault = Some(fault));
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // A panic in between cannot leave a state that commits could not have made.
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        self.with(|state| {
            let fault = state.fault.take();
            if fault != Some(CommitFault::Lost) {
                for record in records {
                    state.ledger.apply(&state.snapshot, record);
                    state.snapshot.apply(record);
                    state.log.apply(record);
                }
            }
            match fault {
                None => Ok(()),
                Some(CommitFault::Lost) => Err(failure("lost the commit, as it was told to")),
                Some(CommitFault::ReplyLost) => Err(failure(
                    "made the commit and lost the reply, as it was told to",
                )),
            }
        })
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        Ok(self.with(|state| state.snapshot.clone()))
    }

    async fn said(&self, root: &RootId) -> Result<Vec<Said>, StoreError> {
        Ok(self.with(|state| state.log.said(root)))
    }

    async fn turns(&self, threads: &[RootId], last: usize) -> Result<Turns, StoreError> {
        Ok(self.with(|state| state.ledger.turns(threads, last)))
    }
}

fn failure(what: &str) -> StoreError {
    StoreError {
        kind: StoreErrorKind::Io,
        message: format!("the store in memory {what}"),
        source: None,
    }
}
