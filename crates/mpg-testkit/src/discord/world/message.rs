//! Messages.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use crate::discord::snowflake::Snowflake;

/// How many earlier texts a message keeps; the oldest are dropped.
pub const EARLIER_TEXTS: usize = 1_000;

/// The flag of a message that announces the reply to an interaction.
pub(in crate::discord) const LOADING: u64 = 1 << 7;

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
    /// Discord's number for its type: 0 a usual one, 19 a reply, 20 the reply to a command, 18 and 21
    /// the marks of threads.
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
    /// The interaction that it answers.
    pub interaction: Option<Snowflake>,
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
    /// The text that people read: its own, or else that of its first embed.
    pub fn text(&self) -> &str {
        let embed = self.embeds.first();
        let described = embed.and_then(|embed| embed["description"].as_str());
        match self.content.as_str() {
            "" => described.unwrap_or_default(),
            content => content,
        }
    }

    /// The name that its first embed appears under.
    pub fn embed_author(&self) -> Option<&str> {
        self.embeds.first()?["author"]["name"].as_str()
    }

    /// Whether somebody wrote it, and not Discord itself.
    pub fn is_written(&self) -> bool {
        matches!(self.kind, 0 | 19 | 20) && !self.is_awaited()
    }

    /// Whether it is no more than the announcement of a reply.
    pub fn is_awaited(&self) -> bool {
        self.flags & LOADING != 0
    }
}
