//! Commands about what waits for people, and about what they allowed for good.

use std::time::Duration;

use crate::access::is_admin;
use crate::gateway::Gateway;
use crate::message::Message;
use crate::record::Record;
use crate::wording::asks as wording;

use super::LONGEST_LIST;

impl Gateway {
    /// What waits for somebody: in the whole project for who may see to it, else in this place.
    pub(super) fn list_requests(&self, message: &Message) -> String {
        let place = &message.place;
        let Some(project) = self.project_of(&place.channel) else {
            return String::new();
        };
        let everywhere = is_admin(project, place, &message.author);
        let here = self.bound_root(place);
        let open = self.open_requests();
        let seen = open.iter().filter(|request| {
            let root = &request.conversation.root;
            request.project == project.name
                && (everywhere
                    || Some(root) == here.as_ref()
                    || (place.thread.is_none() && root.channel == place.channel))
        });
        let mut lines = Vec::new();
        let mut left_out = 0;
        for request in seen {
            if lines.len() >= LONGEST_LIST {
                left_out += 1;
                continue;
            }
            let waited = self.now.duration_since(request.ask.at);
            let left = request.until.duration_since(self.now);
            lines.push(wording::open_line(
                request.conversation.agent.as_ref(),
                Some(&request.conversation.root) == here.as_ref(),
                &request.summary,
                &self.name_of(&request.author),
                Duration::try_from(waited).unwrap_or_default(),
                Duration::try_from(left).unwrap_or_default(),
            ));
        }
        if lines.is_empty() {
            return wording::nothing_open().to_owned();
        }
        if left_out > 0 {
            lines.push(format!("- and {left_out} more"));
        }
        lines.join("\n")
    }

    /// What is always allowed in the project of a message.
    pub(super) fn list_rules(&self, message: &Message) -> String {
        let project = self.project_of(&message.place.channel);
        let rules = project.and_then(|project| self.state.rules.get(&project.name));
        wording::rules(rules.map(Vec::as_slice).unwrap_or_default())
    }

    /// Takes one of them back. Agents that are ready are started without it for their next turn.
    pub(super) fn remove_rule(&mut self, number: usize, message: &Message) -> String {
        let Some(project) = self.project_of(&message.place.channel) else {
            return String::new();
        };
        let project = project.name.clone();
        let rules = self.state.rules.get(&project).map(Vec::as_slice);
        let rules = rules.unwrap_or_default();
        let Some(rule) = number.checked_sub(1).and_then(|index| rules.get(index)) else {
            return wording::no_such_rule(number, rules.len());
        };
        let rule = rule.rule.clone();
        self.record(Record::RuleRemoved {
            project,
            rule: rule.clone(),
        });
        self.close_outdated();
        wording::rule_removed(&rule)
    }
}
