//! Rows as the core's values: those of the tables of which few rows are live.

use mpg_core::id::{AskId, DeliveryId, MessageId, MessageRef, RequestId, TurnId, UserId};
use mpg_core::persona::Persona;
use mpg_core::post::{Post, PostKind};
use mpg_core::record::ParkReason;
use mpg_core::snapshot::{
    Answerer, Ask, DeadLetter, Origin, Parked, QueuedTurn, Rule, RunningTurn,
};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::ask;
use crate::attachment;
use crate::control;
use crate::failure::{ReadError, UnknownValue};
use crate::fork;
use crate::key::{self, Names};
use crate::out_file;

/// A turn in columns 2 to 9, and who asks it with which files in those of their names.
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
        attachments: attachment::read(row.try_get("attachments")?)?,
        at: key::timestamp(row.try_get(9)?),
        origin: origin(row, names)?,
    })
}

fn origin(row: &SqliteRow, names: &mut Names) -> Result<Origin, ReadError> {
    let parent = || turn_id("turn.parent", row.try_get("parent")?).map_err(ReadError::from);
    match row.try_get("origin")? {
        "person" => Ok(Origin::Person),
        "handoff" => Ok(Origin::Handoff {
            from: names.agent(row.try_get("handed_by")?)?,
            parent: parent()?,
        }),
        "joined" => Ok(Origin::Joined { parent: parent()? }),
        unknown => Err(UnknownValue::new("turn.origin", unknown).into()),
    }
}

/// A turn in columns 2 to 9, its attempt in 10 to 14, and what it waits for in 15 and 16.
pub(super) fn running_turn(row: &SqliteRow, names: &mut Names) -> Result<RunningTurn, ReadError> {
    Ok(RunningTurn {
        turn: queued_turn(row, names)?,
        attempt: number(row.try_get(10)?),
        continues: row.try_get(11)?,
        started_at: key::timestamp(row.try_get(12)?),
        setbacks: number(row.try_get(13)?),
        waits: number(row.try_get(14)?),
        parked: parked(row)?,
        asks: Vec::new(),
    })
}

/// What a turn in column 2 asks, in the columns behind it.
pub(super) fn ask(row: &SqliteRow) -> Result<(TurnId, Ask), ReadError> {
    let request: &str = row.try_get(4)?;
    let verdict: Option<&str> = row.try_get(9)?;
    let told = row.try_get(10)?;
    let ask = Ask {
        id: AskId::from_uuid(key::uuid("request.id", row.try_get(3)?)?),
        request: RequestId::new(request),
        about: ask::read_about(row.try_get(5)?)?,
        at: key::timestamp(row.try_get(6)?),
        until: key::timestamp(row.try_get(7)?),
        replies: ask::read_replies(row.try_get(8)?)?,
        verdict: match verdict {
            Some(verdict) => Some(ask::read_verdict(verdict, told)?),
            None => None,
        },
    };
    Ok((turn_id("request.turn", row.try_get(2)?)?, ask))
}

/// What is allowed in a project, in the columns behind the first.
pub(super) fn rule(row: &SqliteRow) -> Result<Rule, ReadError> {
    let (id, name): (Option<&str>, Option<String>) = (row.try_get(2)?, row.try_get(3)?);
    Ok(Rule {
        rule: row.try_get(1)?,
        by: id.map(|id| Answerer {
            id: UserId::new(id),
            name: name.unwrap_or_default(),
        }),
        at: key::timestamp(row.try_get(4)?),
    })
}

fn parked(row: &SqliteRow) -> Result<Option<Parked>, ReadError> {
    let Some(name) = row.try_get::<Option<&str>, _>(15)? else {
        return Ok(None);
    };
    let reason = ParkReason::ALL
        .into_iter()
        .find(|reason| reason.name() == name)
        .ok_or_else(|| UnknownValue::new("parked.reason", name))?;
    let until: Option<i64> = row.try_get(16)?;
    Ok(Some(Parked {
        reason,
        until: until.map(key::timestamp),
    }))
}

/// A post in columns 1 to 6, and whom it speaks for in those of their names.
pub(super) fn post(row: &SqliteRow, names: &mut Names) -> Result<Post, ReadError> {
    let id: &str = row.try_get(1)?;
    let reply_to: Option<&str> = row.try_get(6)?;
    Ok(Post {
        id: delivery("delivery.id", id)?,
        kind: post_kind(row, names)?,
        text: row.try_get(5)?,
        reply_to: reply_to.map(MessageId::new),
        persona: persona(row)?,
        footer: row.try_get("footer")?,
        controls: control::read(row.try_get("controls")?)?,
        mentions: row.try_get::<Option<&str>, _>("mentions")?.map(UserId::new),
        replaces: match row.try_get::<Option<&str>, _>("replaces")? {
            Some(id) => Some(delivery("delivery.replaces", id)?),
            None => None,
        },
        files: out_file::read(row.try_get("files")?)?,
    })
}

/// A post whose message can be taken over, and the message.
pub(super) fn kept(row: &SqliteRow) -> Result<(DeliveryId, MessageId), ReadError> {
    let message: &str = row.try_get(2)?;
    let delivery = delivery("kept.delivery", row.try_get(1)?)?;
    Ok((delivery, MessageId::new(message)))
}

fn delivery(column: &'static str, id: &str) -> Result<DeliveryId, UnknownValue> {
    DeliveryId::parse(id).ok_or_else(|| UnknownValue::new(column, id))
}

fn persona(row: &SqliteRow) -> Result<Option<Persona>, ReadError> {
    let name: Option<&str> = row.try_get("persona")?;
    let color: Option<i64> = row.try_get("color")?;
    let color = color.map(|color| u32::try_from(color).unwrap_or_default());
    Ok(name.map(|name| Persona::new(name, color)))
}

/// A dead letter: its post in columns 1 to 6, and then what became of it where.
pub(super) fn dead_letter(row: &SqliteRow, names: &mut Names) -> Result<DeadLetter, ReadError> {
    let (platform, channel, root) = (row.try_get(7)?, row.try_get(8)?, row.try_get(9)?);
    Ok(DeadLetter {
        root: names.root(platform, channel, root)?,
        post: post(row, names)?,
        reason: row.try_get(10)?,
        at: key::timestamp(row.try_get(11)?),
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
        "progress" => Ok(PostKind::Progress {
            turn: turn_id("delivery.turn", row.try_get(3)?)?,
        }),
        "live" => Ok(PostKind::Live {
            turn: turn_id("delivery.turn", row.try_get(3)?)?,
        }),
        "request" => Ok(PostKind::Request {
            turn: turn_id("delivery.turn", row.try_get(3)?)?,
        }),
        "prompt" => Ok(PostKind::Prompt {
            agent: names.agent(row.try_get(4)?)?,
        }),
        "fork" => Ok(PostKind::Fork(Box::new(fork::read(
            row.try_get("fork")?,
            names.agent(row.try_get(4)?)?,
        )?))),
        "told" => Ok(PostKind::Told),
        "notice" => Ok(PostKind::Notice),
        "board" => Ok(PostKind::Board),
        "reply" => Ok(PostKind::Reply),
        "private" => Ok(PostKind::Private),
        unknown => Err(UnknownValue::new("delivery.kind", unknown).into()),
    }
}

pub(super) fn turn_id(column: &'static str, text: &str) -> Result<TurnId, UnknownValue> {
    key::uuid(column, text).map(TurnId::from_uuid)
}

/// A count that was written from 32 bits.
pub(super) fn number(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
