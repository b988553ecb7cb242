//! The one connection that writes.

use jiff::Timestamp;
use mpg_core::record::Record;
use mpg_core::token::Token;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Executor as _};

use crate::{event, token, write};

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
}

impl Writer {
    pub(crate) fn new(connection: SqliteConnection) -> Self {
        Self {
            connection,
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
        if self.unfinished {
            self.roll_back().await;
        }
        self.unfinished = true;
        let done = self.transact(records).await;
        if done.is_err() {
            self.roll_back().await;
        }
        self.unfinished = false;
        done
    }

    /// Adds a token. A failure leaves what was there before.
    pub(crate) async fn add_token(&mut self, token: &Token) -> Result<(), sqlx::Error> {
        if self.unfinished {
            self.roll_back().await;
            self.unfinished = false;
        }
        token::add(&mut self.connection, token).await
    }

    /// Removes a token, and tells whether there was one.
    pub(crate) async fn remove_token(&mut self, id: &str) -> Result<bool, sqlx::Error> {
        if self.unfinished {
            self.roll_back().await;
            self.unfinished = false;
        }
        token::remove(&mut self.connection, id).await
    }

    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.close().await
    }

    async fn transact(&mut self, records: &[Record]) -> Result<(), sqlx::Error> {
        // Taking the write lock at once: a transaction that begins by reading could be refused
        // later, whatever time-out is set.
        self.connection.execute("BEGIN IMMEDIATE").await?;
        for record in records {
            write::apply(&mut self.connection, record).await?;
            if let Some(event) = event::of(record) {
                write::note(&mut self.connection, event, Timestamp::now()).await?;
                self.noted += 1;
            }
        }
        if self.noted >= PRUNED_AFTER {
            write::forget_old_events(&mut self.connection).await?;
            self.noted = 0;
        }
        self.connection.execute("COMMIT").await?;
        Ok(())
    }

    async fn roll_back(&mut self) {
        // It fails where nothing is open any more, which is what it is for; if something is, the
        // next BEGIN says so.
        self.connection.execute("ROLLBACK").await.ok();
    }
}
