//! Everything that the server knows, and how a test looks at it.

mod access;
mod act;
mod file;
mod interaction;
mod mention;
mod message;
mod place;
mod thread;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::builder::Settings;
use super::call::{Call, Calls, path_matches};
use super::content::FileFault;
use super::fault::Faults;
use super::gateway::Hub;
use super::limit::Limiter;
use super::permission::{Permission, bits};
use super::snowflake::{Snowflake, Snowflakes};

pub use self::interaction::{Interaction, PrivateMessage};
pub use self::message::{EARLIER_TEXTS, Message};
pub use self::place::{CHANNEL_HISTORY, Channel, Guild, ThreadState, User};

pub(super) use self::act::{Draft, Revision, number_or_text};
pub(super) use self::interaction::Deferral;
pub(super) use self::mention::Mentions;
pub(super) use self::message::LOADING;

/// How many nonces are remembered at the same time; the oldest are forgotten.
const NONCES: usize = 20_000;

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
    pub(super) file_faults: VecDeque<FileFault>,
    /// The paths of the files that were asked for.
    pub(super) fetched: Vec<String>,
    /// How many requests were ever held back.
    pub(super) held: usize,
    /// How often those that were held back have been let go.
    pub(super) released: usize,
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
            file_faults: VecDeque::new(),
            fetched: Vec::new(),
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

    /// How often files were asked for.
    pub fn fetch_count(&self) -> usize {
        self.fetched.len()
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
        if channel.guild.is_none() {
            return bits(&Permission::DIRECT) & !channel.denied;
        }
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
