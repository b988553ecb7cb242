//! Questions of people who look at the gateway from outside.

use mpg_core::id::{DeliveryId, RootId};
use mpg_core::port::StoreError;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, query};

use crate::failure::{self, ReadError, UnknownValue};
use crate::key::Names;
use crate::store::SqliteStore;

/// A post that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadDelivery {
    /// The thread that it was owed to.
    pub root: RootId,
    /// The post.
    pub delivery: DeliveryId,
    /// Why it was given up.
    pub reason: String,
}

/// How many turns ended in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeCount {
    /// `answered`, `failed`, `stopped` or `abandoned`.
    pub outcome: String,
    /// The sort of failure, if it was one.
    pub failure: Option<String>,
    /// The number of turns.
    pub turns: u64,
}

impl SqliteStore {
    /// The posts that were given up, newest first, at most `limit`.
    pub async fn dead_deliveries(&self, limit: u32) -> Result<Vec<DeadDelivery>, StoreError> {
        let rows = query(
            "SELECT t.platform, t.channel, t.root, d.id, coalesce(d.reason, '')
             FROM delivery d JOIN thread t ON t.id = d.thread
             WHERE d.state = 'dead' ORDER BY d.seq DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(self.readers())
        .await
        .map_err(|error| failure::query(self.file(), "reading", error))?;

        let mut names = Names::default();
        rows.iter()
            .map(|row| dead_delivery(&mut names, row))
            .collect::<Result<_, _>>()
            .map_err(|error| failure::read(self.file(), error))
    }

    /// How many turns of the known threads ended in which way, by name.
    pub async fn outcome_counts(&self) -> Result<Vec<OutcomeCount>, StoreError> {
        let rows: Vec<(String, Option<String>, i64)> = sqlx::query_as(
            "SELECT outcome, failure_kind, count(*) FROM turn WHERE state = 'ended'
             GROUP BY outcome, failure_kind ORDER BY outcome, failure_kind",
        )
        .fetch_all(self.readers())
        .await
        .map_err(|error| failure::query(self.file(), "reading", error))?;

        Ok(rows
            .into_iter()
            .map(|(outcome, failure, turns)| OutcomeCount {
                outcome,
                failure,
                turns: turns.unsigned_abs(),
            })
            .collect())
    }
}

fn dead_delivery(names: &mut Names, row: &SqliteRow) -> Result<DeadDelivery, ReadError> {
    let delivery: &str = row.try_get(3)?;
    Ok(DeadDelivery {
        root: names.root(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)?,
        delivery: DeliveryId::parse(delivery)
            .ok_or_else(|| UnknownValue::new("delivery.id", delivery))?,
        reason: row.try_get(4)?,
    })
}
