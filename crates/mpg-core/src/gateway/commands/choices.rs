//! `!model`, `!mode` and `!effort`: how the agents of a thread work from the next turn on.

use crate::access::may_lift_limits;
use crate::agent::{Choices, Effort, PermissionMode};
use crate::capability::Threads;
use crate::gateway::Gateway;
use crate::id::{ConversationId, RootId};
use crate::message::Message;
use crate::record::Record;
use crate::wording::{self, choices as words};

/// The word that takes a choice back.
const CONFIGURED: &str = "default";

impl Gateway {
    pub(super) fn choose_model(&mut self, model: Option<&str>, message: &Message) -> String {
        let Some(model) = model else {
            return self.chosen(message);
        };
        if !is_model(model) {
            return words::no_model();
        }
        let model = (model != CONFIGURED).then(|| model.to_owned());
        self.choose(message, |choices| choices.model.clone_from(&model))
    }

    pub(super) fn choose_mode(&mut self, mode: Option<&str>, message: &Message) -> String {
        let Some(word) = mode else {
            return self.chosen(message);
        };
        // The other word takes the choice back.
        let mut modes = PermissionMode::ALL.into_iter();
        let mode = modes.find(|mode| mode.name().eq_ignore_ascii_case(word));
        if let Some(mode) = mode.filter(|mode| self.is_freer(*mode, message)) {
            return words::freer_mode(mode);
        }
        self.choose(message, |choices| choices.mode = mode)
    }

    pub(super) fn choose_effort(&mut self, effort: Option<&str>, message: &Message) -> String {
        let Some(word) = effort else {
            return self.chosen(message);
        };
        let mut efforts = Effort::ALL.into_iter();
        let effort = efforts.find(|effort| effort.name().eq_ignore_ascii_case(word));
        self.choose(message, |choices| choices.effort = effort)
    }

    /// Whether a mode lets an agent of the thread do more than is configured, to somebody who may not
    /// decide that.
    fn is_freer(&self, mode: PermissionMode, message: &Message) -> bool {
        let Some(project) = self.project_of(&message.place.channel) else {
            return true;
        };
        let named = project.agents.values().map(|named| &named.agent);
        let configured = named.chain([&project.agent]);
        let least = configured
            .map(|agent| agent.permission_mode.freedom())
            .min();
        let freer = least.is_none_or(|least| mode.freedom() > least);
        freer && !may_lift_limits(&project.access, &message.author)
    }

    fn choose(&mut self, message: &Message, change: impl Fn(&mut Choices)) -> String {
        let Some(ids) = self.in_this_thread(message) else {
            return words::in_a_thread();
        };
        for id in &ids {
            let Some(conversation) = self.conversation(id) else {
                continue;
            };
            let mut choices = conversation.choices.clone();
            change(&mut choices);
            if choices != conversation.choices {
                self.record(Record::ChoicesMade {
                    conversation: id.clone(),
                    choices,
                });
                self.settle_lane(id);
            }
        }
        self.chosen(message)
    }

    /// What is chosen in a thread.
    fn chosen(&self, message: &Message) -> String {
        let Some(ids) = self.in_this_thread(message) else {
            return words::in_a_thread();
        };
        let lines = ids.iter().filter_map(|id| {
            let choices = &self.conversation(id)?.choices;
            Some(words::chosen(id.agent.as_ref(), choices))
        });
        let lines: Vec<String> = lines.collect();
        if lines.is_empty() {
            return wording::no_session("here");
        }
        lines.join("\n")
    }

    /// The conversations of the thread that a command is given in; `None` in a channel whose threads
    /// are not meant one by one.
    pub(super) fn in_this_thread(&self, message: &Message) -> Option<Vec<ConversationId>> {
        let place = &message.place;
        let in_thread =
            place.thread.is_some() || self.capabilities(&place.channel).threads == Threads::None;
        let root = self.bound_root(place);
        in_thread.then(|| root.map_or(Vec::new(), |root| self.all_in(&root)))
    }

    fn all_in(&self, root: &RootId) -> Vec<ConversationId> {
        let conversations = self
            .thread(root)
            .map(|thread| thread.conversations.agents());
        let agents = conversations.into_iter().flatten();
        agents
            .map(|agent| ConversationId {
                root: root.clone(),
                agent: agent.clone(),
            })
            .collect()
    }
}

/// Whether a word can name a model, and nothing else on a command line.
fn is_model(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@[]-".contains(c);
    !word.is_empty()
        && word.len() <= Choices::LONGEST_MODEL
        && !word.starts_with('-')
        && word.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_no_model_reaches_no_command_line() {
        for word in ["opus", "claude-opus-4-8[1m]", "us.anthropic/x:1", "a@b"] {
            assert!(is_model(word), "{word}");
        }
        let long = "x".repeat(101);
        for word in ["", "-p", "--model", "a b", "a\nb", "é", long.as_str()] {
            assert!(!is_model(word), "{word:?}");
        }
    }
}
