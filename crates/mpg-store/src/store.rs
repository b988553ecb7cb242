//! The store itself.

use std::fmt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_core::audit::{Actor, AuditLog, Audited};
use mpg_core::history::Said;
use mpg_core::id::{DeliveryId, RootId};
use mpg_core::job::Turns;
use mpg_core::port::{Store, StoreError};
use mpg_core::record::Record;
use mpg_core::snapshot::Snapshot;
use mpg_core::token::{Token, Tokens};
use mpg_core::view::{Entry, EventView, OwedPost, Stretch, TurnQuery, TurnView, Views};
use sqlx::sqlite::SqlitePool;
use tokio::sync::Mutex;
use tokio::task;

use crate::database::{self, Limits};
use crate::identity::{Identity, Secret};
use crate::lock::StateLock;
use crate::writer::Writer;
use crate::{audit, failure, load, past, said, seal, token, view};

/// Keeps the durable state in a directory: `state.db` with its write-ahead log, and `state.lock`.
///
/// All statements run on threads of their own; the event loop never waits for the disk.
pub struct SqliteStore {
    file: PathBuf,
    identity: Identity,
    writer: Mutex<Writer>,
    readers: SqlitePool,
    /// Apart from the readers, so that whoever looks never keeps the gateway waiting.
    viewers: SqlitePool,
    // Last, so that it is given back when nothing is used any more.
    lock: StateLock,
}

impl SqliteStore {
    /// Opens the state in `directory`, and makes both if they are not there, for this user alone.
    ///
    /// The directory belongs to this store until it is dropped; a second one is refused as
    /// [`InUse`](mpg_core::port::StoreErrorKind::InUse). A file that is no state of this version is
    /// refused as [`Unreadable`](mpg_core::port::StoreErrorKind::Unreadable) and keeps its content.
    pub async fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::open_with(directory, Limits::default()).await
    }

    /// Opens the state as [`SqliteStore::open`] does, with limits.
    pub async fn open_with(directory: &Path, limits: Limits) -> Result<Self, StoreError> {
        let taken = directory.to_path_buf();
        let lock = task::spawn_blocking(move || StateLock::take(&taken))
            .await
            // The runtime is ending.
            .map_err(|error| failure::file("locked", directory, error.into()))??;
        let file = database::file_in(directory);
        let (writer, identity) = database::open_writer(&file, limits).await?;
        Ok(Self {
            readers: database::readers(&file),
            viewers: database::readers(&file),
            writer: Mutex::new(Writer::new(writer, limits.audit_keep)),
            file,
            identity,
            lock,
        })
    }

    /// The number of this opening: it rises by one each time the state is opened, so that the later
    /// of two gateways is the one with the higher epoch.
    pub fn epoch(&self) -> u64 {
        self.identity.epoch
    }

    /// The state's secret: made once, the same at each opening.
    pub fn secret(&self) -> &Secret {
        &self.identity.secret
    }

    /// Ends all work, folds the write-ahead log into the database and gives the directory back.
    ///
    /// Dropping the store does the same behind the caller's back, and loses nothing either.
    pub async fn close(self) -> Result<(), StoreError> {
        let Self {
            file,
            writer,
            readers,
            viewers,
            lock,
            identity: _,
        } = self;
        viewers.close().await;
        readers.close().await;
        let closed = writer.into_inner().close().await;
        closed.map_err(|error| failure::query(&file, "closing", error))?;
        // No connection is left that reading the file could take the locks from.
        let sealed = file.clone();
        let sealed = task::spawn_blocking(move || seal::put(&sealed)).await;
        drop(lock);
        sealed.map_err(|error| failure::file("sealed", &file, error.into()))?
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    /// One transaction, on disk when this returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done leaves all of the records stored or none.
    async fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut writer = self.writer.lock().await;
        writer
            .commit(records)
            .await
            .map_err(|error| failure::write(&self.file, error))
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        load::snapshot(&self.readers)
            .await
            .map_err(|error| failure::read(&self.file, error))
    }

    async fn said(&self, root: &RootId) -> Result<Vec<Said>, StoreError> {
        said::said(&self.readers, root)
            .await
            .map_err(|error| failure::read(&self.file, error))
    }

    async fn turns(&self, threads: &[RootId], last: usize) -> Result<Turns, StoreError> {
        past::turns(&self.readers, threads, last)
            .await
            .map_err(|error| failure::read(&self.file, error))
    }
}

#[async_trait]
impl Views for SqliteStore {
    async fn recent_turns(&self, query: &TurnQuery) -> Result<Vec<TurnView>, StoreError> {
        let turns = view::turns(&self.viewers, query).await;
        turns.map_err(|error| failure::read(&self.file, error))
    }

    async fn owed(&self, limit: u32) -> Result<Vec<OwedPost>, StoreError> {
        let owed = view::owed(&self.viewers, limit).await;
        owed.map_err(|error| failure::read(&self.file, error))
    }

    async fn transcript(
        &self,
        root: &RootId,
        limit: u32,
    ) -> Result<Option<Vec<Entry>>, StoreError> {
        let entries = view::transcript(&self.viewers, root, limit).await;
        entries.map_err(|error| failure::read(&self.file, error))
    }

    async fn prompted(&self, key: &str) -> Result<Option<DeliveryId>, StoreError> {
        let delivery = view::prompted(&self.viewers, key).await;
        delivery.map_err(|error| failure::read(&self.file, error))
    }

    async fn events(&self, after: u64, limit: u32) -> Result<Vec<EventView>, StoreError> {
        let events = view::events(&self.viewers, after, limit).await;
        events.map_err(|error| failure::read(&self.file, error))
    }

    async fn newest_event(&self) -> Result<u64, StoreError> {
        let newest = view::newest_event(&self.viewers).await;
        newest.map_err(|error| failure::read(&self.file, error))
    }

    async fn activity(
        &self,
        since: Timestamp,
        stretch_seconds: u32,
    ) -> Result<Vec<Stretch>, StoreError> {
        let stretches = view::activity(&self.viewers, since, stretch_seconds).await;
        stretches.map_err(|error| failure::read(&self.file, error))
    }
}

#[async_trait]
impl Tokens for SqliteStore {
    async fn token(&self, id: &str) -> Result<Option<Token>, StoreError> {
        let token = token::one(&self.viewers, id).await;
        token.map_err(|error| failure::read(&self.file, error))
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let tokens = token::all(&self.viewers).await;
        tokens.map_err(|error| failure::read(&self.file, error))
    }

    async fn add_token(&self, token: &Token, by: &Actor) -> Result<(), StoreError> {
        let added = self.writer.lock().await.add_token(token, by).await;
        added.map_err(|error| failure::write(&self.file, error))
    }

    async fn remove_token(&self, id: &str, by: &Actor) -> Result<bool, StoreError> {
        let removed = self.writer.lock().await.remove_token(id, by).await;
        removed.map_err(|error| failure::write(&self.file, error))
    }
}

#[async_trait]
impl AuditLog for SqliteStore {
    async fn audited(&self, before: Option<u64>, limit: u32) -> Result<Vec<Audited>, StoreError> {
        let entries = audit::newest(&self.viewers, before, limit).await;
        entries.map_err(|error| failure::read(&self.file, error))
    }
}
