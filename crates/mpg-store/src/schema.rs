//! Whether a database is a state, and of which version.

use std::path::Path;

use mpg_core::port::StoreError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::SqliteConnection;

use crate::failure;

/// Refuses a database that no gateway made, or one newer than this. Returns how many changes of the
/// schema it is behind.
pub(crate) async fn check(
    file: &Path,
    reader: &mut SqliteConnection,
    known: &Migrator,
) -> Result<usize, StoreError> {
    let failed = |error| failure::query(file, "opening", error);
    let (objects, history): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(CASE WHEN name = '_sqlx_migrations' THEN 1 END) FROM sqlite_schema",
    )
    .fetch_one(&mut *reader)
    .await
    .map_err(failed)?;
    if history == 0 {
        return Err(failure::foreign(
            file,
            if objects == 0 {
                "is a database without anything in it"
            } else {
                "is the database of another program"
            },
        ));
    }
    let applied: Vec<(i64, Vec<u8>, bool)> =
        sqlx::query_as("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(reader)
            .await
            .map_err(failed)?;
    for (version, checksum, success) in &applied {
        let problem = match known.iter().find(|known| known.version == *version) {
            None => MigrateError::VersionMissing(*version),
            Some(known) if *known.checksum != **checksum => MigrateError::VersionMismatch(*version),
            Some(_) if !success => MigrateError::Dirty(*version),
            Some(_) => continue,
        };
        return Err(failure::migration(file, problem));
    }
    Ok(known.iter().count().saturating_sub(applied.len()))
}
