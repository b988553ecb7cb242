//! What the engine needs from what keeps the durable state.

use std::fmt::Debug;

use async_trait::async_trait;
use thiserror::Error;

use crate::history::Said;
use crate::id::RootId;
use crate::job::Turns;
use crate::record::Record;
use crate::snapshot::Snapshot;

/// Keeps the durable state.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Makes all records true at once, for good.
    ///
    /// After an error nothing may be assumed: they may be stored or not, and the caller must not go
    /// on.
    async fn commit(&self, records: &[Record]) -> Result<(), StoreError>;

    /// The state after all commits.
    async fn load(&self) -> Result<Snapshot, StoreError>;

    /// What was said in a thread, in order: what people asked and what agents answered, the newest
    /// [`KEPT`](crate::history::KEPT) of it.
    async fn said(&self, root: &RootId) -> Result<Vec<Said>, StoreError>;

    /// What the turns of some threads were, with the `last` ones of them one by one.
    async fn turns(&self, threads: &[RootId], last: usize) -> Result<Turns, StoreError>;
}

/// Why the store failed.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct StoreError {
    /// What sort of failure.
    pub kind: StoreErrorKind,
    /// What happened and what to do, naming the file.
    pub message: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The sorts of failure of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Another gateway uses it.
    InUse,
    /// What is there cannot be read as a state of this version.
    Unreadable,
    /// It cannot be written or read.
    Io,
}
