//! A look at a state from beside its gateway.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use mpg_core::audit::Audited;
use mpg_core::port::StoreError;
use mpg_core::snapshot::Snapshot;
use sqlx::sqlite::SqlitePool;
use tokio::task;

use crate::audit::{self, AuditCheck, Mark};
use crate::identity::{self, Identity, Secret};
use crate::integrity::{self, Depth};
use crate::{backup, database, failure, load, schema, seal};

/// Reads a state that a gateway may be using, and never changes it.
///
/// Beside a state that no gateway uses, SQLite may leave an empty log; it belongs to nobody.
pub struct StateReader {
    file: PathBuf,
    connections: SqlitePool,
    /// How many changes of the schema the state has yet to get.
    behind: usize,
}

impl StateReader {
    /// Opens the state in `directory`; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As for [`SqliteStore::open`](crate::SqliteStore::open), but for the lock.
    pub async fn open(directory: &Path) -> Result<Option<Self>, StoreError> {
        let file = database::file_in(directory);
        match fs::metadata(&file) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failure::file("looked at", &file, error)),
        }
        let looked_at = file.clone();
        task::spawn_blocking(move || seal::check(&looked_at))
            .await
            .map_err(|error| failure::file("read", &file, error.into()))??;
        let connections = database::readers(&file);
        let mut connection = connections
            .acquire()
            .await
            .map_err(|error| failure::query(&file, "opening", error))?;
        let behind = schema::check(&file, &mut connection, &database::MIGRATIONS).await?;
        drop(connection);
        Ok(Some(Self {
            file,
            connections,
            behind,
        }))
    }

    /// The state after all commits so far.
    ///
    /// # Errors
    ///
    /// [`Unreadable`](mpg_core::port::StoreErrorKind::Unreadable) also for a state of an earlier
    /// version, which the gateway brings to its own when it starts.
    pub async fn load(&self) -> Result<Snapshot, StoreError> {
        self.require_current()?;
        load::snapshot(&self.connections)
            .await
            .map_err(|error| failure::read(&self.file, error))
    }

    /// The epoch of the state's last gateway, and the state's secret: what its keepers go by.
    ///
    /// # Errors
    ///
    /// As for [`StateReader::load`].
    pub async fn identity(&self) -> Result<(u64, Secret), StoreError> {
        self.require_current()?;
        let failed = |error| failure::query(&self.file, "reading", error);
        let mut connection = self.connections.acquire().await.map_err(failed)?;
        let Identity { epoch, secret } = identity::read(&mut connection).await.map_err(failed)?;
        Ok((epoch, secret))
    }

    /// Looks at every page, row and index for damage.
    ///
    /// # Errors
    ///
    /// [`Unreadable`](mpg_core::port::StoreErrorKind::Unreadable) with the first problems as its
    /// source.
    pub async fn check(&self) -> Result<(), StoreError> {
        let failed = |error| failure::query(&self.file, "checking", error);
        let mut connection = self.connections.acquire().await.map_err(failed)?;
        integrity::check(&self.file, &mut connection, Depth::Everything).await
    }

    /// Looks whether the audit log is what was written, and whether an entry that is known is in it.
    ///
    /// # Errors
    ///
    /// As for [`StateReader::load`]. A log that is not what was written is no error but what was found.
    pub async fn check_audit(&self, known: Option<&Mark>) -> Result<AuditCheck, StoreError> {
        self.require_current()?;
        let check = audit::check(&self.connections, known).await;
        check.map_err(|error| failure::read(&self.file, error))
    }

    /// The entries of the audit log behind a number that are no older than `since`, the oldest first,
    /// at most `limit`.
    ///
    /// # Errors
    ///
    /// As for [`StateReader::load`].
    pub async fn audited(
        &self,
        after: u64,
        since: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<Audited>, StoreError> {
        self.require_current()?;
        let entries = audit::following(&self.connections, after, since, limit).await;
        entries.map_err(|error| failure::read(&self.file, error))
    }

    /// Whether the state is of an earlier version: the gateway brings it to its own when it starts.
    pub fn is_outdated(&self) -> bool {
        self.behind > 0
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Writes a consistent copy of the state to `to`, for this user alone, while a gateway goes on
    /// committing. Returns the length of the copy in bytes.
    ///
    /// The copy is checked before it gets its name, and opens as a state where it is put back.
    ///
    /// # Errors
    ///
    /// If `to` exists already, which it then keeps to be, or if it cannot be written. Nothing is left
    /// of it then.
    pub async fn back_up(&self, to: &Path) -> Result<u64, StoreError> {
        backup::write(&self.file, &self.connections, to).await
    }

    /// Gives the file back.
    pub async fn close(self) {
        self.connections.close().await;
    }

    fn require_current(&self) -> Result<(), StoreError> {
        if self.is_outdated() {
            return Err(failure::outdated(&self.file));
        }
        Ok(())
    }
}

impl fmt::Debug for StateReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateReader")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
