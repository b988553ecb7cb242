//! The names of things: newtypes, so that a channel is never taken for a message, and derived, so
//! that the same cause always gives the same name.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        text_id!(@access $name);
    };
    (@access $name:ident) => {
        impl $name {
            /// Wraps the text as it is; nothing is checked.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text that was wrapped.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), &self.0)
            }
        }
    };
}

text_id! {
    /// A chat platform, by the name that its adapter gives itself (`console`, …).
    PlatformId
}
text_id! {
    /// A channel as its platform names it: what a project is mapped to.
    ChannelId
}
text_id! {
    /// A thread inside a channel, as its platform names it.
    ThreadId
}
text_id! {
    /// A person or bot, as the platform names it.
    UserId
}
text_id! {
    /// A project, by its name in the configuration.
    ProjectName
}
text_id! {
    /// An agent of a project, by its name in the configuration.
    AgentName
}
text_id! {
    /// An agent's own name for a request that waits for a person.
    RequestId
}
text_id! {
    /// How far an adapter has read, in its own words; stored with what was read, never interpreted.
    Position
}

/// A message as its platform names it.
///
/// Ids of one place are ordered by age: shorter ones first, then by their bytes, which is the order
/// of decimal counters and snowflakes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MessageId(Arc<str>);

text_id!(@access MessageId);

impl Ord for MessageId {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for MessageId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A channel of a platform: the key of the routing table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelKey {
    /// The platform that the channel belongs to.
    pub platform: PlatformId,
    /// The channel.
    pub channel: ChannelId,
}

impl ChannelKey {
    /// Names `channel` of `platform`.
    pub fn new(platform: PlatformId, channel: ChannelId) -> Self {
        Self { platform, channel }
    }
}

impl fmt::Display for ChannelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.platform, self.channel)
    }
}

/// Where something is posted or was read: a channel, or a thread in it.
///
/// A place can be rebound (a thread that is refused falls back to its channel); what a
/// conversation *is* is named by its [`RootId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The channel, which for a thread is its parent.
    pub channel: ChannelKey,
    /// The thread, or the channel itself.
    pub thread: Option<ThreadId>,
}

impl Place {
    /// The channel itself.
    pub fn channel(channel: ChannelKey) -> Self {
        Self {
            channel,
            thread: None,
        }
    }

    /// A thread of `channel`.
    pub fn thread(channel: ChannelKey, thread: ThreadId) -> Self {
        Self {
            channel,
            thread: Some(thread),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.channel)?;
        match &self.thread {
            Some(thread) => write!(f, "/{thread}"),
            None => Ok(()),
        }
    }
}

/// A message together with where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageRef {
    /// Where it was posted.
    pub place: Place,
    /// Its id there.
    pub message: MessageId,
}

/// What a thread grew from: the name of a conversation's thread from the moment its first message
/// is accepted, whatever becomes of the place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootId {
    /// The channel that the thread belongs to.
    pub channel: ChannelKey,
    /// What in the channel it grew from.
    pub root: Root,
}

/// The part of a [`RootId`] below its channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// The channel itself, where threads do not exist.
    Channel,
    /// A message. A thread that somebody else opened counts as grown from a message of its own id.
    Message(MessageId),
    /// A side question, by its message: a thread of its own, whose posts stand in the place where it
    /// was asked.
    Aside(MessageId),
}

impl RootId {
    /// The root that `place` has by its name alone, when nothing was bound to it.
    pub fn of_place(place: &Place) -> Self {
        let root = match &place.thread {
            Some(thread) => Root::Message(MessageId::new(thread.as_str())),
            None => Root::Channel,
        };
        Self {
            channel: place.channel.clone(),
            root,
        }
    }

    /// The root of a thread that grows from `message` of `channel`.
    pub fn of_message(channel: ChannelKey, message: MessageId) -> Self {
        Self {
            channel,
            root: Root::Message(message),
        }
    }

    /// The root of a side question that `message` of `channel` asks, or of one of its threads.
    pub fn of_aside(channel: ChannelKey, message: MessageId) -> Self {
        Self {
            channel,
            root: Root::Aside(message),
        }
    }

    /// Whether it is a side question.
    pub fn is_aside(&self) -> bool {
        matches!(self.root, Root::Aside(_))
    }
}

impl fmt::Display for RootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            Root::Channel => write!(f, "{}", self.channel),
            Root::Message(message) => write!(f, "{}#{message}", self.channel),
            Root::Aside(message) => write!(f, "{}>{message}", self.channel),
        }
    }
}

/// One conversation: a thread and the agent that is spoken to in it (`None`: the project's default
/// session).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId {
    /// The thread.
    pub root: RootId,
    /// The agent.
    pub agent: Option<AgentName>,
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root)?;
        match &self.agent {
            Some(agent) => write!(f, " @{agent}"),
            None => Ok(()),
        }
    }
}

macro_rules! derived_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes an id that was derived before, as a store or a wire gives it back.
            pub fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The id as a plain UUID.
            pub fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

derived_id! {
    /// A file that the gateway keeps until it is posted. Who keeps it chooses the id.
    FileId
}

derived_id! {
    /// One installation of the gateway: made once by its store, the namespace of all other ids.
    InstallationId
}
derived_id! {
    /// One turn: a message answered by one agent.
    TurnId
}
derived_id! {
    /// One attempt at a turn, as the agent is told it: submitting it twice runs it once.
    SubmitId
}
derived_id! {
    /// One session of an agent, chosen before its process starts.
    SessionId
}

derived_id! {
    /// Something that an agent asks people.
    AskId
}

impl AskId {
    /// What the agent of a turn asks under its own name for it. A session's next agent may use the same
    /// name for something else, in another turn.
    pub fn of_request(turn: TurnId, request: &RequestId) -> Self {
        Self(derive(turn.0, &format!("ask\0{request}")))
    }
}

impl TurnId {
    /// The turn in which `agent` answers `cause`.
    pub fn of_message(
        installation: InstallationId,
        cause: &MessageRef,
        agent: Option<&AgentName>,
    ) -> Self {
        let agent = agent.map_or("", AgentName::as_str);
        let name = format!("turn\0{}\0{}\0{agent}", cause.place.channel, cause.message);
        Self(derive(installation.0, &name))
    }
}

impl TurnId {
    /// The turn in which `agent` takes over what `parent` handed to it.
    pub fn of_handoff(parent: Self, agent: &AgentName) -> Self {
        Self(derive(parent.0, &format!("handoff\0{agent}")))
    }

    /// The turn that gets the answers to what `parent` handed to several agents.
    pub fn of_join(parent: Self) -> Self {
        Self(derive(parent.0, "join"))
    }
}

impl SubmitId {
    /// The `attempt`th attempt at `turn`, counted from 1.
    pub fn of_attempt(turn: TurnId, attempt: u32) -> Self {
        Self(derive(turn.0, &format!("submit\0{attempt}")))
    }
}

impl SessionId {
    /// The session that begins with `turn`; a session that had to be replaced within one turn gets
    /// the next `incarnation`.
    pub fn of_turn(turn: TurnId, incarnation: u32) -> Self {
        Self(derive(turn.0, &format!("session\0{incarnation}")))
    }
}

/// One post that the gateway owes somebody: 20 characters of base32, which fit every platform's
/// idempotency key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId([u8; Self::LENGTH]);

impl DeliveryId {
    /// How many characters an id has.
    pub const LENGTH: usize = 20;

    /// How many characters of a prompt's id are of its key: 80 bits, which leaves 20 for what it says.
    const OF_KEY: usize = 16;

    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

    /// The `index`th post of `turn`.
    pub fn of_turn(turn: TurnId, index: u32) -> Self {
        Self::encode(derive(turn.0, &format!("delivery\0{index}")))
    }

    /// The post that hands over a file, as the first of those that it hands over.
    pub fn of_file(file: FileId) -> Self {
        Self::encode(derive(file.0, "delivery"))
    }

    /// The message in which `turn` is shown while it runs.
    pub fn of_live(turn: TurnId) -> Self {
        Self::encode(derive(turn.0, "live"))
    }

    /// What the message in which `turn` was shown becomes when it ends.
    pub fn of_summary(turn: TurnId) -> Self {
        Self::encode(derive(turn.0, "summary"))
    }

    /// What the steps of `turn` gave.
    pub fn of_results(turn: TurnId) -> Self {
        Self::encode(derive(turn.0, "results"))
    }

    /// The `index`th post about `ask`.
    pub fn of_ask(ask: AskId, index: u32) -> Self {
        Self::encode(derive(ask.0, &format!("delivery\0{index}")))
    }

    /// The message that tells what the threads of `channel` do.
    pub fn of_board(installation: InstallationId, channel: &ChannelKey) -> Self {
        Self::encode(derive(installation.0, &format!("board\0{channel}")))
    }

    /// The `index`th post that answers `cause` without a turn: a command's reply, a refusal.
    pub fn of_message(installation: InstallationId, cause: &MessageRef, index: u32) -> Self {
        let name = format!("reply\0{}\0{}\0{index}", cause.place.channel, cause.message);
        Self::encode(derive(installation.0, &name))
    }

    /// What is said from outside of every platform, by what tells it from others and by what it says:
    /// the ids of all that comes with one key [begin alike](Self::begins_like).
    pub fn of_prompt(installation: InstallationId, key: &str, said: &str) -> Self {
        let Self(mut id) = Self::encode(derive(installation.0, &format!("prompt\0{key}")));
        let Self(end) = Self::encode(derive(installation.0, &format!("said\0{said}")));
        id[Self::OF_KEY..].copy_from_slice(&end[Self::OF_KEY..]);
        Self(id)
    }

    /// How the ids of all begin that is said from outside of every platform with a key.
    pub fn beginning(installation: InstallationId, key: &str) -> String {
        let id = Self::of_prompt(installation, key, "");
        id.as_str().chars().take(Self::OF_KEY).collect()
    }

    /// Whether two ids of what is said from outside of every platform are of the same key.
    pub fn begins_like(&self, other: &Self) -> bool {
        self.0[..Self::OF_KEY] == other.0[..Self::OF_KEY]
    }

    /// What the thread of a fork grows from that `cause` asked for.
    pub fn of_fork(installation: InstallationId, cause: &MessageRef) -> Self {
        let name = format!("fork\0{}\0{}", cause.place.channel, cause.message);
        Self::encode(derive(installation.0, &name))
    }

    /// Something to know about `root`, said at most once a `topic` and moment.
    pub fn of_notice(
        installation: InstallationId,
        root: &RootId,
        topic: &str,
        at: jiff::Timestamp,
    ) -> Self {
        let name = format!("notice\0{root}\0{topic}\0{}", at.as_millisecond());
        Self::encode(derive(installation.0, &name))
    }

    /// Reads an id back; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; Self::LENGTH] = text.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(|byte| Self::ALPHABET.contains(byte))
            .then_some(Self(bytes))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        // The alphabet is ASCII, so this never falls back.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn encode(uuid: Uuid) -> Self {
        // The first 100 bits: 20 characters of 5 bits each.
        let mut bits = uuid.as_u128();
        let mut text = [0; Self::LENGTH];
        for character in &mut text {
            *character = Self::ALPHABET[(bits >> 123) as usize];
            bits <<= 5;
        }
        Self(text)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeliveryId({self})")
    }
}

pub(crate) fn derive(namespace: Uuid, name: &str) -> Uuid {
    Uuid::new_v5(&namespace, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_ids_sort_by_age() {
        let old = MessageId::new("999");
        let new = MessageId::new("1000");
        assert!(old < new);
    }

    #[test]
    fn delivery_ids_read_back() {
        let turn = TurnId::from_uuid(Uuid::from_u128(7));
        let id = DeliveryId::of_turn(turn, 3);
        assert_eq!(DeliveryId::parse(id.as_str()), Some(id));
        assert_ne!(id, DeliveryId::of_turn(turn, 4));
        assert_eq!(DeliveryId::parse("short"), None);
        assert_eq!(DeliveryId::parse("ABCDEFGHIJKLMNOPQRST"), None);
    }

    #[test]
    fn a_turn_is_named_by_its_message_and_agent() {
        let installation = InstallationId::from_uuid(Uuid::from_u128(1));
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1"));
        let cause = MessageRef {
            place: Place::channel(channel),
            message: MessageId::new("5"),
        };
        let alone = TurnId::of_message(installation, &cause, None);
        let pm = TurnId::of_message(installation, &cause, Some(&AgentName::new("pm")));
        assert_eq!(alone, TurnId::of_message(installation, &cause, None));
        assert_ne!(alone, pm);
    }
}
