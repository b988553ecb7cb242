//! What people and programs look at: the past, as the store has it, and what happens.
//!
//! None of it decides anything. A gateway runs the same without anybody who looks.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::agent::Usage;
use crate::id::{AgentName, ChannelKey, ConversationId, DeliveryId, RootId, TurnId, UserId};
use crate::port::StoreError;

/// Looks at what is stored, beside the gateway that goes on storing.
#[async_trait]
pub trait Views: Debug + Send + Sync {
    /// The newest turns that `query` asks for, the newest first.
    async fn recent_turns(&self, query: &TurnQuery) -> Result<Vec<TurnView>, StoreError>;

    /// The posts that are owed and not known to be made, oldest first, at most `limit`.
    async fn owed(&self, limit: u32) -> Result<Vec<OwedPost>, StoreError>;

    /// What was posted to a thread and asked in it, oldest first: the newest `limit` of both. `None`
    /// if there is no such thread.
    async fn transcript(&self, root: &RootId, limit: u32)
    -> Result<Option<Vec<Entry>>, StoreError>;

    /// The post that something from outside of every platform became, by its key: of one that is owed,
    /// was made or was given up, as long as its thread is remembered.
    async fn prompted(&self, key: &str) -> Result<Option<DeliveryId>, StoreError>;

    /// What happened after the event with this number, oldest first, at most `limit`. Old events are
    /// forgotten.
    async fn events(&self, after: u64, limit: u32) -> Result<Vec<EventView>, StoreError>;

    /// The number of the newest event; 0 before the first.
    async fn newest_event(&self) -> Result<u64, StoreError>;

    /// What the turns that ended since then took, in stretches of `stretch_seconds`, oldest first.
    async fn activity(
        &self,
        since: Timestamp,
        stretch_seconds: u32,
    ) -> Result<Vec<Stretch>, StoreError>;
}

/// Which turns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnQuery {
    /// Only this one.
    pub turn: Option<TurnId>,
    /// Only those of a thread.
    pub thread: Option<RootId>,
    /// Only those of a channel and its threads.
    pub channel: Option<ChannelKey>,
    /// Only those in this state.
    pub state: Option<TurnState>,
    /// Only those that were accepted before the one with this number.
    pub before: Option<u64>,
    /// How many at most.
    pub limit: u32,
}

/// How far a turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnState {
    /// It waits.
    Queued,
    /// It was started.
    Running,
    /// It has ended.
    Ended,
}

impl TurnState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Queued, Self::Running, Self::Ended];

    /// One word for stores and lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Ended => "ended",
        }
    }
}

/// A turn, as long as its thread is remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnView {
    /// Its number: it rises in the order in which turns are accepted.
    pub number: u64,
    /// Its id.
    pub id: TurnId,
    /// The conversation.
    pub conversation: ConversationId,
    /// How far it is.
    pub state: TurnState,
    /// Whose message it goes back to.
    pub author: UserId,
    /// What was asked.
    pub prompt: String,
    /// Whether a person asked, and not an agent that handed over.
    pub by_person: bool,
    /// The attempt that runs or ran last.
    pub attempt: Option<u32>,
    /// When it was accepted.
    pub queued_at: Timestamp,
    /// When its first attempt started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended, in the word that stores have for it.
    pub outcome: Option<String>,
    /// What sort of failure it was, and what the agent said about it.
    pub failure: Option<(String, String)>,
    /// What it took.
    pub usage: Usage,
}

/// A post that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedPost {
    /// The thread.
    pub root: RootId,
    /// Its id.
    pub id: DeliveryId,
    /// What it is for, in one word.
    pub kind: String,
    /// The text.
    pub text: String,
    /// When it was planned.
    pub planned_at: Timestamp,
}

/// One part of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was asked or planned.
    pub at: Timestamp,
    /// What it is.
    pub content: Content,
    /// The text.
    pub text: String,
}

/// What a part of a thread is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A turn was asked for.
    Asked {
        /// The turn.
        turn: TurnId,
        /// Whose message it goes back to.
        author: UserId,
        /// Who was asked.
        agent: Option<AgentName>,
        /// Whether a person asked.
        by_person: bool,
    },
    /// The gateway posted.
    Posted {
        /// The post.
        delivery: DeliveryId,
        /// What it is for, in one word.
        kind: String,
        /// The agent that it speaks for, by the name that people see.
        persona: Option<String>,
        /// `planned`, `confirmed` or `dead`.
        state: String,
        /// The turn that it belongs to.
        turn: Option<TurnId>,
    },
}

/// One thing that happened, without anything that somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventView {
    /// Its number. A later event has a higher one.
    pub number: u64,
    /// When it was stored.
    pub at: Timestamp,
    /// The thread that it belongs to, if it does.
    pub thread: Option<RootId>,
    /// What happened, in one word.
    pub kind: String,
    /// More about it, as a JSON object.
    pub detail: String,
}

/// What the turns of a channel's agent took in a stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// When the stretch begins.
    pub begins: Timestamp,
    /// The channel.
    pub channel: ChannelKey,
    /// The agent.
    pub agent: Option<AgentName>,
    /// How they ended, in the word that stores have for it.
    pub outcome: String,
    /// How many they were.
    pub turns: u64,
    /// What they took together.
    pub usage: Usage,
    /// How long they waited before their first attempt, together, in milliseconds.
    pub waited_ms: u64,
}
