//! The posts that are on their way: one in each place, however many threads post there: those that
//! fell back to their channel, or what is asked aside in a thread.
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
    /// The places that one of these posts goes to, and whose it is.
    taken: BTreeMap<Place, RootId>,
    /// Who waits for a place, in order.
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

    /// The thread whose post is on its way to a place.
    pub(super) fn at(&self, place: &Place) -> Option<&RootId> {
        self.taken.get(place)
    }

    /// Sends a thread's post on its way, unless another one is on its way there: then the thread
    /// waits until [`next`](Self::next) names it.
    pub(super) fn begin(&mut self, root: &RootId, place: &Place) -> bool {
        if self.taken.contains_key(place) {
            let queue = self.queues.entry(place.clone()).or_default();
            queue.push_back(root.clone());
            self.waiting.insert(root.clone());
            return false;
        }
        self.taken.insert(place.clone(), root.clone());
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
        if self.taken.contains_key(place) {
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
