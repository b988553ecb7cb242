//! What is remembered, and for how long.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::lane::Phase;
use super::{Gateway, after};
use crate::id::{ConversationId, RootId};
use crate::record::{Record, UnboundReason};
use crate::snapshot::Snapshot;

/// How many threads one event may forget, so that a long list does not hold up messages.
const FORGET_AT_ONCE: usize = 50;

/// When threads are looked at again, and which sessions were used longest ago.
#[derive(Debug)]
pub(crate) struct Retention {
    ttl: Duration,
    /// One entry a thread. A thread that was used since is put back for later when it comes up.
    expiry: BTreeSet<(Timestamp, RootId)>,
    sessions: BTreeSet<(Timestamp, ConversationId)>,
}

impl Retention {
    pub(crate) fn of(snapshot: &Snapshot, ttl: Duration) -> Self {
        let threads = snapshot.threads.iter();
        Self {
            ttl,
            expiry: threads
                .map(|(root, thread)| (after(thread.active_at, ttl), root.clone()))
                .collect(),
            sessions: snapshot
                .threads
                .keys()
                .flat_map(|root| sessions(snapshot, root))
                .collect(),
        }
    }

    /// Takes the new time from the next look at each thread on.
    pub(crate) fn set_ttl(&mut self, ttl: Duration) {
        self.ttl = ttl;
    }

    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        self.expiry.first().map(|(at, _)| *at)
    }

    /// To be called around each record, so that the order of use stays true.
    pub(crate) fn before(&mut self, snapshot: &Snapshot, record: &Record) {
        for entry in record
            .root()
            .map_or(Vec::new(), |root| sessions(snapshot, root))
        {
            self.sessions.remove(&entry);
        }
        if let Record::ThreadBound { root, at, .. } = record
            && !snapshot.threads.contains_key(root)
        {
            self.expiry.insert((after(*at, self.ttl), root.clone()));
        }
        if let Record::TurnQueued { conversation, turn } = record
            && !snapshot.threads.contains_key(&conversation.root)
        {
            let due = after(turn.at, self.ttl);
            self.expiry.insert((due, conversation.root.clone()));
        }
        if let Record::ConversationForked {
            conversation, at, ..
        } = record
            && !snapshot.threads.contains_key(&conversation.root)
        {
            let due = after(*at, self.ttl);
            self.expiry.insert((due, conversation.root.clone()));
        }
    }

    /// The other half of [`Retention::before`].
    pub(crate) fn after(&mut self, snapshot: &Snapshot, record: &Record) {
        if let Some(root) = record.root() {
            self.sessions.extend(sessions(snapshot, root));
        }
    }

    fn due(&mut self, now: Timestamp) -> Option<RootId> {
        let (at, _) = self.expiry.first()?;
        if *at > now {
            return None;
        }
        self.expiry.pop_first().map(|(_, root)| root)
    }
}

impl Gateway {
    /// Forgets threads that nothing happened in for the session time-to-live.
    pub(super) fn forget_expired(&mut self) {
        for _ in 0..FORGET_AT_ONCE {
            let Some(root) = self.retention.due(self.now) else {
                return;
            };
            let Some(thread) = self.thread(&root) else {
                continue;
            };
            let due = after(thread.active_at, self.retention.ttl);
            let quiet = thread.deliveries.is_empty()
                && !self.has_board(&root)
                && thread.conversations.iter().all(|(agent, conversation)| {
                    let id = ConversationId {
                        root: root.clone(),
                        agent: agent.clone(),
                    };
                    conversation.queue.is_empty()
                        && conversation.running.is_none()
                        && !self.lanes.contains_key(&id)
                });
            if due <= self.now && quiet {
                let place = thread.place.clone();
                self.record(Record::ThreadForgotten { root: root.clone() });
                if let Some(place) = place {
                    if self.bound.get(&place) == Some(&root) {
                        self.bound.remove(&place);
                    }
                    if self.asides_in(&place).is_empty() {
                        self.claimed.forget(&place);
                    }
                }
            } else {
                // A thread that is busy beyond its time is looked at again after another one.
                let again = due.max(after(self.now, self.retention.ttl));
                let again = if quiet { due } else { again };
                self.retention.expiry.insert((again, root));
            }
        }
    }

    /// Gives up the sessions that were used longest ago, as far as they are idle.
    pub(super) fn keep_session_cap(&mut self) {
        let limit = self.config.limits.max_sessions as usize;
        while self.retention.sessions.len() > limit {
            let idle = self.retention.sessions.iter().find(|(_, id)| {
                let working = self.conversation(id).is_none_or(|conversation| {
                    conversation.running.is_some() || !conversation.queue.is_empty()
                });
                let warm = self
                    .lanes
                    .get(id)
                    .is_none_or(|lane| matches!(lane.phase, Phase::Warm { .. } | Phase::Cold));
                !working && warm
            });
            let Some((_, id)) = idle.cloned() else {
                return;
            };
            self.record(Record::SessionUnbound {
                conversation: id.clone(),
                reason: UnboundReason::Retired,
            });
            self.close(&id);
        }
    }
}

fn sessions(snapshot: &Snapshot, root: &RootId) -> Vec<(Timestamp, ConversationId)> {
    let Some(thread) = snapshot.threads.get(root) else {
        return Vec::new();
    };
    thread
        .conversations
        .iter()
        .filter(|(_, conversation)| conversation.session.is_some())
        .map(|(agent, _)| {
            let id = ConversationId {
                root: root.clone(),
                agent: agent.clone(),
            };
            (thread.active_at, id)
        })
        .collect()
}
