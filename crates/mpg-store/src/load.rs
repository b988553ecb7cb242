//! Reads the live state; history rows are not touched.

mod row;

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use mpg_core::id::{InstallationId, MessageId, Place, PlatformId, Position, RootId};
use mpg_core::snapshot::{Conversation, SeenMessages, Snapshot, Thread};
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{Row as _, query};

use crate::failure::{ReadError, UnknownValue};
use crate::key::{self, Names};

/// The state after all commits.
pub(crate) async fn snapshot(readers: &SqlitePool) -> Result<Snapshot, ReadError> {
    // One transaction, so that all tables are those of one moment.
    let mut transaction = readers.begin().await?;
    let connection = &mut *transaction;
    let mut names = Names::default();
    let installation = installation(connection).await?;
    let positions = positions(connection).await?;
    let seen = seen(connection, &mut names).await?;
    let threads = threads(connection, &mut names).await?;
    transaction.commit().await?;

    Ok(Snapshot {
        installation,
        positions,
        seen,
        threads,
    })
}

async fn installation(connection: &mut SqliteConnection) -> Result<InstallationId, ReadError> {
    let row = query("SELECT id FROM installation")
        .fetch_one(connection)
        .await?;
    let id = key::uuid("installation.id", row.try_get(0)?)?;
    Ok(InstallationId::from_uuid(id))
}

async fn positions(
    connection: &mut SqliteConnection,
) -> Result<BTreeMap<PlatformId, Position>, ReadError> {
    let mut rows = query("SELECT platform, value FROM position").fetch(connection);
    let mut positions = BTreeMap::new();
    while let Some(row) = rows.try_next().await? {
        let platform: &str = row.try_get(0)?;
        let position: &str = row.try_get(1)?;
        positions.insert(PlatformId::new(platform), Position::new(position));
    }
    Ok(positions)
}

/// Each place keeps its newest messages and one more, which becomes the floor; their order does not
/// matter for the result. One row a place, because a row costs more than an id.
async fn seen(
    connection: &mut SqliteConnection,
    names: &mut Names,
) -> Result<BTreeMap<Place, SeenMessages>, ReadError> {
    let mut rows = query(
        "SELECT platform, channel, thread, json_group_array(id) FROM message
         GROUP BY platform, channel, thread",
    )
    .fetch(connection);
    let mut seen = BTreeMap::new();
    while let Some(row) = rows.try_next().await? {
        let place = names.place(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)?;
        let ids: &str = row.try_get(3)?;
        let ids: Vec<String> =
            serde_json::from_str(ids).map_err(|_| UnknownValue::new("message.id", ids))?;
        seen.insert(place, ids.into_iter().map(MessageId::new).collect());
    }
    Ok(seen)
}

/// Threads while they are put together, by their key in the tables.
type Rows = BTreeMap<i64, (RootId, Thread)>;

async fn threads(
    connection: &mut SqliteConnection,
    names: &mut Names,
) -> Result<BTreeMap<RootId, Thread>, ReadError> {
    let mut threads = Rows::new();
    let mut rows = query(
        "SELECT id, platform, channel, root, place_platform, place_channel, place_thread,
                last_agent, turns_since_human, active_at
         FROM thread ORDER BY id",
    )
    .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await? {
        threads.insert(row.try_get(0)?, row::thread(&row, names)?);
    }
    drop(rows);

    let mut rows = query(
        "SELECT c.thread, c.agent, c.unbound, s.id, s.directory, s.answered
         FROM conversation c LEFT JOIN session s ON s.conversation = c.id ORDER BY c.thread",
    )
    .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await? {
        let agent = names.agent(row.try_get(1)?)?;
        let conversation = row::conversation(&row)?;
        let conversations = &mut thread(&mut threads, &row)?.conversations;
        conversations.insert(agent, conversation);
    }
    drop(rows);

    let mut rows = query(
        "SELECT c.thread, c.agent, q.id, q.cause_platform, q.cause_channel, q.cause_thread,
                q.cause_message, q.author, q.prompt, q.queued_at
         FROM turn q JOIN conversation c ON c.id = q.conversation
         WHERE q.state = 'queued' ORDER BY q.seq",
    )
    .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await? {
        let turn = row::queued_turn(&row, names)?;
        conversation(&mut threads, &row, names)?
            .queue
            .push_back(turn);
    }
    drop(rows);

    let mut rows = query(
        "SELECT c.thread, c.agent, r.id, r.cause_platform, r.cause_channel, r.cause_thread,
                r.cause_message, r.author, r.prompt, r.queued_at, r.attempt, r.continues,
                r.started_at
         FROM turn r JOIN conversation c ON c.id = r.conversation
         WHERE r.state = 'running'",
    )
    .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await? {
        let turn = row::running_turn(&row, names)?;
        conversation(&mut threads, &row, names)?.running = Some(turn);
    }
    drop(rows);

    let mut rows = query(
        "SELECT thread, id, kind, turn, agent, body, reply_to
         FROM delivery WHERE state = 'planned' ORDER BY seq",
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let post = row::post(&row, names)?;
        thread(&mut threads, &row)?.deliveries.push_back(post);
    }
    drop(rows);

    Ok(threads.into_values().collect())
}

/// The thread that a row belongs to, by the row's first column.
fn thread<'a>(threads: &'a mut Rows, row: &SqliteRow) -> Result<&'a mut Thread, ReadError> {
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
        .get_mut(&names.agent(agent)?)
        .ok_or_else(|| UnknownValue::new("conversation.agent", agent).into())
}
