//! What agents ask, and what people allowed for longer than once.

use crate::id::{AskId, ConversationId, ProjectName, SessionId, TurnId};
use crate::snapshot::{Ask, Rule, Snapshot};

impl Snapshot {
    pub(super) fn open_ask(&mut self, id: &ConversationId, turn: TurnId, ask: &Ask) {
        let Some(running) = self.running_mut(id, turn) else {
            return;
        };
        if running.ask(ask.id).is_none() {
            running.asks.push(ask.clone());
            if let Some(thread) = self.threads.get_mut(&id.root) {
                thread.active_at = ask.at;
            }
        }
    }

    pub(super) fn ask_mut(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        ask: AskId,
    ) -> Option<&mut Ask> {
        let running = self.running_mut(id, turn)?;
        running.asks.iter_mut().find(|known| known.id == ask)
    }

    pub(super) fn allow_in_session(&mut self, id: &ConversationId, session: SessionId, rule: &str) {
        let bound = self.conversation_mut(id).and_then(|c| c.session.as_mut());
        if let Some(bound) = bound.filter(|bound| bound.id == session)
            && !bound.allowed.iter().any(|known| known == rule)
        {
            bound.allowed.push(rule.to_owned());
        }
    }

    pub(super) fn add_rule(&mut self, project: &ProjectName, rule: &Rule) {
        let rules = self.rules.entry(project.clone()).or_default();
        if !rules.iter().any(|known| known.rule == rule.rule) {
            rules.push(rule.clone());
        }
    }

    pub(super) fn remove_rule(&mut self, project: &ProjectName, rule: &str) {
        if let Some(rules) = self.rules.get_mut(project) {
            rules.retain(|known| known.rule != rule);
            if rules.is_empty() {
                self.rules.remove(project);
            }
        }
    }
}
