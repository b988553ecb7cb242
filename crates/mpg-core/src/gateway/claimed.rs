//! Which messages are known to be posts where several threads post to one place: those that fell back
//! to their channel, or what is asked aside in a thread. What was looked for there belongs to one of
//! them only.

use std::collections::BTreeMap;

use crate::id::{DeliveryId, MessageId, Place};
use crate::snapshot::{Snapshot, Thread};

/// How many messages are remembered in each place.
const REMEMBERED: usize = 64;

/// What the last posts in each such place became. Threads in which nothing is asked aside are not in
/// it: they have their posts for themselves.
#[derive(Debug, Default)]
pub(super) struct Claimed {
    messages: BTreeMap<Place, BTreeMap<MessageId, Option<DeliveryId>>>,
    /// The posts for which another one's message was found, and which, until they are made.
    contested: BTreeMap<DeliveryId, MessageId>,
}

impl Claimed {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut claimed = Self::default();
        let asides = snapshot.threads.iter().filter(|(root, _)| root.is_aside());
        for place in asides.filter_map(|(_, aside)| aside.place.as_ref()) {
            claimed.share(place, None);
        }
        for thread in snapshot.threads.values() {
            if let (Some(place), Some(message)) = (&thread.place, &thread.confirmed)
                && claimed.is_shared(place)
            {
                claimed.remember(place, message, None);
            }
        }
        claimed
    }

    /// From now on several threads post to a place, which belonged to this one.
    pub(super) fn share(&mut self, place: &Place, thread: Option<&Thread>) {
        self.messages.entry(place.clone()).or_default();
        if let Some(confirmed) = thread.and_then(|thread| thread.confirmed.as_ref()) {
            let known = self.messages.get(place);
            if known.is_some_and(|known| !known.contains_key(confirmed)) {
                self.remember(place, confirmed, None);
            }
        }
    }

    /// A place of a thread is one thread's alone again, or nobody's.
    pub(super) fn forget(&mut self, place: &Place) {
        if place.thread.is_some() {
            self.messages.remove(place);
        }
    }

    fn is_shared(&self, place: &Place) -> bool {
        place.thread.is_none() || self.messages.contains_key(place)
    }

    /// The newest one in a place.
    pub(super) fn newest(&self, place: &Place) -> Option<&MessageId> {
        let (message, _) = self.messages.get(place)?.last_key_value()?;
        Some(message)
    }

    /// The last message that was found for a post and is another one's.
    pub(super) fn passed(&self, delivery: DeliveryId) -> Option<&MessageId> {
        self.contested.get(&delivery)
    }

    /// Whether the message that was found for a post is another one's. It is asked once a message:
    /// who gives the same one again has no other.
    pub(super) fn contests(
        &mut self,
        place: Option<&Place>,
        delivery: DeliveryId,
        message: &MessageId,
    ) -> bool {
        let known = place.and_then(|place| self.messages.get(place));
        let owner = known.and_then(|messages| messages.get(message));
        let passed = self.contested.get(&delivery);
        if owner.is_none_or(|owner| *owner == Some(delivery))
            || passed.is_some_and(|passed| passed >= message)
        {
            return false;
        }
        self.contested.insert(delivery, message.clone());
        true
    }

    /// Takes a message for a post.
    pub(super) fn claim(
        &mut self,
        place: Option<&Place>,
        delivery: DeliveryId,
        message: &MessageId,
    ) {
        self.contested.remove(&delivery);
        if let Some(place) = place.filter(|place| self.is_shared(place)) {
            self.remember(place, message, Some(delivery));
        }
    }

    fn remember(&mut self, place: &Place, message: &MessageId, owner: Option<DeliveryId>) {
        let messages = self.messages.entry(place.clone()).or_default();
        messages.insert(message.clone(), owner);
        if messages.len() > REMEMBERED {
            messages.pop_first();
        }
    }
}

#[cfg(test)]
mod tests;
