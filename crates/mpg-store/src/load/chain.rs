//! What agents handed over since a person last wrote: rows of which few are live.

use futures_util::TryStreamExt as _;
use mpg_core::id::{AgentName, MessageId, MessageRef, TurnId, UserId};
use mpg_core::likeness::Likeness;
use mpg_core::snapshot::{Branch, Chain, FanOut, Handoff};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, query};

use super::row::turn_id;
use super::threads::{Rows, thread};
use crate::failure::{ReadError, UnknownValue};
use crate::key::Names;

/// Adds the handoffs of all threads to them.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    threads: &mut Rows,
    names: &mut Names,
) -> Result<(), ReadError> {
    let mut rows =
        query("SELECT thread, from_agent, to_agent, likeness FROM handoff ORDER BY thread, seq")
            .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await? {
        let handoff = Handoff {
            from: names.agent(row.try_get(1)?)?,
            to: named("handoff.to_agent", row.try_get(2)?, names)?,
            likeness: Likeness::from_bytes(row.try_get(3)?),
        };
        chain(threads, &row)?.handoffs.push(handoff);
    }
    drop(rows);

    let mut rows = query(
        "SELECT thread, parent, agent, cause_platform, cause_channel, cause_thread, cause_message,
                author
         FROM fan_out",
    )
    .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await? {
        let (message, author): (&str, &str) = (row.try_get(6)?, row.try_get(7)?);
        let fan_out = FanOut {
            by: names.agent(row.try_get(2)?)?,
            cause: MessageRef {
                place: names.place(row.try_get(3)?, row.try_get(4)?, row.try_get(5)?)?,
                message: MessageId::new(message),
            },
            author: UserId::new(author),
            branches: Vec::new(),
        };
        let parent = parent(&row)?;
        chain(threads, &row)?.fan_outs.insert(parent, fan_out);
    }
    drop(rows);

    let mut rows = query(
        "SELECT thread, parent, turn, agent, answer FROM branch ORDER BY thread, parent, position",
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let branch = Branch {
            turn: turn_id("branch.turn", row.try_get(2)?)?,
            agent: named("branch.agent", row.try_get(3)?, names)?,
            answer: row.try_get(4)?,
        };
        let parent = parent(&row)?;
        let fan_outs = &mut chain(threads, &row)?.fan_outs;
        match fan_outs.get_mut(&parent) {
            Some(fan_out) => fan_out.branches.push(branch),
            None => return Err(UnknownValue::new("branch.parent", &parent.to_string()).into()),
        }
    }
    Ok(())
}

/// The chain of the thread that a row belongs to, by the row's first column.
fn chain<'a>(threads: &'a mut Rows, row: &SqliteRow) -> Result<&'a mut Chain, ReadError> {
    Ok(thread(threads, row)?.chain.get_or_insert_default())
}

fn parent(row: &SqliteRow) -> Result<TurnId, ReadError> {
    Ok(turn_id("fan_out.parent", row.try_get(1)?)?)
}

fn named(column: &'static str, text: &str, names: &mut Names) -> Result<AgentName, ReadError> {
    let agent = names.agent(text)?;
    agent.ok_or_else(|| UnknownValue::new(column, text).into())
}
