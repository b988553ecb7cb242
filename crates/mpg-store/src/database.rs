//! Opening the database file: settings, checks, and bringing its tables to this version.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mpg_core::port::{StoreError, StoreErrorKind};
use sqlx::migrate::Migrator;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::identity::{self, Identity};
use crate::integrity::{self, Depth};
use crate::seal::{self, Seal};
use crate::{failure, schema};

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Older ones can damage a database with a write-ahead log when a checkpoint meets a commit:
/// <https://sqlite.org/wal.html#walresetbug>.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// In bytes: <https://sqlite.org/fileformat2.html#pages>.
const SMALLEST_PAGE: u64 = 512;

/// How many texts the writer keeps prepared, the last ones used. Each is up to two dozen statements of
/// some kilobytes; what messages lead to comes in fewer combinations.
const PREPARED: usize = 48;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The write-ahead log is cut back to this many bytes after a checkpoint.
const LOG_LIMIT: &str = "16777216";

/// How many loads and views run at the same time.
const READERS: u32 = 2;

/// How many rows the reading thread is ahead of the one that takes them. Some are pages of many.
const ROWS_AHEAD: usize = 8;

/// What a store may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest size of the database in pages of 4,096 bytes, at which commits fail as on a full
    /// disk. `None` is SQLite's own limit.
    pub max_pages: Option<u32>,
    /// How long entries of the audit log are kept. The newest half a million are kept at most.
    pub audit_keep: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pages: None,
            audit_keep: Duration::from_hours(365 * 24),
        }
    }
}

/// Opens the file for writing, makes it if it is not there, and checks before that it is a state of
/// this version. A file that is refused keeps its content to the last byte, and so does its log.
pub(crate) async fn open_writer(
    file: &Path,
    limits: Limits,
) -> Result<(SqliteConnection, Identity), StoreError> {
    let checked = match look(file)? {
        Found::Nothing => {
            create(file).await?;
            None
        }
        Found::State(seal) => Some(check(file, seal).await?),
    };
    seal::remove(file)?;
    let mut writer = settings(file)
        .synchronous(SqliteSynchronous::Full)
        .statement_cache_capacity(PREPARED)
        .connect()
        .await
        .map_err(|error| failure::query(file, "opening", error))?;
    let opened = match begin(file, &mut writer, limits).await {
        Ok(identity) => Ok((writer, identity)),
        Err(error) => {
            // Before the one that only reads: the last connection that could write would fold the
            // log into the file.
            drop(writer.close().await);
            Err(error)
        }
    };
    if let Some(reader) = checked {
        drop(reader.close().await);
    }
    opened
}

/// Makes a database that was just opened the state of this version, in its next epoch.
async fn begin(
    file: &Path,
    writer: &mut SqliteConnection,
    limits: Limits,
) -> Result<Identity, StoreError> {
    let failed = |error| failure::query(file, "opening", error);
    if let Some(pages) = limits.max_pages {
        sqlx::query(AssertSqlSafe(format!("PRAGMA max_page_count = {pages}")))
            .execute(&mut *writer)
            .await
            .map_err(failed)?;
    }
    migrate(file, writer).await?;
    keep_log(file, writer).await?;
    identity::begin_epoch(writer).await.map_err(failed)
}

/// What is where the state belongs.
enum Found {
    Nothing,
    State(Seal),
}

fn look(file: &Path) -> Result<Found, StoreError> {
    match fs::metadata(file) {
        Ok(found) if found.is_file() && found.len() < SMALLEST_PAGE => {
            // No gateway leaves it so: a new state gets its name when it is whole. SQLite takes an
            // empty file for a new database, and removes the log beside it.
            Err(failure::foreign(
                file,
                "is damaged or no database: it is cut off",
            ))
        }
        Ok(found) if found.is_file() => {
            restrict(file)?;
            Ok(Found::State(seal::check(file)?))
        }
        Ok(_) => Err(failure::foreign(file, "is no file")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            for kind in ["db-wal", "db-journal"] {
                let log = file.with_extension(kind);
                if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
                    return Err(failure::foreign(
                        file,
                        &format!("is gone, and {} belongs to it", log.display()),
                    ));
                }
            }
            Ok(Found::Nothing)
        }
        Err(error) => Err(failure::file("looked at", file, error)),
    }
}

/// Makes an empty state under another name, and gives it its own once it is whole on the disk: a
/// crash in between leaves no half of one.
async fn create(file: &Path) -> Result<(), StoreError> {
    let failed = |error| failure::query(file, "making", error);
    let new = file.with_extension("db.new");
    for kind in ["db.new", "db.new-wal", "db.new-shm", "db.new-journal"] {
        let left = file.with_extension(kind);
        match fs::remove_file(&left) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failure::file("removed", &left, error)),
        }
    }
    // Made by hand, so that it is private from the first moment on.
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)
        .map_err(|error| failure::file("made", &new, error))?;
    let mut connection = settings(&new)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .map_err(failed)?;
    check_version(file, &mut connection).await?;
    keep_log(file, &mut connection).await?;
    migrate(file, &mut connection).await?;
    connection.close().await.map_err(failed)?;
    fs::rename(&new, file)
        .and_then(|()| seal::sync_directory_of(file))
        .map_err(|error| failure::file("made", file, error))
}

/// Refuses a file that is no state of this version, or damaged. It is only read for that, by the
/// connection that is given back.
async fn check(file: &Path, seal: Seal) -> Result<SqliteConnection, StoreError> {
    let mut reader = open_reader(file).await?;
    check_version(file, &mut reader).await?;
    schema::check(file, &mut reader, &MIGRATIONS).await?;
    let small = fs::metadata(file).is_ok_and(|file| file.len() <= seal::CHECKED_AT_OPENING);
    if seal == Seal::Missing && small {
        integrity::check(file, &mut reader, Depth::Structure).await?;
    }
    Ok(reader)
}

async fn migrate(file: &Path, writer: &mut SqliteConnection) -> Result<(), StoreError> {
    MIGRATIONS
        .run_direct(None, writer, false)
        .await
        .map_err(|error| failure::migration(file, error))
}

/// Makes sure that there is a write-ahead log: commits would wait for readers without one.
async fn keep_log(file: &Path, writer: &mut SqliteConnection) -> Result<(), StoreError> {
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode = WAL")
        .fetch_one(writer)
        .await
        .map_err(|error| failure::query(file, "opening", error))?;
    if mode == "wal" {
        return Ok(());
    }
    Err(StoreError {
        kind: StoreErrorKind::Io,
        message: format!(
            "{} cannot have a write-ahead log where it is; nothing was changed: use a directory on \
             a local disk",
            file.display()
        ),
        source: None,
    })
}

/// The connections that loads and views share. They open when they are first used.
pub(crate) fn readers(file: &Path) -> SqlitePool {
    PoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .connect_lazy_with(settings(file).read_only(true).row_buffer_size(ROWS_AHEAD))
}

/// Where the database of a state directory is.
pub(crate) fn file_in(directory: &Path) -> PathBuf {
    directory.join("state.db")
}

/// One connection to a file that nobody else uses, without a log beside it afterwards.
pub(crate) async fn open_plain(file: &Path) -> Result<SqliteConnection, StoreError> {
    settings(file)
        .journal_mode(SqliteJournalMode::Delete)
        .connect()
        .await
        .map_err(|error| failure::query(file, "opening", error))
}

/// One connection that only reads.
pub(crate) async fn open_reader(file: &Path) -> Result<SqliteConnection, StoreError> {
    settings(file)
        .read_only(true)
        .connect()
        .await
        .map_err(|error| failure::query(file, "opening", error))
}

fn settings(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("journal_size_limit", LOG_LIMIT)
        .thread_name(|_| "mpg-store".to_owned())
        .disable_statement_logging()
}

async fn check_version(file: &Path, writer: &mut SqliteConnection) -> Result<(), StoreError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(writer)
        .await
        .map_err(|error| failure::query(file, "opening", error))?;
    if is_recent(&version) {
        return Ok(());
    }
    Err(StoreError {
        kind: StoreErrorKind::Io,
        message: format!(
            "{} was not opened: this build has SQLite {version}, which can damage it; build with \
             the SQLite that comes with the sources",
            file.display()
        ),
        source: None,
    })
}

fn is_recent(version: &str) -> bool {
    let numbers: Vec<u32> = version.split('.').map_while(|n| n.parse().ok()).collect();
    numbers.as_slice() >= OLDEST_SQLITE.as_slice()
}

/// Lets only this user read the file. SQLite gives the files beside it the same mode.
///
/// The mode is set by name: opening the file and closing it again would drop SQLite's own locks on
/// it (<https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>).
fn restrict(file: &Path) -> Result<(), StoreError> {
    fs::set_permissions(file, Permissions::from_mode(0o600))
        .map_err(|error| failure::file("made private", file, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for (version, recent) in [
            ("3.51.3", true),
            ("3.51.10", true),
            ("3.100.0", true),
            ("4.0", true),
            ("3.51.2", false),
            ("3.9.9", false),
            ("3.51", false),
            ("", false),
        ] {
            assert_eq!(is_recent(version), recent, "{version}");
        }
    }
}
