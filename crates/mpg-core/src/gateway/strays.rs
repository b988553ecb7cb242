//! Agents that an earlier gateway left running: kept ready, or ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Gateway;
use super::lane::{Lane, Phase};
use crate::event::Effect;
use crate::id::{ConversationId, SessionId};

impl Gateway {
    /// Takes over the agents that run and do nothing, and ends those that nobody needs. One whose
    /// turn has not ended is left alone: that turn's own start takes it over.
    pub(super) fn agents_found(&mut self, sessions: Vec<SessionId>) {
        if sessions.is_empty() {
            return;
        }
        let owners = self.session_owners();
        let known: BTreeSet<SessionId> = self.lanes.values().filter_map(Lane::session).collect();
        for session in sessions {
            if known.contains(&session) || self.strays.contains(&session) {
                continue;
            }
            match owners.get(&session) {
                Some(id) if self.owes_a_run(id) => self.takes_agent_over(id, session),
                Some(id) if !self.draining && self.adopt(id, session) => {}
                Some(_) | None => {
                    self.strays.insert(session);
                    self.effect(Effect::EndStray { session });
                }
            }
        }
    }

    /// Keeps an agent ready for its conversation; false if that has no use for it.
    fn adopt(&mut self, id: &ConversationId, session: SessionId) -> bool {
        if !self.lanes.contains_key(id) {
            let Some(project) = self.project_of(&id.root.channel) else {
                return false;
            };
            let lane = Lane::new(Arc::clone(project));
            self.lanes.insert(id.clone(), lane);
        }
        if self.lanes.get(id).map(|lane| &lane.phase) != Some(&Phase::Cold) {
            return false;
        }
        let chosen = self.conversation(id).map(|c| c.choices.clone());
        if let (Some(lane), Some(chosen)) = (self.lanes.get_mut(id), chosen) {
            lane.chosen = chosen;
        }
        let since = self.now;
        self.set_phase(id, Phase::Warm { session, since });
        self.effect(Effect::AttachSession {
            conversation: id.clone(),
            session,
        });
        true
    }

    /// Whether a turn of a conversation was submitted, or may have been, and has not ended.
    pub(super) fn owes_a_run(&self, id: &ConversationId) -> bool {
        let Some(conversation) = self.conversation(id) else {
            return false;
        };
        match &conversation.running {
            Some(running) => running.parked.is_none(),
            // Its agent may run this already: the turn's own start takes it over.
            None => conversation.has_steered(),
        }
    }

    fn session_owners(&self) -> BTreeMap<SessionId, ConversationId> {
        let mut owners = BTreeMap::new();
        for (root, thread) in &self.state.threads {
            for (agent, conversation) in &thread.conversations {
                if let Some(session) = &conversation.session {
                    let id = ConversationId {
                        root: root.clone(),
                        agent: agent.clone(),
                    };
                    owners.insert(session.id, id);
                }
            }
        }
        owners
    }
}
