//! What was said while nobody listened: how it is asked for, and what comes back.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::id::{ChannelKey, MessageId, Place};
use crate::message::Message;

/// Asks a platform for the messages that were missed in a channel and all of its threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedRequest {
    /// The channel.
    pub channel: ChannelKey,
    /// The newest message that was seen in each place that something was seen in. What is older or
    /// the same is not wanted.
    pub read: BTreeMap<Place, MessageId>,
    /// What is older is not wanted, only counted, and not even that in places that are not in
    /// `read`.
    pub since: Timestamp,
    /// How many messages are wanted at most: the newest ones.
    pub limit: u32,
}

/// The messages that were missed in a channel and its threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// What people said, as it is now, the oldest first over all places.
    pub messages: Vec<Message>,
    /// How many more there are, older than these, that are left out.
    pub skipped: u32,
    /// The newest message of anybody that was read in each place where one is newer than what the
    /// request says: everything up to it needs no further look.
    pub read: BTreeMap<Place, MessageId>,
}

/// Why it is not known what was missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatchUpFailure {
    /// The platform cannot tell.
    Unsupported,
    /// It was tried for long enough.
    Failed(String),
}
