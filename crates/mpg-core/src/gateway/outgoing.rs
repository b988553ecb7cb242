//! The posts that are on their way: one in each thread, and one in each channel that threads share.
//!
//! So at most one post of a place is in doubt when the gateway dies, and whatever else is known to
//! stand there stands before it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::id::{Place, RootId};

/// The posts that are on their way, and who waits for them.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// The threads that a post is on its way to, and where it goes.
    posts: BTreeMap<RootId, Place>,
    /// The channels that one of these posts goes to.
    taken: BTreeSet<Place>,
    /// Who waits for a channel, in order.
    queues: BTreeMap<Place, VecDeque<RootId>>,
    /// Everybody in `queues`, where each thread is once at most.
    waiting: BTreeSet<RootId>,
}

impl Outgoing {
    pub(super) fn is_empty(&self) -> bool {
        self.posts.is_empty()
    }

    /// Whether a post is on its way to a thread, or waits to be.
    pub(super) fn engages(&self, root: &RootId) -> bool {
        self.contains(root) || self.waiting.contains(root)
    }

    /// Whether a post is on its way to a thread.
    pub(super) fn contains(&self, root: &RootId) -> bool {
        self.posts.contains_key(root)
    }

    /// Sends a thread's post on its way, unless another one is on its way there: then the thread
    /// waits until [`next`](Self::next) names it.
    pub(super) fn begin(&mut self, root: &RootId, place: &Place) -> bool {
        if place.thread.is_none() && !self.taken.insert(place.clone()) {
            let queue = self.queues.entry(place.clone()).or_default();
            queue.push_back(root.clone());
            self.waiting.insert(root.clone());
            return false;
        }
        self.posts.insert(root.clone(), place.clone());
        true
    }

    /// Ends the way of a thread's post, and says where it went.
    pub(super) fn end(&mut self, root: &RootId) -> Option<Place> {
        let place = self.posts.remove(root)?;
        self.taken.remove(&place);
        Some(place)
    }

    /// Who has waited the longest for a place that is free.
    pub(super) fn next(&mut self, place: &Place) -> Option<RootId> {
        if self.taken.contains(place) {
            return None;
        }
        let queue = self.queues.get_mut(place)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(place);
        }
        if let Some(next) = &next {
            self.waiting.remove(next);
        }
        next
    }
}
