//! The one connection that writes.

use std::time::Duration;

use jiff::Timestamp;
use mpg_core::audit::{Act, Actor, Deed};
use mpg_core::record::Record;
use mpg_core::token::Token;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Executor as _};

use crate::{audit, event, token, write};

/// After how many events the oldest ones are removed.
const PRUNED_AFTER: u32 = 1_000;

/// Commits, one after the other.
///
/// Transactions are begun and ended by plain statements: where SQLite itself rolls one back, as it
/// does on a full disk (<https://sqlite.org/lang_transaction.html>), a driver that counts them
/// believes from then on that one is open.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: SqliteConnection,
    // Set while a transaction may be open, which outlives a commit that failed or was dropped.
    unfinished: bool,
    /// How many events were written since the oldest ones were removed.
    noted: u32,
    /// How long entries of the audit log are kept.
    audit_keep: Duration,
}

impl Writer {
    pub(crate) fn new(connection: SqliteConnection, audit_keep: Duration) -> Self {
        Self {
            connection,
            audit_keep,
            unfinished: false,
            // The first commit looks whether an earlier gateway left too many.
            noted: PRUNED_AFTER,
        }
    }

    /// Makes all records true at once. A failure leaves what was committed before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done leaves all of the records stored or none.
    pub(crate) async fn commit(&mut self, records: &[Record]) -> Result<(), sqlx::Error> {
        self.begin().await?;
        let done = self.write(records).await;
        self.end(done).await
    }

    /// Adds a token. A failure leaves what was there before.
    pub(crate) async fn add_token(&mut self, token: &Token, by: &Actor) -> Result<(), sqlx::Error> {
        self.begin().await?;
        let done = self.make_token(token, by).await;
        self.end(done).await
    }

    /// Removes a token, and tells whether there was one.
    pub(crate) async fn remove_token(&mut self, id: &str, by: &Actor) -> Result<bool, sqlx::Error> {
        self.begin().await?;
        let done = self.revoke_token(id, by).await;
        self.end(done).await
    }

    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.close().await
    }

    async fn begin(&mut self) -> Result<(), sqlx::Error> {
        if self.unfinished {
            self.roll_back().await;
        }
        self.unfinished = true;
        // Taking the write lock at once: a transaction that begins by reading could be refused
        // later, whatever time-out is set.
        let begun = self.connection.execute("BEGIN IMMEDIATE").await;
        if begun.is_err() {
            self.roll_back().await;
            self.unfinished = false;
        }
        begun.map(drop)
    }

    async fn end<T>(&mut self, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        let done = match done {
            Ok(done) => self.connection.execute("COMMIT").await.map(|_| done),
            Err(error) => Err(error),
        };
        if done.is_err() {
            self.roll_back().await;
        }
        self.unfinished = false;
        done
    }

    async fn write(&mut self, records: &[Record]) -> Result<(), sqlx::Error> {
        let mut deeds: Vec<&Deed> = Vec::new();
        for record in records {
            if let Record::Audited { deed } = record {
                deeds.push(deed);
                self.noted += 1;
                continue;
            }
            write::apply(&mut self.connection, record).await?;
            if let Some(event) = event::of(record) {
                write::note(&mut self.connection, event, Timestamp::now()).await?;
                self.noted += 1;
            }
        }
        audit::append(&mut self.connection, &deeds).await?;
        if self.noted >= PRUNED_AFTER {
            write::forget_old_events(&mut self.connection).await?;
            let (now, keep) = (Timestamp::now(), self.audit_keep);
            audit::prune(&mut self.connection, now, keep, audit::MOST).await?;
            self.noted = 0;
        }
        Ok(())
    }

    async fn make_token(&mut self, token: &Token, by: &Actor) -> Result<(), sqlx::Error> {
        token::add(&mut self.connection, token).await?;
        let about = format!("{} {} {}", token.id, token.scope.name(), token.name);
        self.audit(Act::MadeToken, about, by).await
    }

    async fn revoke_token(&mut self, id: &str, by: &Actor) -> Result<bool, sqlx::Error> {
        let Some(removed) = token::remove(&mut self.connection, id).await? else {
            return Ok(false);
        };
        self.audit(Act::RevokedToken, removed, by).await?;
        Ok(true)
    }

    async fn audit(&mut self, act: Act, about: String, by: &Actor) -> Result<(), sqlx::Error> {
        let deed = Deed::new(Timestamp::now(), by.clone(), act, about);
        audit::append(&mut self.connection, &[&deed]).await
    }

    async fn roll_back(&mut self) {
        // It fails where nothing is open any more, which is what it is for; if something is, the
        // next BEGIN says so.
        self.connection.execute("ROLLBACK").await.ok();
    }
}
