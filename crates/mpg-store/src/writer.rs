//! The one connection that writes.

use std::mem;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::audit::{Act, Actor, Deed};
use mpg_core::record::Record;
use mpg_core::token::Token;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Executor as _};

use crate::audit::{self, Chain};
use crate::batch::{Batch, Statement};
use crate::{event, token, write};

/// After how many events the oldest ones are removed.
const PRUNED_AFTER: u32 = 1_000;

/// How many statements go to the database's thread together. What one message leads to is less, and
/// comes in few combinations, each of which is prepared once; a longer commit goes record by record,
/// of which there are few kinds.
const TOGETHER: usize = 24;

/// Taking the write lock at once: a transaction that begins by reading could be refused later,
/// whatever time-out is set.
const BEGIN: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";

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
    /// The end of the audit log, once it was asked for. Nobody else writes.
    chain: Option<Chain>,
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
            chain: None,
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
        self.clear().await;
        let done = self.write(records).await;
        self.settle(done).await
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
        self.clear().await;
        let begun = self.connection.execute(BEGIN).await.map(drop);
        if begun.is_err() {
            return self.settle(begun).await;
        }
        begun
    }

    async fn end<T>(&mut self, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        let done = match done {
            Ok(done) => self.connection.execute(COMMIT).await.map(|_| done),
            Err(error) => Err(error),
        };
        self.settle(done).await
    }

    /// Rolls back what a dropped commit left.
    async fn clear(&mut self) {
        if self.unfinished {
            self.roll_back().await;
        }
        self.unfinished = true;
    }

    /// Leaves nothing open behind a transaction that is committed or has failed.
    async fn settle<T>(&mut self, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if done.is_err() {
            self.roll_back().await;
        }
        self.unfinished = false;
        done
    }

    async fn write(&mut self, records: &[Record]) -> Result<(), sqlx::Error> {
        let now = Timestamp::now();
        let mut steps = vec![vec![Statement::new(BEGIN)]];
        let mut noted = self.noted;
        // If this commit fails or is dropped, the next one has to ask what became of it.
        let mut chain = self.chain.take();
        for record in records {
            if let Record::Audited { deed } = record {
                let mut end = match chain {
                    Some(end) => end,
                    None => Chain::stored(&mut self.connection).await?,
                };
                steps.push(vec![end.add(deed)]);
                chain = Some(end);
                noted += 1;
                continue;
            }
            let fact = write::fact(record);
            let note = event::of(record).map(|event| write::note(event, now));
            noted += u32::from(note.is_some());
            steps.push(fact.into_iter().chain(note).collect());
        }
        if noted >= PRUNED_AFTER {
            steps.push(vec![
                write::forget_old_events(),
                audit::prune(now, self.audit_keep, audit::MOST),
            ]);
            noted = 0;
        }
        steps.push(vec![Statement::new(COMMIT)]);
        self.run(steps).await?;
        (self.noted, self.chain) = (noted, chain);
        Ok(())
    }

    async fn run(&mut self, steps: Vec<Vec<Statement>>) -> Result<(), sqlx::Error> {
        let together = steps.iter().map(Vec::len).sum::<usize>() <= TOGETHER;
        let mut batch = Batch::default();
        for step in steps.into_iter().filter(|step| !step.is_empty()) {
            for statement in step {
                batch.push(statement)?;
            }
            if !together {
                mem::take(&mut batch).run(&mut self.connection).await?;
            }
        }
        if together {
            batch.run(&mut self.connection).await?;
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
        self.chain = None;
        let mut chain = Chain::stored(&mut self.connection).await?;
        let mut batch = Batch::default();
        batch.push(chain.add(&deed))?;
        batch.run(&mut self.connection).await
    }

    async fn roll_back(&mut self) {
        // It fails where nothing is open any more, which is what it is for; if something is, the
        // next BEGIN says so.
        self.connection.execute("ROLLBACK").await.ok();
    }
}
