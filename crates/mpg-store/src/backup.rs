//! A copy of the state, made while it is used.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use mpg_core::port::{StoreError, StoreErrorKind};
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Connection as _, query};

use crate::integrity::{self, Depth};
use crate::{database, failure, identity, seal};

/// Copies the state that `connections` read into the new file `to`.
pub(crate) async fn write(
    file: &Path,
    connections: &SqlitePool,
    to: &Path,
) -> Result<u64, StoreError> {
    let Some(name) = to.file_name().and_then(|name| name.to_str()) else {
        return Err(refused(to, "has no name that SQLite can write to", None));
    };
    // The name is taken first and filled last: whoever finds a copy there finds a whole one.
    reserve(to).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            refused(to, "exists already", None)
        } else {
            refused(to, "could not be made", Some(error))
        }
    })?;
    let partial = to.with_file_name(format!(".{name}.{}.partial", std::process::id()));
    let written = match reserve(&partial) {
        Ok(()) => fill(file, connections, &partial, to).await,
        Err(error) => Err(refused(&partial, "could not be made", Some(error))),
    };
    if written.is_err() {
        // They are ours, and of no use to anybody.
        for left in [
            partial.clone(),
            beside(&partial, "-journal"),
            to.to_path_buf(),
        ] {
            drop(fs::remove_file(left));
        }
    }
    written
}

async fn fill(
    file: &Path,
    connections: &SqlitePool,
    partial: &Path,
    to: &Path,
) -> Result<u64, StoreError> {
    let Some(path) = partial.to_str() else {
        return Err(refused(to, "has no name that SQLite can write to", None));
    };
    let failed = |error| failure::query(file, "copying", error);
    let mut connection = connections.acquire().await.map_err(failed)?;
    query("VACUUM INTO $1")
        .bind(path)
        .execute(&mut *connection)
        .await
        .map_err(|error| failure::copy(file, to, error))?;
    drop(connection);

    let failed = |error| failure::copy(file, to, error);
    let mut copy = database::open_plain(partial).await?;
    finish(partial, &mut copy).await?;
    copy.close().await.map_err(failed)?;

    // Copying does not wait for the disk.
    let done = File::open(partial)
        .and_then(|copy| copy.sync_all().and_then(|()| copy.metadata()))
        .and_then(|copy| fs::rename(partial, to).map(|()| copy.len()))
        .and_then(|length| seal::sync_directory_of(to).map(|()| length));
    done.map_err(|error| refused(to, "could not be made", Some(error)))
}

/// Makes a copy what it has to be where it is put back, and looks whether it is whole.
async fn finish(partial: &Path, copy: &mut SqliteConnection) -> Result<(), StoreError> {
    identity::mark_as_copy(copy)
        .await
        .map_err(|error| failure::write(partial, error))?;
    integrity::check(partial, copy, Depth::Everything).await
}

fn reserve(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).map(drop)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn refused(to: &Path, what: &str, error: Option<io::Error>) -> StoreError {
    StoreError {
        kind: StoreErrorKind::Io,
        message: format!(
            "{} {what}; no copy was made, and the state is as it was: name another file",
            to.display()
        ),
        source: error.map(Into::into),
    }
}
