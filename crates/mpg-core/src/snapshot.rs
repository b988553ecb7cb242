//! The durable state as plain values: what every store loads, and what records are applied to.

mod apply;
mod ask;
mod chain;
mod conversations;
mod seen;
mod spending;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;

pub use self::ask::{Answerer, Ask, Rule, Verdict};
pub use self::chain::{Branch, Chain, FanOut, Handoff, Spent};
pub use self::conversations::Conversations;
pub use self::seen::SeenMessages;
pub use self::spending::{Spender, Spending};
use crate::agent::Choices;
use crate::attachment;
use crate::config::Verbosity;
use crate::id::{
    AgentName, AskId, ChannelKey, ConversationId, DeliveryId, InstallationId, MessageId,
    MessageRef, Place, PlatformId, Position, ProjectName, RootId, SessionId, TurnId, UserId,
};
use crate::message::Attachment;
use crate::post::Post;
use crate::record::{ParkReason, UnboundReason};

/// Everything that outlives the process.
///
/// [`Snapshot::apply`] is the one place that says what a [`Record`](crate::record::Record) means: the memory store *is* a
/// snapshot, a disk store must load one equal to it after any prefix of commits.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The namespace of all derived ids.
    pub installation: InstallationId,
    /// How far each adapter has read.
    pub positions: BTreeMap<PlatformId, Position>,
    /// The messages that were seen in each place.
    pub seen: BTreeMap<Place, SeenMessages>,
    /// The channels that are listened to.
    pub channels: BTreeMap<ChannelKey, KnownChannel>,
    /// What people allowed for good, by project, oldest first, at most [`Rule::MOST`] each. A project
    /// without such rules is not in it.
    pub rules: BTreeMap<ProjectName, Vec<Rule>>,
    /// What was spent today.
    pub spending: Spending,
    /// All threads that are known.
    pub threads: BTreeMap<RootId, Thread>,
    /// The posts that were given up, oldest first, at most [`DeadLetter::KEPT`].
    pub dead: VecDeque<DeadLetter>,
}

/// A post that somebody waited for and that could not be made. It outlives its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The thread that it was owed to.
    pub root: RootId,
    /// The post.
    pub post: Post,
    /// Why it was given up.
    pub reason: String,
    /// When it was given up.
    pub at: Timestamp,
}

impl DeadLetter {
    /// How many are kept; the oldest go first.
    pub const KEPT: usize = 100;
}

/// A channel that is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownChannel {
    /// Since when.
    pub since: Timestamp,
    /// When it was noticed that something may be missing, until that was read back.
    pub gap: Option<Timestamp>,
}

/// A thread: where it is, what is owed to it, and its conversations.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread {
    /// Where its posts go; `None` while the platform has not opened it yet.
    pub place: Option<Place>,
    /// The agent that answered last.
    pub last_agent: Option<AgentName>,
    /// The turns that were started since a person last spoke.
    pub turns_since_human: u32,
    /// When something last happened in it: commands and their replies are nothing that does.
    pub active_at: Timestamp,
    /// Its conversations, by agent.
    pub conversations: Conversations,
    /// The posts that are owed to it and not confirmed, in order.
    pub deliveries: VecDeque<Post>,
    /// The messages that [kept](crate::post::PostKind::is_kept) posts became.
    pub kept: BTreeMap<DeliveryId, MessageId>,
    /// The message that the last confirmed post became in its place, this thread's or another one's:
    /// what is not confirmed and was made all the same stands behind it.
    pub confirmed: Option<MessageId>,
    /// Whether an agent gave it a title.
    pub renamed: bool,
    /// How much is shown of its turns, where that is not what its project says.
    pub verbosity: Option<Verbosity>,
    /// What agents handed over since a person last wrote. Boxed, because few threads have one.
    pub chain: Option<Box<Chain>>,
}

impl Thread {
    /// The agent that a message is for which names none: the one that answered last, or the one
    /// that is to answer first.
    pub fn spoken_to(&self) -> Option<&AgentName> {
        if self.last_agent.is_none() && !self.conversations.contains(None) {
            return self.conversations.agents().flatten().next();
        }
        self.last_agent.as_ref()
    }
}

/// A conversation: what waits, what runs, and in which session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation {
    /// The turns that wait, oldest first.
    pub queue: VecDeque<QueuedTurn>,
    /// Those of them that the session's agent may have already: they were handed to it while another
    /// turn ran.
    pub steered: BTreeSet<TurnId>,
    /// The turn that runs. Boxed, because most conversations have none.
    pub running: Option<Box<RunningTurn>>,
    /// The session that turns run in.
    pub session: Option<Session>,
    /// Why it has no session though it had one.
    pub unbound: Option<UnboundReason>,
    /// What its next session is forked from.
    pub fork: Option<SessionId>,
    /// What people chose for its agent.
    pub choices: Choices,
    /// The last of the turns that people were told wait for another start of the gateway.
    pub told: Option<TurnId>,
}

impl Conversation {
    /// The turn that runs next: what the agent may have begun already, or what waited longest.
    pub fn next(&self) -> Option<&QueuedTurn> {
        let mut queue = self.queue.iter();
        let steered = queue.find(|turn| self.steered.contains(&turn.id));
        steered.or(self.queue.front())
    }

    /// Whether the session's agent may have something of what waits.
    pub fn has_steered(&self) -> bool {
        !self.steered.is_empty()
    }
}

/// A turn that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedTurn {
    /// Its id.
    pub id: TurnId,
    /// The message that it answers.
    pub cause: MessageRef,
    /// Who asked.
    pub author: UserId,
    /// What the agent is asked.
    pub prompt: String,
    /// The files that came with the message, as
    /// [`kept`](crate::attachment::kept) keeps their descriptions.
    pub attachments: Vec<Attachment>,
    /// When it was accepted.
    pub at: Timestamp,
    /// Who asks.
    pub origin: Origin,
}

/// Who asks an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The author of the message.
    #[default]
    Person,
    /// An agent that handed over.
    Handoff {
        /// The agent.
        from: Option<AgentName>,
        /// The turn in which it did.
        parent: TurnId,
    },
    /// The gateway, for it brings the answers to what the agent handed to several others.
    Joined {
        /// The turn in which it did.
        parent: TurnId,
    },
}

impl Origin {
    /// Whether the author of the message asks.
    pub fn is_person(&self) -> bool {
        *self == Self::Person
    }
}

impl QueuedTurn {
    /// How much of what may wait it takes, in bytes.
    pub fn weight(&self) -> usize {
        self.prompt.len() + attachment::weight(&self.attachments)
    }
}

/// A turn that was started and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningTurn {
    /// The turn.
    pub turn: QueuedTurn,
    /// The attempt that runs, from 1.
    pub attempt: u32,
    /// Whether this attempt goes on with one that was cut off.
    pub continues: bool,
    /// When the first attempt started.
    pub started_at: Timestamp,
    /// How often its agent was cut off.
    pub setbacks: u32,
    /// How often it had to wait for a usage limit.
    pub waits: u32,
    /// What it waits for, if it does.
    pub parked: Option<Parked>,
    /// What its agent asks people, oldest first, at most [`Ask::MOST`].
    pub asks: Vec<Ask>,
}

impl RunningTurn {
    /// Whether people may answer something that its agent asks.
    pub fn asks_people(&self) -> bool {
        self.asks.iter().any(Ask::is_open)
    }

    /// Whether it has not begun, as its budget is used up.
    pub fn is_held_back(&self) -> bool {
        self.parked
            .is_some_and(|parked| parked.reason == ParkReason::Budget)
    }

    /// Something that its agent asks, or asked.
    pub fn ask(&self, id: AskId) -> Option<&Ask> {
        self.asks.iter().find(|ask| ask.id == id)
    }
}

/// What a turn waits for before its next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked {
    /// What for.
    pub reason: ParkReason,
    /// When it goes on by itself; `None` if somebody has to say so.
    pub until: Option<Timestamp>,
}

/// A session of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Where it works, in the words of the workspace that prepared it. It resumes only there.
    pub directory: String,
    /// Whether a turn of it ever ended with an answer, so that it has something to resume.
    pub answered: bool,
    /// The rules that people allowed for as long as it lasts.
    pub allowed: Vec<String>,
    /// The session whose history it begins with.
    pub forked_from: Option<SessionId>,
}

impl Snapshot {
    /// The state of a new installation.
    pub fn new(installation: InstallationId) -> Self {
        Self {
            installation,
            positions: BTreeMap::new(),
            seen: BTreeMap::new(),
            channels: BTreeMap::new(),
            rules: BTreeMap::new(),
            spending: Spending::default(),
            threads: BTreeMap::new(),
            dead: VecDeque::new(),
        }
    }

    /// The conversation, if it is known.
    pub fn conversation(&self, id: &ConversationId) -> Option<&Conversation> {
        let thread = self.threads.get(&id.root)?;
        thread.conversations.get(id.agent.as_ref())
    }

    /// Whether the message was seen before.
    pub fn has_seen(&self, message: &MessageRef) -> bool {
        self.seen
            .get(&message.place)
            .is_some_and(|seen| seen.contains(&message.message))
    }
}
