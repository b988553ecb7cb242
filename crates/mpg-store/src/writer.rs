//! The one connection that writes.

use mpg_core::record::Record;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Executor as _};

use crate::write;

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
}

impl Writer {
    pub(crate) fn new(connection: SqliteConnection) -> Self {
        Self {
            connection,
            unfinished: false,
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

    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.close().await
    }

    async fn transact(&mut self, records: &[Record]) -> Result<(), sqlx::Error> {
        // Taking the write lock at once: a transaction that begins by reading could be refused
        // later, whatever time-out is set.
        self.connection.execute("BEGIN IMMEDIATE").await?;
        for record in records {
            write::apply(&mut self.connection, record).await?;
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
