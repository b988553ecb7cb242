//! Everything that the server knows, and how a test looks at it.

mod access;
mod act;
mod file;
mod mention;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use super::builder::Settings;
use super::call::{Call, Calls, path_matches};
use super::fault::Faults;
use super::gateway::Hub;
use super::limit::Limiter;
use super::permission::{Permission, bits};
use super::snowflake::{Snowflake, Snowflakes};

pub(super) use self::act::{Draft, Revision, nonce_text};
pub(super) use self::mention::Mentions;

/// How many messages a channel keeps; the oldest are dropped.
pub const CHANNEL_HISTORY: usize = 20_000;

/// How many earlier texts a message keeps; the oldest are dropped.
pub const EARLIER_TEXTS: usize = 1_000;

/// How many nonces are remembered at the same time; the oldest are forgotten.
const NONCES: usize = 20_000;

/// A person or a bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The account.
    pub id: Snowflake,
    /// The account's name.
    pub name: String,
    /// Whether it is a bot.
    pub bot: bool,
}

/// A guild with its roles and who has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guild {
    /// The guild, and at once its role for everyone.
    pub id: Snowflake,
    /// Its name.
    pub name: String,
    /// The names of its roles, without the one for everyone.
    pub roles: BTreeMap<Snowflake, String>,
    /// Its members with their roles. Everybody who ever spoke in it is one.
    pub members: BTreeMap<Snowflake, BTreeSet<Snowflake>>,
}

/// A channel or a thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// The channel. A thread that grew from a message has the message's id.
    pub id: Snowflake,
    /// Its guild.
    pub guild: Snowflake,
    /// Its name.
    pub name: String,
    /// Discord's number for its type: 0 text, 2 voice, 4 category, 11 public and 12 private
    /// thread, 15 forum.
    pub kind: u8,
    /// What only threads have.
    pub thread: Option<ThreadState>,
    /// What is in it, oldest first.
    pub messages: BTreeMap<Snowflake, Message>,
    /// The last message that was ever in it, deleted or not.
    pub last_message: Option<Snowflake>,
    /// How often the bot has shown that it types.
    pub typing: usize,
    pub(super) topic: Option<String>,
    pub(super) denied: u64,
}

/// What only threads have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadState {
    /// The channel that it belongs to.
    pub parent: Snowflake,
    /// Who opened it.
    pub owner: Snowflake,
    /// Whether it is archived. Posting brings it back unless it is locked too.
    pub archived: bool,
    /// Whether only moderators may write in it.
    pub locked: bool,
    /// After how many minutes of silence Discord would archive it.
    pub auto_archive_minutes: u64,
    /// How many messages were ever posted in it, without the first.
    pub total_messages: u64,
    pub(super) archived_at: Timestamp,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The message.
    pub id: Snowflake,
    /// Where it is.
    pub channel: Snowflake,
    /// Who wrote it.
    pub author: Snowflake,
    /// Its text.
    pub content: String,
    /// Discord's number for its type: 0 a usual one, 19 a reply, 18 and 21 the marks of threads.
    pub kind: u8,
    /// Its embeds.
    pub embeds: Vec<Value>,
    /// Its components.
    pub components: Vec<Value>,
    /// Its files, as attachment objects.
    pub attachments: Vec<Value>,
    /// Its flags.
    pub flags: u64,
    /// The message that it points to.
    pub reference: Option<Snowflake>,
    /// The nonce that it was posted with.
    pub nonce: Option<Value>,
    /// The `allowed_mentions` that it was posted with.
    pub allowed_mentions: Option<Value>,
    /// The people that it notified.
    pub notified: BTreeSet<Snowflake>,
    /// Whether it notified everyone.
    pub notified_everyone: bool,
    /// Its texts before each edit, oldest first, at most [`EARLIER_TEXTS`].
    pub earlier: Vec<String>,
    /// When it was edited last.
    pub edited: Option<Timestamp>,
    /// Who reacted with what, in the order in which the signs appeared.
    pub reactions: Vec<(String, BTreeSet<Snowflake>)>,
}

impl Message {
    /// Whether somebody wrote it, and not Discord itself.
    pub fn is_written(&self) -> bool {
        self.kind == 0 || self.kind == 19
    }
}

/// A nonce that was used, and what it became.
#[derive(Debug)]
pub(super) struct UsedNonce {
    pub(super) at: Instant,
    pub(super) channel: Snowflake,
    pub(super) message: Snowflake,
}

/// Everything that the server knows.
#[derive(Debug)]
pub struct World {
    pub(super) settings: Settings,
    pub(super) origin: String,
    pub(super) ids: Snowflakes,
    pub(super) bot: Snowflake,
    pub(super) users: BTreeMap<Snowflake, User>,
    pub(super) guilds: BTreeMap<Snowflake, Guild>,
    pub(super) channels: BTreeMap<Snowflake, Channel>,
    pub(super) nonces: BTreeMap<(Snowflake, String), UsedNonce>,
    pub(super) commands: BTreeMap<Option<Snowflake>, Vec<Value>>,
    pub(super) interactions: BTreeMap<Snowflake, Interaction>,
    pub(super) calls: Calls,
    pub(super) faults: Faults,
    pub(super) limiter: Limiter,
    pub(super) hub: Hub,
    pub(super) files: VecDeque<(String, Vec<u8>)>,
    /// How many requests were ever held back.
    pub(super) held: usize,
    /// How often those that were held back have been let go.
    pub(super) released: usize,
}

/// An interaction that was sent to the bot.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    /// Where it happened.
    pub channel: Snowflake,
    /// The message with the component that was used.
    pub message: Option<Snowflake>,
    /// The token that answers carry.
    pub token: String,
    /// The callback that answered it; `None` until then.
    pub answer: Option<Value>,
    /// The message that the callback or a later edit posted.
    pub reply: Option<Snowflake>,
}

impl World {
    pub(super) fn new(settings: Settings, origin: String) -> Self {
        let mut ids = Snowflakes::default();
        let bot = ids.next();
        let user = User {
            id: bot,
            name: "mpg".to_owned(),
            bot: true,
        };
        Self {
            limiter: Limiter::new(settings.rate_limits),
            settings,
            origin,
            ids,
            bot,
            users: BTreeMap::from([(bot, user)]),
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            nonces: BTreeMap::new(),
            commands: BTreeMap::new(),
            interactions: BTreeMap::new(),
            calls: Calls::default(),
            faults: Faults::default(),
            hub: Hub::default(),
            files: VecDeque::new(),
            held: 0,
            released: 0,
        }
    }

    /// The bot's account, which is also its application.
    pub fn bot(&self) -> Snowflake {
        self.bot
    }

    /// The channel or thread, if it is there.
    pub fn channel(&self, channel: Snowflake) -> Option<&Channel> {
        self.channels.get(&channel)
    }

    /// What people and bots wrote in a channel, oldest first; empty if there is no such channel.
    pub fn messages(&self, channel: Snowflake) -> Vec<&Message> {
        self.channels.get(&channel).map_or_else(Vec::new, |found| {
            found
                .messages
                .values()
                .filter(|message| message.is_written())
                .collect()
        })
    }

    /// What the bot wrote in a channel, oldest first.
    pub fn bot_messages(&self, channel: Snowflake) -> Vec<&Message> {
        let mut messages = self.messages(channel);
        messages.retain(|message| message.author == self.bot);
        messages
    }

    /// The message, wherever it is.
    pub fn message(&self, message: Snowflake) -> Option<&Message> {
        self.channels.values().find_map(|channel| {
            channel
                .messages
                .get(&message)
                .filter(|found| found.kind != 21)
        })
    }

    /// The thread that grew from a message.
    pub fn thread_of(&self, message: Snowflake) -> Option<Snowflake> {
        self.channels
            .get(&message)
            .filter(|channel| channel.thread.is_some())
            .map(|channel| channel.id)
    }

    /// The signs with which the bot reacted to a message, in the order in which they appeared.
    pub fn reactions(&self, message: Snowflake) -> Vec<String> {
        self.message(message).map_or_else(Vec::new, |found| {
            found
                .reactions
                .iter()
                .filter(|(_, users)| users.contains(&self.bot))
                .map(|(sign, _)| sign.clone())
                .collect()
        })
    }

    /// How often the bot has shown in a channel that it types.
    pub fn typing_count(&self, channel: Snowflake) -> usize {
        self.channels.get(&channel).map_or(0, |found| found.typing)
    }

    /// The calls that were answered, oldest first, at most [`CALL_LOG`](super::CALL_LOG).
    pub fn calls(&self) -> Vec<&Call> {
        self.calls.iter().collect()
    }

    /// How many logged calls fit a method (`*` for any) and a path pattern, in which `*` stands
    /// for one segment.
    pub fn call_count(&self, method: &str, path: &str) -> usize {
        self.calls
            .iter()
            .filter(|call| method == "*" || call.method == method)
            .filter(|call| path_matches(path, &call.path))
            .count()
    }

    /// How many gateway connections are open.
    pub fn connection_count(&self) -> usize {
        self.hub.connection_count()
    }

    /// How many gateway connections are open and have a session.
    pub fn ready_count(&self) -> usize {
        self.hub.ready_count()
    }

    /// How many sessions were ever begun.
    pub fn identify_count(&self) -> usize {
        self.hub.identify_count
    }

    /// How many sessions were ever gone on with.
    pub fn resume_count(&self) -> usize {
        self.hub.resume_count
    }

    /// How often a resume was asked for, whatever became of it.
    pub fn resume_attempts(&self) -> usize {
        self.hub.resume_attempts
    }

    /// The commands that the bot declared in a guild, or everywhere.
    pub fn commands(&self, guild: Option<Snowflake>) -> &[Value] {
        self.commands.get(&guild).map_or(&[], Vec::as_slice)
    }

    /// The interaction, if it was ever sent.
    pub fn interaction(&self, interaction: Snowflake) -> Option<&Interaction> {
        self.interactions.get(&interaction)
    }

    /// How many requests were ever held back by [`Fault::Hold`](super::Fault::Hold) or
    /// [`Fault::HoldAnswer`](super::Fault::HoldAnswer).
    pub fn held_count(&self) -> usize {
        self.held
    }

    /// What the bot may do in a channel, as bits.
    pub(super) fn allowed(&self, channel: &Channel) -> u64 {
        let parent = channel
            .thread
            .as_ref()
            .and_then(|thread| self.channels.get(&thread.parent));
        let denied = channel.denied | parent.map_or(0, |parent| parent.denied);
        let mut allowed = bits(&self.settings.permissions) & !denied;
        if self.settings.threads_forbidden {
            allowed &= !bits(&[
                Permission::CreatePublicThreads,
                Permission::CreatePrivateThreads,
            ]);
        }
        allowed
    }

    pub(super) fn may(&self, channel: &Channel, permission: Permission) -> bool {
        self.allowed(channel) & permission.bit() != 0
    }

    /// What an author's recent message with this nonce became.
    pub(super) fn used_nonce(&self, author: Snowflake, nonce: &str) -> Option<&UsedNonce> {
        self.nonces
            .get(&(author, nonce.to_owned()))
            .filter(|used| used.at.elapsed() < self.settings.nonce_window)
    }

    pub(super) fn remember_nonce(&mut self, author: Snowflake, nonce: &str, used: UsedNonce) {
        if self.nonces.len() >= NONCES {
            let oldest = self
                .nonces
                .iter()
                .min_by_key(|(_, used)| used.at)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.nonces.remove(&oldest);
            }
        }
        self.nonces.insert((author, nonce.to_owned()), used);
    }
}

/// How long a nonce is remembered unless the test says otherwise: Discord says "a few minutes".
pub(super) const NONCE_WINDOW: Duration = Duration::from_mins(5);
