//! Opening the database file: settings, checks, and bringing its tables to this version.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use mpg_core::port::{StoreError, StoreErrorKind};
use sqlx::migrate::Migrator;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use crate::failure;
use crate::identity::{self, Identity};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Older ones can damage a database with a write-ahead log when a checkpoint meets a commit:
/// <https://sqlite.org/wal.html#walresetbug>.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The write-ahead log is cut back to this many bytes after a checkpoint.
const LOG_LIMIT: &str = "16777216";

/// How many loads and views run at the same time.
const READERS: u32 = 2;

/// How many rows the reading thread is ahead of the one that takes them. Some are pages of many.
const ROWS_AHEAD: usize = 8;

/// What a store may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The largest size of the database in pages of 4,096 bytes, at which commits fail as on a full
    /// disk. `None` is SQLite's own limit.
    pub max_pages: Option<u32>,
}

/// Opens the file for writing, makes it if it is not there, and checks that it is a state of this
/// version. A file that is refused keeps its content.
pub(crate) async fn open_writer(
    file: &Path,
    limits: Limits,
) -> Result<(SqliteConnection, Identity), StoreError> {
    let failed = |error| failure::query(file, "opening", error);

    let mut writer = settings(file)
        .create_if_missing(true)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .map_err(failed)?;
    check_version(file, &mut writer).await?;
    if let Some(pages) = limits.max_pages {
        sqlx::query(AssertSqlSafe(format!("PRAGMA max_page_count = {pages}")))
            .execute(&mut writer)
            .await
            .map_err(failed)?;
    }

    check_owner(file, &mut writer).await?;
    MIGRATIONS
        .run_direct(None, &mut writer, false)
        .await
        .map_err(|error| failure::migration(file, error))?;

    restrict(file)?;
    // Only now: this is the first setting that is written into the file.
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode = WAL")
        .fetch_one(&mut writer)
        .await
        .map_err(failed)?;
    if mode != "wal" {
        return Err(StoreError {
            kind: StoreErrorKind::Io,
            message: format!(
                "{} cannot have a write-ahead log where it is; nothing was changed: use a \
                 directory on a local disk",
                file.display()
            ),
            source: None,
        });
    }
    let identity = identity::begin_epoch(&mut writer).await.map_err(failed)?;
    Ok((writer, identity))
}

/// The connections that loads and views share. They open when they are first used.
pub(crate) fn readers(file: &Path) -> SqlitePool {
    PoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .connect_lazy_with(settings(file).read_only(true).row_buffer_size(ROWS_AHEAD))
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

/// Refuses a database that has tables and no schema history, before anything is written to it.
async fn check_owner(file: &Path, writer: &mut SqliteConnection) -> Result<(), StoreError> {
    let (objects, history): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(CASE WHEN name = '_sqlx_migrations' THEN 1 END) FROM sqlite_schema",
    )
    .fetch_one(writer)
    .await
    .map_err(|error| failure::query(file, "opening", error))?;
    if objects > 0 && history == 0 {
        return Err(failure::foreign(file, "is the database of another program"));
    }
    Ok(())
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
