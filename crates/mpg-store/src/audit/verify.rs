//! Whether the chain is what was written.

use std::str::FromStr;

use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqlitePool;
use sqlx::{Row as _, query};
use thiserror::Error;

use super::{Hash, hash_of, hex, link};
use crate::failure::ReadError;

/// What a look at the whole chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCheck {
    /// How many entries there are.
    pub entries: u64,
    /// How many older ones were removed.
    pub pruned: u64,
    /// The last entry: somebody who keeps this can tell later whether it is still there.
    pub last: Mark,
    /// The first thing that is not as it was written.
    pub broken: Option<Broken>,
}

/// An entry, by its number and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its number; 0 before the first.
    pub number: u64,
    /// Its hash, in hexadecimal digits.
    pub hash: String,
}

impl FromStr for Mark {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "a number, a colon and 64 hexadecimal digits, as `mpgd audit verify` prints it";
        let (number, hash) = text.split_once(':').ok_or(wrong)?;
        let number = number.parse().map_err(|_| wrong)?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hash = is_hash.then(|| hash.to_ascii_lowercase()).ok_or(wrong)?;
        Ok(Self { number, hash })
    }
}

/// Something that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The number of the entry.
    pub number: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    #[error("is not there")]
    Missing,
    /// It, or what stands before it, is not what was written.
    #[error("is not what was written, or stands behind another entry than it did")]
    Changed,
    /// It is not the one that somebody knows.
    #[error("is not the one that is known")]
    Unknown,
}

/// Looks at every entry, and whether the one that is known is among them.
pub(crate) async fn check(
    readers: &SqlitePool,
    known: Option<&Mark>,
) -> Result<AuditCheck, ReadError> {
    // One transaction, so that all is of one moment.
    let mut transaction = readers.begin().await?;
    let chain = query("SELECT pruned, pruned_hash, last, last_hash FROM audit_chain")
        .fetch_one(&mut *transaction)
        .await?;
    let mut walk = Walk {
        number: chain.try_get(0)?,
        hash: hash_of(&chain, 1)?,
        entries: 0,
        broken: None,
        known,
    };
    let (last, last_hash): (i64, Hash) = (chain.try_get(2)?, hash_of(&chain, 3)?);
    let pruned = walk.number;
    walk.meet_known();
    {
        let mut rows = query("SELECT number, at, body, hash FROM audit ORDER BY number")
            .fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await? {
            let (number, at): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            let body: &str = row.try_get(2)?;
            // A hash of another length is no hash of it.
            let hash = hash_of(&row, 3).unwrap_or_default();
            walk.step(number, at, body, hash);
        }
    }
    transaction.commit().await?;
    if walk.number != last {
        walk.broken(walk.number.saturating_add(1), Fault::Missing);
    }
    if walk.hash != last_hash {
        walk.broken(last, Fault::Changed);
    }
    if let Some(known) = known
        && known.number > unsigned(last)
    {
        walk.broken(
            i64::try_from(known.number).unwrap_or(i64::MAX),
            Fault::Missing,
        );
    }
    Ok(AuditCheck {
        entries: walk.entries,
        pruned: unsigned(pruned),
        last: Mark {
            number: unsigned(walk.number),
            hash: hex(&walk.hash),
        },
        broken: walk.broken,
    })
}

/// Where the look at the chain is.
struct Walk<'a> {
    number: i64,
    hash: Hash,
    entries: u64,
    broken: Option<Broken>,
    known: Option<&'a Mark>,
}

impl Walk<'_> {
    fn step(&mut self, number: i64, at: i64, body: &str, hash: Hash) {
        let next = self.number.saturating_add(1);
        if number != next {
            self.broken(next, Fault::Missing);
        }
        if hash != link(&self.hash, number, at, body) {
            self.broken(number, Fault::Changed);
        }
        self.number = number;
        self.hash = hash;
        self.entries += 1;
        self.meet_known();
    }

    fn meet_known(&mut self) {
        if let Some(known) = self.known
            && known.number == unsigned(self.number)
            && known.hash != hex(&self.hash)
        {
            self.broken(self.number, Fault::Unknown);
        }
    }

    /// The first one counts.
    fn broken(&mut self, number: i64, fault: Fault) {
        let number = unsigned(number);
        self.broken.get_or_insert(Broken { number, fault });
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
