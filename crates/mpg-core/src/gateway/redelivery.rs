//! Posts that were given up, and how they get another chance.

use std::collections::VecDeque;

use super::Gateway;
use crate::id::{DeliveryId, Place, RootId};
use crate::post::Post;
use crate::record::Record;
use crate::snapshot::DeadLetter;

impl Gateway {
    /// The posts that were given up, oldest first.
    pub fn dead_letters(&self) -> &VecDeque<DeadLetter> {
        &self.state.dead
    }

    /// Plans a dead letter again: in its thread, or in the thread's channel if the thread is
    /// forgotten or turns out to be gone. One that is no dead letter is left alone.
    pub(super) fn redeliver(&mut self, delivery: DeliveryId) {
        let found = self.state.dead.iter().find(|dead| dead.post.id == delivery);
        let Some(DeadLetter { root, post, .. }) = found.cloned() else {
            return;
        };
        if self.thread(&root).is_none() {
            self.record(Record::ThreadBound {
                root: root.clone(),
                place: Place::channel(root.channel.clone()),
                at: self.now,
            });
        }
        // It may have been given up although it was made.
        self.uncertain.insert(delivery);
        self.redelivering.insert(delivery, None);
        self.record(Record::DeliveryPlanned {
            root: root.clone(),
            post,
            at: self.now,
        });
        self.deliver_next(&root);
    }

    /// Lets a post whose thread is gone go to the channel instead, if somebody asked for it again.
    pub(super) fn falls_back(&mut self, root: &RootId, delivery: DeliveryId) -> bool {
        let Some(instead @ None) = self.redelivering.get_mut(&delivery) else {
            return false;
        };
        *instead = Some(Place::channel(root.channel.clone()));
        self.uncertain.remove(&delivery);
        true
    }

    /// Ends a post that will not be made: somebody waits for an answer, nobody for a notice.
    pub(super) fn give_up(&mut self, root: &RootId, post: &Post, reason: &str) {
        if !post.kind.is_awaited() {
            return self.leave_out(root, post.id);
        }
        self.settle_delivery(post.id);
        self.record(Record::DeliveryDead {
            root: root.clone(),
            delivery: post.id,
            reason: reason.to_owned(),
            at: self.now,
        });
    }

    /// Ends a post that nobody misses.
    pub(super) fn leave_out(&mut self, root: &RootId, delivery: DeliveryId) {
        self.settle_delivery(delivery);
        self.prompts.forget(delivery);
        self.record(Record::DeliveryDropped {
            root: root.clone(),
            delivery,
        });
    }

    /// Forgets what was only to be known while a post was on its way.
    pub(super) fn settle_delivery(&mut self, delivery: DeliveryId) {
        self.uncertain.remove(&delivery);
        self.redelivering.remove(&delivery);
    }
}
