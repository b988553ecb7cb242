//! Rows as the core's values.

use mpg_core::id::{DeliveryId, MessageId, MessageRef, RootId, SessionId, TurnId, UserId};
use mpg_core::post::{Post, PostKind};
use mpg_core::record::UnboundReason;
use mpg_core::snapshot::{Conversation, QueuedTurn, RunningTurn, Session, Thread};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::failure::{ReadError, UnknownValue};
use crate::key::{self, Names};

pub(super) fn thread(row: &SqliteRow, names: &mut Names) -> Result<(RootId, Thread), ReadError> {
    let root = names.root(row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)?;
    let place = match row.try_get::<Option<&str>, _>(4)? {
        Some(platform) => Some(names.place(platform, row.try_get(5)?, row.try_get(6)?)?),
        None => None,
    };
    let thread = Thread {
        place,
        last_agent: names.agent(row.try_get(7)?)?,
        turns_since_human: number(row.try_get(8)?),
        active_at: key::timestamp(row.try_get(9)?),
        conversations: [].into(),
        deliveries: [].into(),
    };
    Ok((root, thread))
}

pub(super) fn conversation(row: &SqliteRow) -> Result<Conversation, ReadError> {
    let unbound = match row.try_get::<Option<&str>, _>(2)? {
        Some(name) => Some(unbound_reason(name)?),
        None => None,
    };
    let session = match row.try_get::<Option<&str>, _>(3)? {
        Some(id) => Some(Session {
            id: SessionId::from_uuid(key::uuid("session.id", id)?),
            directory: row.try_get(4)?,
            answered: row.try_get(5)?,
        }),
        None => None,
    };
    Ok(Conversation {
        queue: [].into(),
        running: None,
        session,
        unbound,
    })
}

/// A turn in columns 2 to 9.
pub(super) fn queued_turn(row: &SqliteRow, names: &mut Names) -> Result<QueuedTurn, ReadError> {
    let message: &str = row.try_get(6)?;
    let author: &str = row.try_get(7)?;
    Ok(QueuedTurn {
        id: turn_id("turn.id", row.try_get(2)?)?,
        cause: MessageRef {
            place: names.place(row.try_get(3)?, row.try_get(4)?, row.try_get(5)?)?,
            message: MessageId::new(message),
        },
        author: UserId::new(author),
        prompt: row.try_get(8)?,
        at: key::timestamp(row.try_get(9)?),
    })
}

/// A turn in columns 2 to 9 and its attempt in 10 to 12.
pub(super) fn running_turn(row: &SqliteRow, names: &mut Names) -> Result<RunningTurn, ReadError> {
    Ok(RunningTurn {
        turn: queued_turn(row, names)?,
        attempt: number(row.try_get(10)?),
        continues: row.try_get(11)?,
        started_at: key::timestamp(row.try_get(12)?),
    })
}

/// A post in columns 1 to 6.
pub(super) fn post(row: &SqliteRow, names: &mut Names) -> Result<Post, ReadError> {
    let id: &str = row.try_get(1)?;
    let reply_to: Option<&str> = row.try_get(6)?;
    Ok(Post {
        id: DeliveryId::parse(id).ok_or_else(|| UnknownValue::new("delivery.id", id))?,
        kind: post_kind(row, names)?,
        text: row.try_get(5)?,
        reply_to: reply_to.map(MessageId::new),
    })
}

fn post_kind(row: &SqliteRow, names: &mut Names) -> Result<PostKind, ReadError> {
    match row.try_get(2)? {
        "answer" => Ok(PostKind::Answer {
            turn: turn_id("delivery.turn", row.try_get(3)?)?,
            agent: names.agent(row.try_get(4)?)?,
        }),
        "failure" => Ok(PostKind::Failure {
            turn: turn_id("delivery.turn", row.try_get(3)?)?,
        }),
        "notice" => Ok(PostKind::Notice),
        "reply" => Ok(PostKind::Reply),
        unknown => Err(UnknownValue::new("delivery.kind", unknown).into()),
    }
}

fn turn_id(column: &'static str, text: &str) -> Result<TurnId, UnknownValue> {
    key::uuid(column, text).map(TurnId::from_uuid)
}

fn unbound_reason(name: &str) -> Result<UnboundReason, UnknownValue> {
    UnboundReason::ALL
        .into_iter()
        .find(|reason| reason.name() == name)
        .ok_or_else(|| UnknownValue::new("conversation.unbound", name))
}

/// A count that was written from 32 bits.
fn number(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
