//! What the store's errors say.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use mpg_core::port::{StoreError, StoreErrorKind};
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use thiserror::Error;

use StoreErrorKind::{InUse, Io, Unreadable};

/// A value of a table that this version does not know.
#[derive(Debug, Error)]
#[error("{column} holds {value:?}")]
pub(crate) struct UnknownValue {
    /// The table and column.
    pub(crate) column: &'static str,
    /// At most 80 characters of what is there.
    pub(crate) value: String,
}

impl UnknownValue {
    pub(crate) fn new(column: &'static str, value: &str) -> Self {
        Self {
            column,
            value: value.chars().take(80).collect(),
        }
    }
}

/// A query failed, or read what cannot be.
#[derive(Debug, Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Query(#[from] sqlx::Error),
    #[error(transparent)]
    Value(#[from] UnknownValue),
}

/// The directory belongs to another gateway.
pub(crate) fn in_use(directory: &Path, pid: Option<u32>) -> StoreError {
    let owner = match pid {
        Some(pid) => format!("another gateway (process {pid})"),
        None => "another gateway".to_owned(),
    };
    StoreError {
        kind: InUse,
        message: format!(
            "{} is in use by {owner}; nothing was changed: stop it first, or use another directory",
            directory.display()
        ),
        source: None,
    }
}

/// The directory or the lock in it cannot be used.
pub(crate) fn file(what: &str, path: &Path, error: io::Error) -> StoreError {
    StoreError {
        kind: Io,
        message: format!(
            "{} could not be {what}; nothing was changed: check that the directory is there and \
             belongs to this user",
            path.display()
        ),
        source: Some(Box::new(error)),
    }
}

/// The file is a database, but not a state of this version.
pub(crate) fn foreign(file: &Path, what: &str) -> StoreError {
    unreadable(file, what, None)
}

/// A statement failed while `doing` something.
pub(crate) fn query(file: &Path, doing: &str, error: sqlx::Error) -> StoreError {
    if is_damage(&error) {
        return unreadable(file, "is damaged or no database", Some(Box::new(error)));
    }
    StoreError {
        kind: Io,
        message: format!(
            "{doing} {} failed; earlier commits are kept: check the disk's free space and the \
             file's owner, then start again",
            file.display()
        ),
        source: Some(Box::new(error)),
    }
}

/// Reading the state failed.
pub(crate) fn read(file: &Path, error: ReadError) -> StoreError {
    match error {
        ReadError::Query(error) => query(file, "reading", error),
        ReadError::Value(error) => unreadable(
            file,
            "holds a value that this version does not know",
            Some(Box::new(error)),
        ),
    }
}

/// The tables could not be brought to this version.
pub(crate) fn migration(file: &Path, error: MigrateError) -> StoreError {
    if let MigrateError::VersionMissing(version) = error {
        let what = format!("was made by a newer gateway (schema {version} is not known here)");
        return unreadable(file, &what, Some(Box::new(error)));
    }
    if let MigrateError::VersionMismatch(version) = error {
        let what = format!("was made by another program (schema {version} differs)");
        return unreadable(file, &what, Some(Box::new(error)));
    }
    if let MigrateError::Dirty(version) = error {
        let what = format!("was left in the middle of a change (to schema {version})");
        return unreadable(file, &what, Some(Box::new(error)));
    }
    if let MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) = error {
        return query(file, "preparing", error);
    }
    query(file, "preparing", error.into())
}

fn unreadable(
    file: &Path,
    what: &str,
    source: Option<Box<dyn StdError + Send + Sync>>,
) -> StoreError {
    StoreError {
        kind: Unreadable,
        message: format!(
            "{} {what}; it was left as it is: run the gateway that made it, put back a copy, or \
             move it away to begin anew",
            file.display()
        ),
        source,
    }
}

/// Whether SQLite says that the file's content is at fault, rather than the disk or a lock.
fn is_damage(error: &sqlx::Error) -> bool {
    // Primary result codes, the low byte of the extended ones: https://sqlite.org/rescode.html
    const CORRUPT: u32 = 11;
    const NOT_A_DATABASE: u32 = 26;

    error
        .as_database_error()
        .and_then(DatabaseError::code)
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| [CORRUPT, NOT_A_DATABASE].contains(&(code & 0xff)))
}
