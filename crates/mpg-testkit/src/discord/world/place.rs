//! Guilds, channels and threads, and who is in them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Message;
use crate::discord::snowflake::Snowflake;

/// How many messages a channel keeps; the oldest are dropped.
pub const CHANNEL_HISTORY: usize = 20_000;

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
    /// Its guild; a direct conversation has none.
    pub guild: Option<Snowflake>,
    /// Its name.
    pub name: String,
    /// Discord's number for its type: 0 text, 1 a direct conversation, 2 voice, 4 category, 11 public and 12 private
    /// thread, 15 forum.
    pub kind: u8,
    /// The person that a direct conversation is with.
    pub recipient: Option<Snowflake>,
    /// What only threads have.
    pub thread: Option<ThreadState>,
    /// What is in it, oldest first.
    pub messages: BTreeMap<Snowflake, Message>,
    /// The last message that was ever in it, deleted or not.
    pub last_message: Option<Snowflake>,
    /// How often the bot has shown that it types.
    pub typing: usize,
    /// The pinned messages, in the order in which they were.
    pub pinned: Vec<Snowflake>,
    pub(in crate::discord) topic: Option<String>,
    pub(in crate::discord) denied: u64,
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
    pub(in crate::discord) archived_at: Timestamp,
}
