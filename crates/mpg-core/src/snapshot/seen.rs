//! Which messages of a place were seen.

use std::collections::BTreeSet;

use crate::id::MessageId;

/// The ids of messages that were seen in one place: the newest ones one by one, and everything
/// older at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenMessages {
    ids: BTreeSet<MessageId>,
    floor: Option<MessageId>,
}

impl SeenMessages {
    /// How many ids are kept one by one. A message that is older than so many newer ones of its
    /// place counts as seen.
    pub const CAPACITY: usize = 256;

    /// Whether the message was seen.
    pub fn contains(&self, id: &MessageId) -> bool {
        self.floor.as_ref().is_some_and(|floor| id <= floor) || self.ids.contains(id)
    }

    /// The newest one.
    pub fn newest(&self) -> Option<&MessageId> {
        self.ids.last().or(self.floor.as_ref())
    }

    /// Counts a message, and everything older, as seen.
    pub fn read(&mut self, upto: MessageId) {
        self.ids = self.ids.split_off(&upto);
        self.ids.remove(&upto);
        self.floor = Some(upto).max(self.floor.take());
    }

    /// Adds a message.
    pub fn insert(&mut self, id: MessageId) {
        if self.contains(&id) {
            return;
        }
        self.ids.insert(id);
        if self.ids.len() > Self::CAPACITY {
            self.floor = self.ids.pop_first();
        }
    }
}

impl FromIterator<MessageId> for SeenMessages {
    fn from_iter<I: IntoIterator<Item = MessageId>>(ids: I) -> Self {
        let mut seen = Self::default();
        for id in ids {
            seen.insert(id);
        }
        seen
    }
}
