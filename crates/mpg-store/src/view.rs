//! The past, from rows that `load` has no use for.

use jiff::Timestamp;
use mpg_core::id::{ConversationId, DeliveryId, InstallationId, RootId, TurnId, UserId};
use mpg_core::view::{
    Content, Entry, EventView, OwedPost, Stretch, TurnQuery, TurnState, TurnView,
};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row as _, query};

use crate::failure::{ReadError, UnknownValue};
use crate::key::{self, Names};
use crate::past::{count, usage};

pub(crate) async fn turns(
    readers: &SqlitePool,
    wanted: &TurnQuery,
) -> Result<Vec<TurnView>, ReadError> {
    let thread = wanted.thread.as_ref();
    let rows = query(
        "SELECT q.seq, q.id, t.platform, t.channel, t.root, c.agent, q.state, q.author, q.prompt,
                q.origin, q.attempt, q.queued_at, q.started_at, q.ended_at, q.outcome,
                q.failure_kind, q.failure_message, q.input_tokens, q.output_tokens,
                q.cache_read_tokens, q.cache_creation_tokens, q.cost_microdollars, q.duration_ms,
                q.steps, q.context_used, q.context_window
         FROM turn q JOIN conversation c ON c.id = q.conversation JOIN thread t ON t.id = c.thread
         WHERE ($1 IS NULL OR q.id = $1)
           AND ($2 IS NULL OR (t.platform = $2 AND t.channel = $3 AND t.root = $4))
           AND ($5 IS NULL OR q.state = $5)
           AND ($6 IS NULL OR q.seq < $6)
           AND ($7 IS NULL OR (t.platform = $7 AND t.channel = $8))
         ORDER BY q.seq DESC LIMIT $9",
    )
    .bind(wanted.turn.map(|turn| turn.to_string()))
    .bind(thread.map(|root| root.channel.platform.to_string()))
    .bind(thread.map(|root| root.channel.channel.to_string()))
    .bind(thread.map(|root| key::root(&root.root)))
    .bind(wanted.state.map(TurnState::name))
    .bind(
        wanted
            .before
            .map(|number| i64::try_from(number).unwrap_or(i64::MAX)),
    )
    .bind(wanted.channel.as_ref().map(|key| key.platform.to_string()))
    .bind(wanted.channel.as_ref().map(|key| key.channel.to_string()))
    .bind(i64::from(wanted.limit))
    .fetch_all(readers)
    .await?;
    let mut names = Names::default();
    rows.iter().map(|row| turn(row, &mut names)).collect()
}

fn turn(row: &SqliteRow, names: &mut Names) -> Result<TurnView, ReadError> {
    let state: &str = row.try_get(6)?;
    let known = TurnState::ALL.into_iter().find(|it| it.name() == state);
    let author: &str = row.try_get(7)?;
    let origin: &str = row.try_get(9)?;
    let attempt: Option<i64> = row.try_get(10)?;
    let time = |column: usize| -> Result<Option<Timestamp>, sqlx::Error> {
        let at: Option<i64> = row.try_get(column)?;
        Ok(at.map(key::timestamp))
    };
    let kind: Option<String> = row.try_get(15)?;
    let message: Option<String> = row.try_get(16)?;
    Ok(TurnView {
        number: count(row, 0)?,
        id: TurnId::from_uuid(key::uuid("turn.id", row.try_get(1)?)?),
        conversation: ConversationId {
            root: names.root(row.try_get(2)?, row.try_get(3)?, row.try_get(4)?)?,
            agent: names.agent(row.try_get(5)?)?,
        },
        state: known.ok_or_else(|| UnknownValue::new("turn.state", state))?,
        author: UserId::new(author),
        prompt: row.try_get(8)?,
        by_person: origin == "person",
        attempt: attempt.and_then(|attempt| u32::try_from(attempt).ok()),
        queued_at: key::timestamp(row.try_get(11)?),
        started_at: time(12)?,
        ended_at: time(13)?,
        outcome: row.try_get(14)?,
        failure: kind.map(|kind| (kind, message.unwrap_or_default())),
        usage: usage(row, 17)?,
    })
}

pub(crate) async fn owed(readers: &SqlitePool, limit: u32) -> Result<Vec<OwedPost>, ReadError> {
    let rows = query(
        "SELECT t.platform, t.channel, t.root, d.id, d.kind, d.body, d.planned_at
         FROM delivery d JOIN thread t ON t.id = d.thread
         WHERE d.state = 'planned' ORDER BY d.seq LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(readers)
    .await?;
    let mut names = Names::default();
    let posts = rows.iter().map(|row| {
        Ok(OwedPost {
            root: names.root(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)?,
            id: delivery(row.try_get(3)?)?,
            kind: row.try_get(4)?,
            text: row.try_get(5)?,
            planned_at: key::timestamp(row.try_get(6)?),
        })
    });
    posts.collect()
}

pub(crate) async fn transcript(
    readers: &SqlitePool,
    root: &RootId,
    limit: u32,
) -> Result<Option<Vec<Entry>>, ReadError> {
    // One transaction, so that all is of one moment.
    let mut transaction = readers.begin().await?;
    let thread: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM thread WHERE platform = $1 AND channel = $2 AND root = $3",
    )
    .bind(root.channel.platform.to_string())
    .bind(root.channel.channel.to_string())
    .bind(key::root(&root.root))
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(thread) = thread else {
        return Ok(None);
    };
    let asked = query(
        "SELECT q.queued_at, q.id, q.author, c.agent, q.origin, q.prompt
         FROM turn q JOIN conversation c ON c.id = q.conversation
         WHERE c.thread = $1 ORDER BY q.seq DESC LIMIT $2",
    )
    .bind(thread)
    .bind(i64::from(limit))
    .fetch_all(&mut *transaction)
    .await?;
    let posted = query(
        "SELECT planned_at, id, kind, persona, state, turn, body FROM delivery
         WHERE thread = $1 ORDER BY seq DESC LIMIT $2",
    )
    .bind(thread)
    .bind(i64::from(limit))
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let mut names = Names::default();
    let mut entries = Vec::new();
    for row in asked.iter().rev() {
        let author: &str = row.try_get(2)?;
        let origin: &str = row.try_get(4)?;
        entries.push(Entry {
            at: key::timestamp(row.try_get(0)?),
            content: Content::Asked {
                turn: TurnId::from_uuid(key::uuid("turn.id", row.try_get(1)?)?),
                author: UserId::new(author),
                agent: names.agent(row.try_get(3)?)?,
                by_person: origin == "person",
            },
            text: row.try_get(5)?,
        });
    }
    for row in posted.iter().rev() {
        let turn: Option<&str> = row.try_get(5)?;
        let turn = turn
            .map(|turn| key::uuid("delivery.turn", turn))
            .transpose()?;
        entries.push(Entry {
            at: key::timestamp(row.try_get(0)?),
            content: Content::Posted {
                delivery: delivery(row.try_get(1)?)?,
                kind: row.try_get(2)?,
                persona: row.try_get(3)?,
                state: row.try_get(4)?,
                turn: turn.map(TurnId::from_uuid),
            },
            text: row.try_get(6)?,
        });
    }
    // Stable: of one moment, what was asked comes first.
    entries.sort_by_key(|entry| entry.at);
    let older = entries.len().saturating_sub(limit as usize);
    entries.drain(..older);
    Ok(Some(entries))
}

pub(crate) async fn prompted(
    readers: &SqlitePool,
    key: &str,
) -> Result<Option<DeliveryId>, ReadError> {
    let row = query("SELECT id FROM installation")
        .fetch_one(readers)
        .await?;
    let installation = InstallationId::from_uuid(key::uuid("installation.id", row.try_get(0)?)?);
    let beginning = DeliveryId::beginning(installation, key);
    // The id is compared as a range, and the kinds are those of the index.
    let known = query(
        "SELECT id FROM delivery
         WHERE kind IN ('prompt', 'told') AND id > $1 AND id < $1 || '~' LIMIT 1",
    )
    .bind(beginning)
    .fetch_optional(readers)
    .await?;
    let Some(known) = known else {
        return Ok(None);
    };
    Ok(Some(delivery(known.try_get(0)?)?))
}

pub(crate) async fn events(
    readers: &SqlitePool,
    after: u64,
    limit: u32,
) -> Result<Vec<EventView>, ReadError> {
    let rows = query(
        "SELECT sequence, at, thread, kind, detail FROM event
         WHERE sequence > $1 ORDER BY sequence LIMIT $2",
    )
    .bind(i64::try_from(after).unwrap_or(i64::MAX))
    .bind(i64::from(limit))
    .fetch_all(readers)
    .await?;
    let mut names = Names::default();
    let events = rows.iter().map(|row| {
        let thread: Option<&str> = row.try_get(2)?;
        let thread = thread.map(|thread| {
            let key: Result<[String; 3], _> = serde_json::from_str(thread);
            let [platform, channel, root] =
                key.map_err(|_| UnknownValue::new("event.thread", thread))?;
            names.root(&platform, &channel, &root)
        });
        Ok(EventView {
            number: count(row, 0)?,
            at: key::timestamp(row.try_get(1)?),
            thread: thread.transpose()?,
            kind: row.try_get(3)?,
            detail: row.try_get(4)?,
        })
    });
    events.collect()
}

pub(crate) async fn newest_event(readers: &SqlitePool) -> Result<u64, ReadError> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(sequence) FROM event")
        .fetch_one(readers)
        .await?;
    Ok(newest
        .and_then(|newest| u64::try_from(newest).ok())
        .unwrap_or(0))
}

pub(crate) async fn activity(
    readers: &SqlitePool,
    since: Timestamp,
    stretch_seconds: u32,
) -> Result<Vec<Stretch>, ReadError> {
    let rows = query(
        "SELECT q.ended_at / $2 * $2 AS begins, t.platform, t.channel, c.agent, q.outcome,
                COUNT(*), SUM(MIN(q.input_tokens, 1099511627776)),
                SUM(MIN(q.output_tokens, 1099511627776)),
                SUM(MIN(q.cache_read_tokens, 1099511627776)),
                SUM(MIN(q.cache_creation_tokens, 1099511627776)),
                SUM(MIN(q.cost_microdollars, 1099511627776)),
                SUM(MIN(q.duration_ms, 1099511627776)),
                SUM(MIN(q.steps, 1099511627776)), NULL, NULL,
                SUM(MAX(q.started_at - q.queued_at, 0) / 1000000)
         FROM turn q JOIN conversation c ON c.id = q.conversation JOIN thread t ON t.id = c.thread
         WHERE q.state = 'ended' AND q.ended_at >= $1
         GROUP BY begins, t.platform, t.channel, c.agent, q.outcome
         ORDER BY begins",
    )
    .bind(key::nanoseconds(since))
    .bind(i64::from(stretch_seconds.max(1)).saturating_mul(1_000_000_000))
    .fetch_all(readers)
    .await?;
    let mut names = Names::default();
    let stretches = rows.iter().map(|row| {
        Ok(Stretch {
            begins: key::timestamp(row.try_get(0)?),
            channel: names.channel(row.try_get(1)?, row.try_get(2)?),
            agent: names.agent(row.try_get(3)?)?,
            outcome: row.try_get(4)?,
            turns: count(row, 5)?,
            usage: usage(row, 6)?,
            waited_ms: count(row, 15)?,
        })
    });
    stretches.collect()
}

fn delivery(text: &str) -> Result<DeliveryId, UnknownValue> {
    DeliveryId::parse(text).ok_or_else(|| UnknownValue::new("delivery.id", text))
}
