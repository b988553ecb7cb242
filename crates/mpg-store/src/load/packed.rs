//! Rows as the core's values: those that there is one of for each thread, or more.
//!
//! They come in pages, each of which is one JSON array with an array for each row, in the order of
//! the fields here: ten thousand rows cost most of their time in being handed over from the
//! database's thread one by one, column by column. A page begins where the one before it ended,
//! rather than being a group of the rows: SQLite would sort those first, and nothing could be taken
//! while it does.

use std::borrow::Cow;
use std::collections::BTreeMap;

use mpg_core::agent::{Choices, Effort, PermissionMode};
use mpg_core::config::Verbosity;
use mpg_core::id::{AgentName, MessageId, Place, RootId, SessionId, TurnId};
use mpg_core::record::UnboundReason;
use mpg_core::snapshot::{Chain, Conversation, Conversations, Session, Spent, Thread};
use serde::Deserialize;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::row::number;
use crate::ask;
use crate::failure::{ReadError, UnknownValue};
use crate::key::{self, Names};

/// Reads the page that a row's only column holds.
pub(super) fn page<'r, T: Deserialize<'r>>(
    table: &'static str,
    row: &'r SqliteRow,
) -> Result<Vec<T>, ReadError> {
    let text: &str = row.try_get(0)?;
    serde_json::from_str(text).map_err(|_| UnknownValue::new(table, text).into())
}

/// A message that was seen.
#[derive(Debug, Deserialize)]
pub(super) struct SeenRow<'r> {
    #[serde(borrow)]
    platform: Cow<'r, str>,
    #[serde(borrow)]
    channel: Cow<'r, str>,
    #[serde(borrow)]
    thread: Cow<'r, str>,
    #[serde(borrow)]
    id: Cow<'r, str>,
}

impl SeenRow<'_> {
    pub(super) fn place(&self, names: &mut Names) -> Result<Place, UnknownValue> {
        names.place(&self.platform, &self.channel, &self.thread)
    }

    pub(super) fn message(&self) -> MessageId {
        MessageId::new(&*self.id)
    }
}

/// A thread with one of its conversations, if it has any.
#[derive(Debug, Deserialize)]
pub(super) struct ThreadRow<'r> {
    pub(super) id: i64,
    #[serde(borrow)]
    platform: Cow<'r, str>,
    #[serde(borrow)]
    channel: Cow<'r, str>,
    #[serde(borrow)]
    root: Cow<'r, str>,
    #[serde(borrow)]
    place_platform: Option<Cow<'r, str>>,
    #[serde(borrow)]
    place_channel: Option<Cow<'r, str>>,
    #[serde(borrow)]
    place_thread: Option<Cow<'r, str>>,
    #[serde(borrow)]
    last_agent: Cow<'r, str>,
    turns_since_human: i64,
    active_at: i64,
    confirmed: Option<String>,
    spent_tokens: u64,
    spent_microdollars: u64,
    spent_ms: u64,
    renamed: u8,
    #[serde(borrow)]
    verbosity: Option<Cow<'r, str>>,
    #[serde(borrow)]
    agent: Option<Cow<'r, str>>,
    #[serde(borrow)]
    unbound: Option<Cow<'r, str>>,
    #[serde(borrow)]
    told: Option<Cow<'r, str>>,
    #[serde(borrow)]
    session: Option<Cow<'r, str>>,
    directory: Option<String>,
    answered: Option<u8>,
    model: Option<String>,
    #[serde(borrow)]
    mode: Option<Cow<'r, str>>,
    #[serde(borrow)]
    effort: Option<Cow<'r, str>>,
    #[serde(borrow)]
    allowed: Option<Cow<'r, str>>,
    #[serde(borrow)]
    forked_from: Option<Cow<'r, str>>,
    #[serde(borrow)]
    fork: Option<Cow<'r, str>>,
}

impl ThreadRow<'_> {
    /// The thread without conversations.
    pub(super) fn thread(&self, names: &mut Names) -> Result<(RootId, Thread), UnknownValue> {
        let place = match (
            &self.place_platform,
            &self.place_channel,
            &self.place_thread,
        ) {
            (Some(platform), Some(channel), Some(thread)) => {
                Some(names.place(platform, channel, thread)?)
            }
            _ => None,
        };
        let thread = Thread {
            place,
            last_agent: names.agent(&self.last_agent)?,
            turns_since_human: number(self.turns_since_human),
            active_at: key::timestamp(self.active_at),
            conversations: Conversations::default(),
            deliveries: [].into(),
            kept: BTreeMap::new(),
            confirmed: self.confirmed.as_deref().map(MessageId::new),
            renamed: self.renamed == 1,
            verbosity: self.verbosity()?,
            chain: self.chain(),
        };
        let root = names.root(&self.platform, &self.channel, &self.root)?;
        Ok((root, thread))
    }

    fn verbosity(&self) -> Result<Option<Verbosity>, UnknownValue> {
        let Some(name) = self.verbosity.as_deref() else {
            return Ok(None);
        };
        let known = Verbosity::named(name);
        known
            .map(Some)
            .ok_or_else(|| UnknownValue::new("thread.verbosity", name))
    }

    /// What is known of its handoffs here.
    fn chain(&self) -> Option<Box<Chain>> {
        let chain = Chain {
            spent: Spent {
                tokens: self.spent_tokens,
                microdollars: self.spent_microdollars,
                milliseconds: self.spent_ms,
            },
            ..Chain::default()
        };
        (!chain.is_empty()).then(|| Box::new(chain))
    }

    /// The conversation without its turns.
    pub(super) fn conversation(
        self,
        names: &mut Names,
    ) -> Result<Option<(Option<AgentName>, Conversation)>, UnknownValue> {
        let Some(agent) = &self.agent else {
            return Ok(None);
        };
        let session = match &self.session {
            Some(id) => Some(Session {
                id: SessionId::from_uuid(key::uuid("session.id", id)?),
                directory: self.directory.unwrap_or_default(),
                answered: self.answered == Some(1),
                allowed: match self.allowed.as_deref() {
                    None | Some("[]") => Vec::new(),
                    Some(rules) => ask::read_rules(rules)?,
                },
                forked_from: forked("session.forked_from", self.forked_from.as_deref())?,
            }),
            None => None,
        };
        let conversation = Conversation {
            queue: [].into(),
            steered: [].into(),
            choices: Choices {
                model: self.model,
                mode: self.mode.as_deref().map(mode).transpose()?,
                effort: self.effort.as_deref().map(effort).transpose()?,
            },
            running: None,
            session,
            fork: forked("conversation.fork", self.fork.as_deref())?,
            unbound: self.unbound.as_deref().map(unbound_reason).transpose()?,
            told: match &self.told {
                Some(turn) => Some(TurnId::from_uuid(key::uuid("conversation.told", turn)?)),
                None => None,
            },
        };
        Ok(Some((names.agent(agent)?, conversation)))
    }
}

fn forked(column: &'static str, from: Option<&str>) -> Result<Option<SessionId>, UnknownValue> {
    let from = from.map(|from| key::uuid(column, from)).transpose()?;
    Ok(from.map(SessionId::from_uuid))
}

fn mode(name: &str) -> Result<PermissionMode, UnknownValue> {
    let mut modes = PermissionMode::ALL.into_iter();
    let mode = modes.find(|mode| mode.name() == name);
    mode.ok_or_else(|| UnknownValue::new("conversation.mode", name))
}

fn effort(name: &str) -> Result<Effort, UnknownValue> {
    let mut efforts = Effort::ALL.into_iter();
    let effort = efforts.find(|effort| effort.name() == name);
    effort.ok_or_else(|| UnknownValue::new("conversation.effort", name))
}

fn unbound_reason(name: &str) -> Result<UnboundReason, UnknownValue> {
    UnboundReason::ALL
        .into_iter()
        .find(|reason| reason.name() == name)
        .ok_or_else(|| UnknownValue::new("conversation.unbound", name))
}
