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
    // As bytes: nothing may be asked of a table whose definition is no text, see `is_text`.
    let definitions: Vec<(Vec<u8>, Option<Vec<u8>>)> =
        sqlx::query_as("SELECT CAST(name AS BLOB), CAST(sql AS BLOB) FROM sqlite_schema")
            .fetch_all(&mut *reader)
            .await
            .map_err(failed)?;
    if !definitions.iter().all(is_text) {
        let problem = "the definition of a table or an index is no text".to_owned();
        return Err(failure::damaged(file, &[problem]));
    }
    let has_history = definitions
        .iter()
        .any(|(name, _)| name == b"_sqlx_migrations");
    if !has_history {
        return Err(failure::foreign(
            file,
            if definitions.is_empty() {
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

/// Whether a table's or an index's name and definition are text. SQLite reads some that are not, and
/// gives the type of a column as it stands there, which ends the thread that the statements run on
/// (`column_decltype` of sqlx-sqlite 0.9.0): what waits for it could wait for ever.
fn is_text((name, definition): &(Vec<u8>, Option<Vec<u8>>)) -> bool {
    let definition = definition.as_deref().unwrap_or_default();
    str::from_utf8(name).is_ok() && str::from_utf8(definition).is_ok()
}
