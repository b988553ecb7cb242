//! Reads the threads, with all that goes on in them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use futures_util::TryStreamExt as _;
use mpg_core::id::RootId;
use mpg_core::snapshot::{Conversation, Thread};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, query};

use super::packed::{ThreadRow, page};
use super::{chain, row};
use crate::failure::{ReadError, UnknownValue};
use crate::key::Names;

/// Threads while they are put together, by their key in the tables.
pub(super) type Rows = BTreeMap<i64, (RootId, Thread)>;

/// All threads that are remembered.
pub(super) async fn threads(
    connection: &mut SqliteConnection,
    names: &mut Names,
) -> Result<BTreeMap<RootId, Thread>, ReadError> {
    let mut threads = conversations(connection, names).await?;
    queued(connection, names, &mut threads).await?;
    running(connection, names, &mut threads).await?;
    asked(connection, names, &mut threads).await?;
    owed(connection, names, &mut threads).await?;
    kept(connection, &mut threads).await?;
    chain::load(connection, &mut threads, names).await?;
    Ok(threads.into_values().collect())
}

/// The threads with their conversations, in which nothing goes on yet.
async fn conversations(
    connection: &mut SqliteConnection,
    names: &mut Names,
) -> Result<Rows, ReadError> {
    let mut threads = Rows::new();
    let mut rows = query(
        "WITH RECURSIVE page(first) AS (
             SELECT min(id) FROM thread
             UNION ALL
             SELECT (SELECT id FROM thread WHERE id >= first ORDER BY id LIMIT 1 OFFSET 256)
             FROM page WHERE first IS NOT NULL)
         SELECT (SELECT json_group_array(json_array(
                            t.id, t.platform, t.channel, t.root,
                            t.place_platform, t.place_channel, t.place_thread,
                            t.last_agent, t.turns_since_human, t.active_at, t.confirmed,
                            t.spent_tokens, t.spent_microdollars, t.spent_ms, t.renamed,
                            t.verbosity,
                            c.agent, c.unbound, c.told, s.id, s.directory, s.answered,
                            c.model, c.mode, c.effort, s.allowed, s.forked_from, c.fork))
                 FROM (SELECT * FROM thread WHERE id >= first ORDER BY id LIMIT 256) t
                 LEFT JOIN conversation c ON c.thread = t.id
                 LEFT JOIN session s ON s.conversation = c.id)
         FROM page WHERE first IS NOT NULL",
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        for row in page::<ThreadRow<'_>>("thread", &row)? {
            let (_, thread) = match threads.entry(row.id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(row.thread(names)?),
            };
            if let Some((agent, conversation)) = row.conversation(names)? {
                *thread.conversations.get_or_new(agent.as_ref()) = conversation;
            }
        }
    }
    Ok(threads)
}

async fn queued(
    connection: &mut SqliteConnection,
    names: &mut Names,
    threads: &mut Rows,
) -> Result<(), ReadError> {
    let mut rows = query(
        "SELECT c.thread, c.agent, q.id, q.cause_platform, q.cause_channel, q.cause_thread,
                q.cause_message, q.author, q.prompt, q.queued_at, q.origin, q.parent, q.handed_by,
                q.attachments, q.steered
         FROM turn q JOIN conversation c ON c.id = q.conversation
         WHERE q.state = 'queued' ORDER BY q.conversation, q.seq",
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let turn = row::queued_turn(&row, names)?;
        let conversation = conversation(threads, &row, names)?;
        if row.try_get("steered")? {
            conversation.steered.insert(turn.id);
        }
        conversation.queue.push_back(turn);
    }
    Ok(())
}

async fn running(
    connection: &mut SqliteConnection,
    names: &mut Names,
    threads: &mut Rows,
) -> Result<(), ReadError> {
    let mut rows = query(
        "SELECT c.thread, c.agent, r.id, r.cause_platform, r.cause_channel, r.cause_thread,
                r.cause_message, r.author, r.prompt, r.queued_at, r.attempt, r.continues,
                r.started_at, r.setbacks, r.waits, p.reason, p.resumes_at, r.origin, r.parent,
                r.handed_by, r.attachments
         FROM turn r JOIN conversation c ON c.id = r.conversation
         LEFT JOIN parked p ON p.conversation = r.conversation
         WHERE r.state = 'running'",
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let turn = row::running_turn(&row, names)?;
        conversation(threads, &row, names)?.running = Some(Box::new(turn));
    }
    Ok(())
}

async fn asked(
    connection: &mut SqliteConnection,
    names: &mut Names,
    threads: &mut Rows,
) -> Result<(), ReadError> {
    let mut rows = query(
        "SELECT c.thread, c.agent, q.turn, q.id, q.request, q.about, q.opened_at, q.until, q.replies,
                q.verdict, q.told
         FROM request q JOIN conversation c ON c.id = q.conversation ORDER BY q.seq",
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let (turn, ask) = row::ask(&row)?;
        let running = conversation(threads, &row, names)?.running.as_deref_mut();
        if let Some(running) = running.filter(|running| running.turn.id == turn) {
            running.asks.push(ask);
        }
    }
    Ok(())
}

async fn owed(
    connection: &mut SqliteConnection,
    names: &mut Names,
    threads: &mut Rows,
) -> Result<(), ReadError> {
    let mut rows = query(
        "SELECT thread, id, kind, turn, agent, body, reply_to, persona, color, footer,
                controls, mentions, replaces, files, fork
         FROM delivery WHERE state = 'planned' ORDER BY thread, seq",
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let post = row::post(&row, names)?;
        thread(threads, &row)?.deliveries.push_back(post);
    }
    Ok(())
}

async fn kept(connection: &mut SqliteConnection, threads: &mut Rows) -> Result<(), ReadError> {
    let mut rows = query("SELECT thread, delivery, message FROM kept").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let (delivery, message) = row::kept(&row)?;
        thread(threads, &row)?.kept.insert(delivery, message);
    }
    Ok(())
}

/// The thread that a row belongs to, by the row's first column.
pub(super) fn thread<'a>(
    threads: &'a mut Rows,
    row: &SqliteRow,
) -> Result<&'a mut Thread, ReadError> {
    let key: i64 = row.try_get(0)?;
    match threads.get_mut(&key) {
        Some((_, thread)) => Ok(thread),
        None => Err(UnknownValue::new("thread", &key.to_string()).into()),
    }
}

/// The conversation that a row belongs to, by the row's first two columns.
fn conversation<'a>(
    threads: &'a mut Rows,
    row: &SqliteRow,
    names: &mut Names,
) -> Result<&'a mut Conversation, ReadError> {
    let agent: &str = row.try_get(1)?;
    thread(threads, row)?
        .conversations
        .get_mut(names.agent(agent)?.as_ref())
        .ok_or_else(|| UnknownValue::new("conversation.agent", agent).into())
}
