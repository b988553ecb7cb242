//! Who did what: every record is looked at once for what the audit log keeps of it.

use super::{Gateway, OPERATOR};
use crate::agent::{Choices, Effort, PermissionMode};
use crate::ask::Said;
use crate::audit::{Act, Actor, Deed, Text};
use crate::command::Command;
use crate::config::{Config, Verbosity};
use crate::id::{AgentName, AskId, ConversationId, Place, ProjectName, RootId, TurnId};
use crate::message::Message;
use crate::post::{Post, PostKind};
use crate::record::{Record, TurnOutcome, UnboundReason};
use crate::request::{About, Scope};
use crate::route::RefuseReason;
use crate::snapshot::{Answerer, QueuedTurn, Verdict};

impl Gateway {
    /// Says whose doing the next event, order or prompt is; without it, it is the gateway's own.
    ///
    /// People on a platform need not be named: they come with what they write and press.
    pub fn on_behalf_of(&mut self, actor: Actor) -> &mut Self {
        self.acting = actor;
        self
    }

    /// From here on, the gateway acts by itself.
    pub(super) fn acts_by_itself(&mut self) {
        self.acting = Actor::Gateway;
    }

    /// Writes down what no record tells of.
    pub(super) fn audit(&mut self, deed: Deed) {
        let deed = Box::new(deed);
        self.step.records.push(Record::Audited { deed });
    }

    /// Writes down what happened at a place.
    pub(super) fn audit_at(&mut self, act: Act, place: &Place, about: &str) {
        let root = self.bound_root(place);
        let mut deed = self.deed(act, about);
        let project = self.project_of(&place.channel);
        deed.project = project.map(|project| project.name.clone());
        deed.root = Some(root.unwrap_or_else(|| RootId::of_place(place)));
        self.audit(deed);
    }

    /// Writes down that a message was turned away.
    pub(super) fn audit_refusal(&mut self, message: &Message, reason: &RefuseReason) {
        let mut deed = self.deed_in(&self.root_of(message), None, Act::Refused, reason.name());
        deed.text = Some(self.text(&message.text));
        self.audit(deed);
    }

    /// Writes down that somebody gave a command.
    pub(super) fn audit_command(&mut self, command: &Command, message: &Message) {
        let Some(spec) = command.spec() else {
            return;
        };
        if matches!(command, Command::Misused(_)) {
            return;
        }
        let root = self.bound_root(&message.place);
        let root = root.unwrap_or_else(|| RootId::of_place(&message.place));
        let mut deed = self.deed_in(&root, None, Act::Commanded, spec.name);
        deed.text = Some(self.text(&message.text));
        self.audit(deed);
    }

    /// Writes down what another configuration is about to change.
    pub(super) fn audit_configuration(&mut self, next: &Config) {
        if *next == *self.config {
            return;
        }
        let deed = self.deed(Act::Reconfigured, "");
        self.audit(deed);
        let before = self.config.routing.projects();
        let after = next.routing.projects();
        let names = before.chain(after).map(|project| project.name.clone());
        let mut names: Vec<ProjectName> = names.collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let before = self.config.routing.project(&name).map(|it| &it.access);
            let after = next.routing.project(&name).map(|it| &it.access);
            let about = match (before, after) {
                (Some(before), Some(after)) if before == after => continue,
                (Some(_), None) => "the project is gone",
                (None, _) => "the project is new",
                (Some(_), Some(_)) => "other roles or people",
            };
            self.audit(self.in_project(&name, Act::ChangedAccess, about));
        }
    }

    /// What the log keeps of a record that is about to be applied.
    pub(super) fn deed_of(&self, record: &Record) -> Option<Deed> {
        match record {
            Record::TurnQueued { conversation, turn } => self.asked(conversation, turn),
            Record::QueuedEdited {
                conversation,
                turn,
                prompt,
            } => {
                let mut deed = self.about_turn(conversation, Act::Edited, *turn);
                deed.text = Some(self.text(prompt));
                Some(deed)
            }
            Record::QueuedDropped { conversation, turn } => {
                Some(self.about_turn(conversation, Act::Dropped, *turn))
            }
            Record::ChoicesMade {
                conversation,
                choices,
            } => Some(self.about(conversation, Act::Chose, &chosen(choices))),
            Record::SessionUnbound {
                conversation,
                reason,
            } => match reason {
                UnboundReason::Restarted | UnboundReason::Killed => {
                    Some(self.about(conversation, Act::EndedSession, reason.name()))
                }
                UnboundReason::Retired | UnboundReason::Lost | UnboundReason::Done => None,
            },
            Record::TurnEnded {
                conversation,
                turn,
                outcome,
                ..
            } => match outcome {
                TurnOutcome::Stopped => Some(self.about_turn(conversation, Act::Stopped, *turn)),
                TurnOutcome::Answered | TurnOutcome::Failed(_) | TurnOutcome::Abandoned => None,
            },
            Record::RequestAnswered {
                conversation,
                turn,
                ask,
                verdict,
            } => Some(self.judged(conversation, *turn, *ask, verdict)),
            Record::QuestionAnswered {
                conversation,
                ask,
                reply,
                ..
            } => {
                let mut deed = self.about(conversation, Act::Answered, &ask.to_string());
                deed.text = Some(self.text(&reply.join(", ")));
                Some(deed)
            }
            Record::SessionAllowed {
                conversation, rule, ..
            } => Some(self.about(conversation, Act::AllowedInSession, rule)),
            Record::RuleAdded { project, rule } => {
                Some(self.in_project(project, Act::AddedRule, &rule.rule))
            }
            Record::RuleRemoved { project, rule } => {
                Some(self.in_project(project, Act::RemovedRule, rule))
            }
            Record::VerbositySet { root, verbosity } => {
                let about = verbosity.map_or("default", Verbosity::name);
                Some(self.deed_in(root, None, Act::ChoseVerbosity, about))
            }
            Record::BudgetLifted { project, .. } => Some(self.in_project(project, Act::LiftedBudget, "for today")),
            Record::DeliveryPlanned { root, post, .. } => self.planned(root, post),
            // What a message led to is told by what it led to.
            Record::MessageSeen { .. }
            | Record::PositionMoved { .. }
            | Record::ChannelKnown { .. }
            | Record::GapOpened { .. }
            | Record::GapClosed { .. }
            | Record::PlaceRead { .. }
            | Record::ThreadBound { .. }
            | Record::TurnSteered { .. }
            | Record::TurnAbsorbed { .. }
            | Record::SessionBound { .. }
            | Record::TurnStarted { .. }
            | Record::TurnSetBack { .. }
            | Record::TurnParked { .. }
            // What an agent wants is nobody's deed before somebody has answered.
            | Record::RequestOpened { .. }
            | Record::RequestRenewed { .. }
            | Record::AnswerTold { .. }
            | Record::RequestDropped { .. }
            | Record::WaitTold { .. }
            | Record::Spent { .. }
            | Record::FanOutOpened { .. }
            | Record::FanOutJoined { .. }
            | Record::FanOutClosed { .. }
            | Record::DeliveryConfirmed { .. }
            | Record::DeliveryDead { .. }
            | Record::DeliveryDropped { .. }
            | Record::FloorRaised { .. }
            | Record::ConversationForked { .. }
            | Record::ThreadRenamed { .. }
            | Record::KeptLost { .. }
            | Record::ThreadForgotten { .. }
            | Record::Audited { .. } => None,
        }
    }

    /// What agents hand over is theirs, and what is asked from outside is told when it is planned.
    fn asked(&self, id: &ConversationId, turn: &QueuedTurn) -> Option<Deed> {
        if !turn.origin.is_person() || turn.author.as_str() == OPERATOR {
            return None;
        }
        let mut deed = self.about_turn(id, Act::Asked, turn.id);
        deed.text = Some(self.text(&turn.prompt));
        Some(deed)
    }

    fn planned(&self, root: &RootId, post: &Post) -> Option<Deed> {
        let was_given_up = self.state.dead.iter().any(|dead| dead.post.id == post.id);
        let about = format!("delivery {}", post.id);
        if was_given_up {
            return Some(self.deed_in(root, None, Act::Redelivered, &about));
        }
        let (agent, act) = match &post.kind {
            PostKind::Prompt { agent } => (agent.as_ref(), Act::Asked),
            PostKind::Told => (None, Act::Told),
            PostKind::Answer { .. }
            | PostKind::Failure { .. }
            | PostKind::Notice
            | PostKind::Progress { .. }
            | PostKind::Live { .. }
            | PostKind::Board
            | PostKind::Request { .. }
            | PostKind::Fork(_)
            | PostKind::Reply
            | PostKind::Private => return None,
        };
        let mut deed = self.deed_in(root, agent, act, &about);
        deed.text = Some(self.text(post.said()));
        Some(deed)
    }

    fn judged(&self, id: &ConversationId, turn: TurnId, ask: AskId, verdict: &Verdict) -> Deed {
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let running = running.filter(|running| running.turn.id == turn);
        let about = running.and_then(|running| Some(&running.ask(ask)?.about));
        let (act, how) = match &verdict.said {
            None => (Act::LeftOpen, ""),
            Some(Said::Allow(scope)) => (Act::Allowed, Scope::name(*scope)),
            Some(Said::Approve { accept_edits: true }) => (Act::Allowed, "with edits"),
            Some(Said::Approve {
                accept_edits: false,
            }) => (Act::Allowed, ""),
            Some(Said::Deny { .. } | Said::KeepPlanning { .. }) => (Act::Denied, ""),
            Some(Said::Reply(_) | Said::Fill(_)) => (Act::Answered, ""),
            Some(Said::Decline) => (Act::Answered, "declined"),
        };
        let (kind, tool, text) = match about {
            Some(kind @ About::Permission(permission)) => {
                let text = permission.detail.text();
                (kind.name(), permission.tool.as_str(), Some(text))
            }
            Some(kind @ About::Plan { text }) => (kind.name(), "", Some(text.as_str())),
            Some(kind @ (About::Questions(_) | About::Form { .. })) => (kind.name(), "", None),
            None => ("", "", None),
        };
        let id_of_ask = ask.to_string();
        let about = [kind, tool, how, &id_of_ask].into_iter();
        let about: Vec<&str> = about.filter(|word| !word.is_empty()).collect();
        let mut deed = self.about(id, act, &about.join(" "));
        deed.text = match &verdict.said {
            Some(Said::Reply(reply)) => Some(self.text(&reply.join(", "))),
            Some(Said::Fill(fields)) => {
                let filled = fields
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}"));
                Some(self.text(&filled.collect::<Vec<_>>().join(", ")))
            }
            Some(
                Said::Allow(_)
                | Said::Deny { .. }
                | Said::Approve { .. }
                | Said::KeepPlanning { .. }
                | Said::Decline,
            )
            | None => text.map(|text| self.text(text)),
        };
        deed
    }

    /// Whose answer it was, where that came from outside of every platform.
    pub(super) fn answered_by(&self, by: &Answerer) -> Actor {
        let name = by.name.clone();
        let id = by.id.as_str();
        match (&self.acting, id.strip_prefix("token:")) {
            (Actor::Gateway, Some(id)) => Actor::Token {
                id: id.to_owned(),
                name,
            },
            (Actor::Gateway, None) if id == OPERATOR => Actor::Local { user: name },
            (acting, _) => acting.clone(),
        }
    }

    fn in_project(&self, project: &ProjectName, act: Act, about: &str) -> Deed {
        let mut deed = self.deed(act, about);
        deed.project = Some(project.clone());
        deed
    }

    fn about_turn(&self, id: &ConversationId, act: Act, turn: TurnId) -> Deed {
        self.about(id, act, &format!("turn {turn}"))
    }

    fn about(&self, id: &ConversationId, act: Act, about: &str) -> Deed {
        self.deed_in(&id.root, id.agent.as_ref(), act, about)
    }

    fn deed_in(&self, root: &RootId, agent: Option<&AgentName>, act: Act, about: &str) -> Deed {
        let mut deed = self.deed(act, about);
        let project = self.project_of(&root.channel);
        deed.project = project.map(|project| project.name.clone());
        deed.root = Some(root.clone());
        deed.agent = agent.cloned();
        deed
    }

    fn deed(&self, act: Act, about: &str) -> Deed {
        Deed::new(self.now, self.acting.clone(), act, about)
    }

    fn text(&self, text: &str) -> Text {
        Text::kept(text, self.config.limits.audit_texts)
    }
}

fn chosen(choices: &Choices) -> String {
    format!(
        "model {}, mode {}, effort {}",
        choices.model.as_deref().unwrap_or("default"),
        choices.mode.map_or("configured", PermissionMode::name),
        choices.effort.map_or("default", Effort::name)
    )
}
