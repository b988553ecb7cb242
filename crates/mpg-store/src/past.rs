//! What the turns of threads were, from their rows.

use std::time::Duration;

use mpg_core::agent::{ContextUse, Usage};
use mpg_core::id::{RootId, TurnId, UserId};
use mpg_core::job::{PastTurn, Turns};
use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use crate::failure::ReadError;
use crate::key::{self, Names};

/// What the turns of some threads were, with the last ones one by one.
pub(crate) async fn turns(
    readers: &SqlitePool,
    threads: &[RootId],
    last: usize,
) -> Result<Turns, ReadError> {
    // One transaction, so that all is of one moment.
    let mut transaction = readers.begin().await?;
    let mut names = Names::default();
    let mut turns = Turns::default();
    for root in threads {
        let of_root = |sql| {
            sqlx::query(sql)
                .bind(root.channel.platform.to_string())
                .bind(root.channel.channel.to_string())
                .bind(key::root(&root.root))
                .bind(i64::try_from(last).unwrap_or(i64::MAX))
        };
        // Each is cut, so that no sum overflows.
        let sums = of_root(
            "SELECT COUNT(*), SUM(MIN(q.input_tokens, 1099511627776)),
                    SUM(MIN(q.output_tokens, 1099511627776)),
                    SUM(MIN(q.cache_read_tokens, 1099511627776)),
                    SUM(MIN(q.cache_creation_tokens, 1099511627776)),
                    SUM(MIN(q.cost_microdollars, 1099511627776)),
                    SUM(MIN(q.duration_ms, 1099511627776)),
                    SUM(MIN(q.steps, 1099511627776)), NULL, NULL
             FROM turn q JOIN conversation c ON c.id = q.conversation
             JOIN thread t ON t.id = c.thread
             WHERE t.platform = $1 AND t.channel = $2 AND t.root = $3 AND q.state = 'ended'
               AND $4 >= 0",
        )
        .fetch_one(&mut *transaction)
        .await?;
        turns.ended += count(&sums, 0)?;
        turns.usage.add(&usage(&sums, 1)?);
        if last == 0 {
            continue;
        }
        let rows = of_root(
            "SELECT q.id, c.agent, q.author, q.prompt, q.origin, q.outcome, q.ended_at,
                    q.input_tokens, q.output_tokens, q.cache_read_tokens,
                    q.cache_creation_tokens, q.cost_microdollars, q.duration_ms,
                    q.steps, q.context_used, q.context_window
             FROM turn q JOIN conversation c ON c.id = q.conversation
             JOIN thread t ON t.id = c.thread
             WHERE t.platform = $1 AND t.channel = $2 AND t.root = $3 AND q.state = 'ended'
             ORDER BY q.ended_at DESC, q.seq DESC LIMIT $4",
        )
        .fetch_all(&mut *transaction)
        .await?;
        for row in &rows {
            turns.last.push(past(row, &mut names)?);
        }
    }
    transaction.commit().await?;
    turns.keep_last(last);
    Ok(turns)
}

fn past(row: &SqliteRow, names: &mut Names) -> Result<PastTurn, ReadError> {
    let author: &str = row.try_get(2)?;
    let origin: &str = row.try_get(4)?;
    Ok(PastTurn {
        id: TurnId::from_uuid(key::uuid("turn.id", row.try_get(0)?)?),
        agent: names.agent(row.try_get(1)?)?,
        author: UserId::new(author),
        prompt: PastTurn::beginning(row.try_get(3)?).to_owned(),
        by_person: origin == "person",
        outcome: row.try_get(5)?,
        usage: usage(row, 7)?,
        at: key::timestamp(row.try_get(6)?),
    })
}

/// What turns took, in nine columns from this one on.
pub(crate) fn usage(row: &SqliteRow, first: usize) -> Result<Usage, ReadError> {
    Ok(Usage {
        input_tokens: count(row, first)?,
        output_tokens: count(row, first + 1)?,
        cache_read_tokens: count(row, first + 2)?,
        cache_creation_tokens: count(row, first + 3)?,
        cost_microdollars: count(row, first + 4)?,
        duration: Duration::from_millis(count(row, first + 5)?),
        steps: count(row, first + 6)?,
        context: context(row, first + 7)?,
    })
}

fn context(row: &SqliteRow, first: usize) -> Result<Option<ContextUse>, ReadError> {
    let window: Option<i64> = row.try_get(first + 1)?;
    if window.is_none() {
        return Ok(None);
    }
    Ok(Some(ContextUse {
        used: count(row, first)?,
        window: count(row, first + 1)?,
    }))
}

/// A number that cannot be negative; zero where there is none.
pub(crate) fn count(row: &SqliteRow, column: usize) -> Result<u64, ReadError> {
    let count: Option<i64> = row.try_get(column)?;
    Ok(u64::try_from(count.unwrap_or(0)).unwrap_or(0))
}
