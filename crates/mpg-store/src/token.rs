//! The rows of tokens.

use mpg_core::token::{Scope, Token};
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{Row as _, query, query_scalar};

use crate::failure::{ReadError, UnknownValue};
use crate::key::{nanoseconds, timestamp};

pub(crate) async fn one(readers: &SqlitePool, id: &str) -> Result<Option<Token>, ReadError> {
    let row =
        query("SELECT id, hash, scope, name, created_at, expires_at FROM token WHERE id = $1")
            .bind(id.to_owned())
            .fetch_optional(readers)
            .await?;
    row.as_ref().map(token).transpose()
}

pub(crate) async fn all(readers: &SqlitePool) -> Result<Vec<Token>, ReadError> {
    let rows = query(
        "SELECT id, hash, scope, name, created_at, expires_at FROM token ORDER BY created_at, id",
    )
    .fetch_all(readers)
    .await?;
    rows.iter().map(token).collect()
}

pub(crate) async fn add(writer: &mut SqliteConnection, token: &Token) -> Result<(), sqlx::Error> {
    query(
        "INSERT INTO token (id, hash, scope, name, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(token.id.clone())
    .bind(token.hash.to_vec())
    .bind(token.scope.name())
    .bind(token.name.clone())
    .bind(nanoseconds(token.created_at))
    .bind(token.expires_at.map(nanoseconds))
    .execute(writer)
    .await?;
    Ok(())
}

/// Removes a token, and tells what it was.
pub(crate) async fn remove(
    writer: &mut SqliteConnection,
    id: &str,
) -> Result<Option<String>, sqlx::Error> {
    query_scalar("DELETE FROM token WHERE id = $1 RETURNING id || ' ' || scope || ' ' || name")
        .bind(id.to_owned())
        .fetch_optional(writer)
        .await
}

fn token(row: &SqliteRow) -> Result<Token, ReadError> {
    let hash: &[u8] = row.try_get(1)?;
    let scope: &str = row.try_get(2)?;
    let expires_at: Option<i64> = row.try_get(5)?;
    Ok(Token {
        id: row.try_get(0)?,
        hash: hash
            .try_into()
            .map_err(|_| UnknownValue::new("token.hash", "of another length"))?,
        scope: Scope::named(scope).ok_or_else(|| UnknownValue::new("token.scope", scope))?,
        name: row.try_get(3)?,
        created_at: timestamp(row.try_get(4)?),
        expires_at: expires_at.map(timestamp),
    })
}
