//! Which messages of a place were seen.

use std::collections::VecDeque;

use crate::id::MessageId;

/// The ids of messages that were seen in one place: the newest ones one by one, and everything
/// older at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenMessages {
    // Sorted. Most places have few, for which a tree has too much room.
    ids: VecDeque<MessageId>,
    floor: Option<MessageId>,
}

impl SeenMessages {
    /// How many ids are kept one by one. A message that is older than so many newer ones of its
    /// place counts as seen.
    pub const CAPACITY: usize = 256;

    /// Whether the message was seen.
    pub fn contains(&self, id: &MessageId) -> bool {
        self.floor.as_ref().is_some_and(|floor| id <= floor) || self.ids.binary_search(id).is_ok()
    }

    /// The newest one.
    pub fn newest(&self) -> Option<&MessageId> {
        self.ids.back().or(self.floor.as_ref())
    }

    /// Counts a message, and everything older, as seen.
    pub fn read(&mut self, upto: MessageId) {
        let newer = self.ids.partition_point(|id| *id <= upto);
        self.ids.drain(..newer);
        self.floor = Some(upto).max(self.floor.take());
    }

    /// Adds a message.
    pub fn insert(&mut self, id: MessageId) {
        if self.floor.as_ref().is_some_and(|floor| id <= *floor) {
            return;
        }
        let Err(at) = self.ids.binary_search(&id) else {
            return;
        };
        if self.ids.len() == self.ids.capacity() {
            // A quarter at once: twice as many would be too much room in thousands of places.
            self.ids.reserve_exact(self.ids.len() / 4 + 1);
        }
        self.ids.insert(at, id);
        if self.ids.len() > Self::CAPACITY {
            self.floor = self.ids.pop_front();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_a_quarter_at_once() {
        let mut seen = SeenMessages::default();
        let mut grown = 0;
        for number in 0..SeenMessages::CAPACITY {
            let before = seen.ids.capacity();
            seen.insert(MessageId::new(format!("{number:05}")));
            let after = seen.ids.capacity();
            assert!(after <= before.max(number + number / 4 + 1), "{number}");
            grown += usize::from(after > before);
        }
        assert!((10..50).contains(&grown), "{grown} times");
    }
}
