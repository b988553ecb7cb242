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
            "{} could not be {what}; nothing was changed: check that the directory is there, belongs \
             to this user and can be written, and that its disk is not full",
            path.display()
        ),
        source: Some(Box::new(error)),
    }
}

/// The file is a database, but not a state of this version.
pub(crate) fn foreign(file: &Path, what: &str) -> StoreError {
    unreadable(file, what, None)
}

/// SQLite's own check found the file damaged.
pub(crate) fn damaged(file: &Path, problems: &[String]) -> StoreError {
    let found = problems.join("; ");
    unreadable(file, "is damaged", Some(found.into()))
}

/// The state is of an earlier version, and only looked at.
pub(crate) fn outdated(file: &Path) -> StoreError {
    StoreError {
        kind: Unreadable,
        message: format!(
            "{} was last used by an earlier version; it was left as it is: start the gateway once, \
             which brings it to this one",
            file.display()
        ),
        source: None,
    }
}

/// The state could not be copied.
pub(crate) fn copy(file: &Path, to: &Path, error: sqlx::Error) -> StoreError {
    if Fault::of(&error) == Fault::Damage {
        return query(file, "copying", error);
    }
    StoreError {
        kind: Io,
        message: format!(
            "{} could not be written; no copy was made, and the state is as it was: check the free \
             space and the rights there, or name another file",
            to.display()
        ),
        source: Some(Box::new(error)),
    }
}

/// A statement failed while `doing` something with what should be a state.
pub(crate) fn query(file: &Path, doing: &str, error: sqlx::Error) -> StoreError {
    let fault = Fault::of(&error);
    if fault == Fault::Misread {
        return unreadable(file, "cannot be read as a state", Some(Box::new(error)));
    }
    failed(file, doing, fault, error)
}

/// Writing to a state that was opened failed: what it holds was read before.
pub(crate) fn write(file: &Path, error: sqlx::Error) -> StoreError {
    failed(file, "writing to", Fault::of(&error), error)
}

fn failed(file: &Path, doing: &str, fault: Fault, error: sqlx::Error) -> StoreError {
    let advice = match fault {
        Fault::Damage => {
            return unreadable(file, "is damaged or no database", Some(Box::new(error)));
        }
        Fault::Full => "the disk is full: free some space",
        Fault::ReadOnly => {
            "it cannot be written: check the owner and the rights of the directory \
                            and of the files in it, and whether the disk is mounted read-only"
        }
        Fault::Misread | Fault::Other => "check the disk's free space and the file's owner",
    };
    StoreError {
        kind: Io,
        message: format!(
            "{doing} {} failed; earlier commits are kept; {advice}, then start again",
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
            "{} {what}; it was left as it is: run the gateway that made it, or move {0}* away and \
             put back a backup as {0}, or begin anew without one",
            file.display()
        ),
        source,
    }
}

/// The low byte of the extended result code: <https://sqlite.org/rescode.html>.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error().and_then(DatabaseError::code)?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

/// What is at fault when a statement fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The file's content.
    Damage,
    /// A row holds something else than its column should, or a statement met tables that it was not
    /// written for: reading and writing themselves worked.
    Misread,
    /// There is no space left.
    Full,
    /// The right to write, or the disk's.
    ReadOnly,
    /// Something else.
    Other,
}

impl Fault {
    fn of(error: &sqlx::Error) -> Self {
        use sqlx::Error::{ColumnDecode, ColumnNotFound, Decode, RowNotFound};

        match (primary_code(error), error) {
            (Some(11 | 26), _) => Self::Damage,
            // The generic code, and that of constraints: https://sqlite.org/rescode.html#error
            (Some(1 | 19), _)
            | (None, ColumnDecode { .. } | ColumnNotFound(_) | Decode(_) | RowNotFound) => {
                Self::Misread
            }
            (Some(13), _) => Self::Full,
            (Some(8), _) => Self::ReadOnly,
            (Some(_) | None, _) => Self::Other,
        }
    }
}
