//! The audit log: entries that are only ever added, each of which fixes all before it.
//!
//! The hash of an entry is the SHA-256 of the hash of the one before it, followed by its number, its
//! time in nanoseconds since 1970 and its body, each of the two numbers in decimal digits with a line
//! feed behind it. The hash before the first entry is 32 zero bytes. Old entries are removed from the
//! beginning; the hash of the last one of them is kept, so that the rest can still be checked.

mod body;
mod verify;

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::audit::{Audited, Deed};
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{Row as _, query};

pub(crate) use self::verify::check;
pub use self::verify::{AuditCheck, Broken, Fault, Mark};

use crate::batch::Statement;
use crate::failure::{ReadError, UnknownValue};
use crate::key::{nanoseconds, timestamp};
use crate::past::count;

/// How many entries are kept at most, whatever their age.
pub(crate) const MOST: i64 = 500_000;

/// The hash of an entry.
pub(crate) type Hash = [u8; 32];

/// The hash of an entry that stands behind another one.
pub(crate) fn link(before: &Hash, number: i64, at: i64, body: &str) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update(format!("{number}\n{at}\n"));
    hasher.update(body);
    hasher.finalize().into()
}

/// Where the next entry belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    last: i64,
    hash: Hash,
}

impl Chain {
    /// The one that is stored.
    pub(crate) async fn stored(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let row = query("SELECT last, last_hash FROM audit_chain")
            .fetch_one(connection)
            .await?;
        Ok(Self {
            last: row.try_get(0)?,
            hash: hash_of(&row, 1)?,
        })
    }

    /// Adds an entry behind the last one; what it returns belongs into the transaction that makes
    /// this chain the stored one.
    pub(crate) fn add(&mut self, deed: &Deed) -> Statement {
        let (at, body) = (nanoseconds(deed.at), body::write(deed));
        self.last = self.last.saturating_add(1);
        self.hash = link(&self.hash, self.last, at, &body);
        Statement::new(
            "INSERT INTO audit (number, at, body, hash) VALUES ($1, $2, $3, $4);
             UPDATE audit_chain SET last = $1, last_hash = $4",
        )
        .bind(self.last)
        .bind(at)
        .bind(body)
        .bind(self.hash.to_vec())
    }
}

/// Removes the entries that are older than `keep`, and those beyond the newest `most`. The last
/// entry stays.
pub(crate) fn prune(now: Timestamp, keep: Duration, most: i64) -> Statement {
    let oldest = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
    // The time of an entry may be before that of an earlier one: what is removed is one piece.
    Statement::new(
        "WITH gone (number) AS (
             SELECT MAX(COALESCE((SELECT number - 1 FROM audit WHERE at >= $1
                                  ORDER BY number LIMIT 1), last - 1), last - $2)
             FROM audit_chain
         )
         UPDATE audit_chain SET (pruned, pruned_hash) =
             (SELECT number, hash FROM audit WHERE number = (SELECT number FROM gone))
         WHERE EXISTS (SELECT 1 FROM audit WHERE number = (SELECT number FROM gone));

         DELETE FROM audit WHERE number <= (SELECT pruned FROM audit_chain)",
    )
    .bind(nanoseconds(oldest))
    .bind(most)
}

/// Some entries, the newest first.
pub(crate) async fn newest(
    readers: &SqlitePool,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<Audited>, ReadError> {
    let before = before.map_or(i64::MAX, |number| i64::try_from(number).unwrap_or(i64::MAX));
    let rows = query(
        "SELECT number, at, body, hash FROM audit WHERE number < $1 ORDER BY number DESC LIMIT $2",
    )
    .bind(before)
    .bind(i64::from(limit))
    .fetch_all(readers)
    .await?;
    rows.iter().map(entry).collect()
}

/// Some entries behind a number that are no older than `since`, the oldest first.
pub(crate) async fn following(
    readers: &SqlitePool,
    after: u64,
    since: Option<Timestamp>,
    limit: u32,
) -> Result<Vec<Audited>, ReadError> {
    let rows = query(
        "SELECT number, at, body, hash FROM audit
         WHERE number > $1 AND ($2 IS NULL OR at >= $2) ORDER BY number LIMIT $3",
    )
    .bind(i64::try_from(after).unwrap_or(i64::MAX))
    .bind(since.map(nanoseconds))
    .bind(i64::from(limit))
    .fetch_all(readers)
    .await?;
    rows.iter().map(entry).collect()
}

fn entry(row: &SqliteRow) -> Result<Audited, ReadError> {
    Ok(Audited {
        number: count(row, 0)?,
        at: timestamp(row.try_get(1)?),
        body: row.try_get(2)?,
        hash: hex(&hash_of(row, 3)?),
    })
}

fn hash_of(row: &SqliteRow, column: usize) -> Result<Hash, sqlx::Error> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|_| sqlx::Error::ColumnDecode {
        index: column.to_string(),
        source: Box::new(UnknownValue::new("audit.hash", "of another length")),
    })
}

pub(crate) fn hex(hash: &Hash) -> String {
    let mut text = String::with_capacity(2 * hash.len());
    for byte in hash {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
