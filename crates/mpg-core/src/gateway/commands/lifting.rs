//! `!unsafe` and `!safe`: for a while, the agents of a thread or channel run every tool unasked.

use std::sync::Arc;

use crate::agent::{AgentSpec, PermissionMode};
use crate::audit::Act;
use crate::config::Project;
use crate::event::Effect;
use crate::gateway::lane::{Phase, Started};
use crate::gateway::lifted::{Lift, Reach};
use crate::gateway::{Gateway, after};
use crate::id::{Place, RootId};
use crate::message::Message;
use crate::wording::limits as wording;

impl Gateway {
    /// The reply to `!unsafe`, and to its confirmation. Routing has seen to it that its author may.
    pub(super) fn lift(&mut self, confirmed: bool, message: &Message) -> String {
        let place = &message.place;
        let Some(project) = self.project_of(&place.channel).cloned() else {
            return String::new();
        };
        let reach = self.lift_reach(place);
        if let Some(until) = self.lifted.until_for(&reach) {
            return wording::lifted_already(&reach, until, self.now);
        }
        if is_unlimited(&project) {
            return wording::unlimited_by_configuration().to_owned();
        }
        let author = &message.author.id;
        if !confirmed {
            self.lifted.ask(place, author, self.now);
            return wording::asks(&reach, project.unsafe_limit);
        }
        if !self.lifted.confirm(place, author, self.now) {
            return wording::nothing_to_confirm();
        }
        let until = after(self.now, project.unsafe_limit);
        let lift = Lift {
            place: place.clone(),
            until,
        };
        if !self.lifted.lift(reach.clone(), lift) {
            return wording::lifted_too_often().to_owned();
        }
        self.effect(Effect::LimitsChanged {
            place: place.clone(),
            by: Some(author.clone()),
            lifted_until: Some(until),
        });
        self.audit_at(Act::LiftedLimits, place, &format!("until {until}"));
        self.close_outdated();
        wording::lifted(&reach, project.unsafe_limit, self.running_in(&reach))
    }

    /// The reply to `!safe`.
    pub(super) fn put_back(&mut self, message: &Message) -> String {
        let reach = self.lift_reach(&message.place);
        let project = self.project_of(&message.place.channel);
        if project.is_some_and(|project| is_unlimited(project)) {
            return wording::unlimited_by_configuration().to_owned();
        }
        if !self.lifted.put_back(&reach) {
            return wording::in_force_already(&reach);
        }
        self.effect(Effect::LimitsChanged {
            place: message.place.clone(),
            by: Some(message.author.id.clone()),
            lifted_until: None,
        });
        self.audit_at(Act::RestoredLimits, &message.place, "");
        self.close_outdated();
        wording::put_back(&reach, self.running_in(&reach))
    }

    /// Puts limits back whose time is over, or that nobody may lift any more.
    pub(in crate::gateway) fn end_lifts(&mut self) {
        let (now, config) = (self.now, Arc::clone(&self.config));
        let ended = self.lifted.end(|reach, lift| {
            let project = config.routing.project_of(reach.channel());
            let nobody = project.is_none_or(|project| project.access.unsafe_roles.is_empty());
            nobody || lift.until <= now
        });
        for (reach, lift) in &ended {
            self.effect(Effect::LimitsChanged {
                place: lift.place.clone(),
                by: None,
                lifted_until: None,
            });
            self.audit_at(Act::RestoredLimits, &lift.place, "");
            let root = match reach {
                Reach::Thread(root) => root.clone(),
                Reach::Channel(_) => self.reply_root(&lift.place),
            };
            if self.thread(&root).is_some() {
                let text = wording::time_is_over(reach, self.running_in(reach));
                self.notify(&root, "limits", &text);
            }
        }
        if !ended.is_empty() {
            self.close_outdated();
        }
    }

    /// What limits an agent gets that is started now in a thread.
    pub(in crate::gateway) fn starts_with(&self, root: &RootId) -> Started {
        match self.lifted.until(root) {
            Some(_) => Started::Unlimited,
            None => Started::Limited,
        }
    }

    fn lift_reach(&self, place: &Place) -> Reach {
        if place.thread.is_none() {
            return Reach::Channel(place.channel.clone());
        }
        let root = self.bound_root(place);
        Reach::Thread(root.unwrap_or_else(|| RootId::of_place(place)))
    }

    /// How many turns run there: they keep what they were started with.
    fn running_in(&self, reach: &Reach) -> usize {
        let lanes = self.lanes.iter().filter(|(id, lane)| {
            let there = match reach {
                Reach::Channel(channel) => id.root.channel == *channel,
                Reach::Thread(root) => id.root == *root,
            };
            there && matches!(lane.phase, Phase::Running(_) | Phase::Stopping(..))
        });
        lanes.count()
    }
}

/// An agent's setup without limits on tools. What never runs stays away, and so do the gateway's
/// own files, which are its runtime's to protect.
pub(in crate::gateway) fn without_limits(agent: &AgentSpec) -> AgentSpec {
    AgentSpec {
        permission_mode: PermissionMode::BypassPermissions,
        ..agent.clone()
    }
}

/// Whether the configuration sets no limits on any agent.
fn is_unlimited(project: &Project) -> bool {
    let named = project.agents.values().map(|named| &named.agent);
    named
        .chain([&project.agent])
        .all(|agent| agent.permission_mode == PermissionMode::BypassPermissions)
}
