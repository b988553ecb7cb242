//! SQLite's own check of a database.

use std::path::Path;

use mpg_core::port::StoreError;
use sqlx::sqlite::SqliteConnection;

use crate::failure;

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Every page and row, but not whether indexes agree with their tables.
    Structure,
    /// Indexes and references between tables too.
    Everything,
}

/// How many problems are looked for: one is enough to know, a few help to see where.
const MAX_PROBLEMS: usize = 5;

/// Refuses a damaged database.
pub(crate) async fn check(
    file: &Path,
    reader: &mut SqliteConnection,
    depth: Depth,
) -> Result<(), StoreError> {
    let failed = |error| failure::query(file, "checking", error);
    // The numbers in the statements are MAX_PROBLEMS.
    let pragma = match depth {
        Depth::Structure => "PRAGMA quick_check(5)",
        Depth::Everything => "PRAGMA integrity_check(5)",
    };
    let problems: Vec<String> = sqlx::query_scalar(pragma)
        .fetch_all(&mut *reader)
        .await
        .map_err(failed)?;
    if problems != ["ok"] {
        return Err(failure::damaged(
            file,
            &problems[..problems.len().min(MAX_PROBLEMS)],
        ));
    }
    if depth == Depth::Everything {
        let astray: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT \"table\" FROM pragma_foreign_key_check LIMIT 5")
                .fetch_all(reader)
                .await
                .map_err(failed)?;
        if !astray.is_empty() {
            let astray = format!("rows of {} belong to nothing", astray.join(", "));
            return Err(failure::damaged(file, &[astray]));
        }
    }
    Ok(())
}
