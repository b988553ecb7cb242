//! What people say about what agents ask, and what follows from it.

use std::time::Duration;

use super::super::lane::Slot;
use crate::access::may_approve;
use crate::ask::{self, Said, Unsaid};
use crate::audit::Act;
use crate::capability::Controls;
use crate::gateway::Gateway;
use crate::id::{AskId, ConversationId, MessageRef};
use crate::interaction::{Action, Interaction};
use crate::message::{Author, Message};
use crate::post::Status;
use crate::record::{Disposition, Record};
use crate::request::{About, Scope};
use crate::route::OpenAsk;
use crate::snapshot::{Answerer, Ask, Rule, RunningTurn, Verdict};
use crate::wording::{self, asks};

impl Gateway {
    /// Whether anything waits for people.
    pub fn asks_people(&self) -> bool {
        !self.asks.open.is_empty()
    }

    /// An operator of the gateway answers.
    pub(in crate::gateway) fn operator_answers(
        &mut self,
        ask: AskId,
        said: Said,
        by: Option<Answerer>,
    ) {
        if let Some(by) = &by {
            self.acting = self.answered_by(by);
        }
        if let Some((id, _)) = self.open_ask_of(ask) {
            let id = id.clone();
            self.settle_ask(&id, ask, Some(said), by);
        }
    }

    /// Somebody used a control of a request.
    pub(in crate::gateway) fn used_control(&mut self, interaction: &Interaction) -> bool {
        let (Action::Press { id, .. } | Action::Submit { id, .. }) = &interaction.action else {
            return false;
        };
        let Some((ask, what)) = ask::of_action(id) else {
            return false;
        };
        let cause = interaction.reference();
        if let Err(why) = self.try_control(interaction, ask, what) {
            self.saw_interaction(interaction, Disposition::Refused);
            self.audit_at(Act::Refused, &interaction.place, &why);
            self.reply_privately(&cause, &why);
        }
        true
    }

    fn try_control(
        &mut self,
        interaction: &Interaction,
        ask: AskId,
        what: &str,
    ) -> Result<(), String> {
        let channel = &interaction.place.channel;
        let gone = || wording::no_longer_open().to_owned();
        let (id, known) = self
            .ask_in(&interaction.reference(), ask)
            .ok_or_else(gone)?;
        if let Some(verdict) = &known.verdict {
            return Err(asks::answered_already(verdict));
        }
        let (values, fields): (&[String], &[(String, String)]) = match &interaction.action {
            Action::Press { values, .. } => (values, &[]),
            Action::Submit { fields, .. } => (&[], fields),
            Action::Command { .. } => (&[], &[]),
        };
        let said = ask::said(&known, what, values, fields).map_err(|unsaid| match unsaid {
            Unsaid::Earlier => asks::earlier_question().to_owned(),
            Unsaid::Incomplete => asks::incomplete().to_owned(),
            Unsaid::Unknown => wording::no_longer_open().to_owned(),
        })?;
        let project = self.project_of(channel).ok_or_else(gone)?;
        if said.is_approval() && !may_approve(&project.access, &interaction.author) {
            return Err(asks::not_approver().to_owned());
        }
        self.people.meet(&interaction.author);
        self.saw_interaction(interaction, Disposition::Command);
        let by = answerer(&interaction.author);
        self.settle_ask(&id, ask, Some(said), Some(by));
        Ok(())
    }

    /// What was asked in the thread or channel of a control.
    fn ask_in(&self, cause: &MessageRef, ask: AskId) -> Option<(ConversationId, Ask)> {
        if let Some((id, ask)) = self.open_ask_of(ask) {
            let here = id.root.channel == cause.place.channel;
            return here.then(|| (id.clone(), ask.clone()));
        }
        let root = self.bound_root(&cause.place)?;
        let conversations = &self.thread(&root)?.conversations;
        conversations.iter().find_map(|(agent, conversation)| {
            let found = conversation.running.as_deref()?.ask(ask)?.clone();
            let root = root.clone();
            let agent = agent.clone();
            Some((ConversationId { root, agent }, found))
        })
    }

    /// Somebody wrote an answer.
    pub(in crate::gateway) fn wrote_answer(&mut self, message: &Message, ask: AskId, said: Said) {
        self.people.meet(&message.author);
        if let Some((id, _)) = self.open_ask_of(ask) {
            let id = id.clone();
            self.settle_ask(&id, ask, Some(said), Some(answerer(&message.author)));
            self.effect(crate::event::Effect::SetStatus {
                message: message.reference(),
                status: Status::Done,
            });
        }
    }

    /// What a text in a thread may be an answer to, oldest first.
    pub(in crate::gateway) fn asks_in(&self, root: &crate::id::RootId) -> Vec<OpenAsk> {
        let Some(thread) = self.thread(root) else {
            return Vec::new();
        };
        let numbered = self.capabilities(&root.channel).controls == Controls::None;
        let mut open = Vec::new();
        for (agent, conversation) in &thread.conversations {
            let asks = conversation
                .running
                .iter()
                .flat_map(|running| &running.asks);
            for ask in asks.filter(|ask| ask.is_open()) {
                let shown = thread.kept.get(&super::posts::shown_as(ask));
                open.extend(shown.map(|shown| OpenAsk {
                    ask: ask.clone(),
                    agent: agent.clone(),
                    shown: shown.clone(),
                    numbered,
                }));
            }
        }
        open.sort_by_key(|open| (open.ask.at, open.ask.id));
        open
    }

    /// Ends what nobody answered in time.
    pub(in crate::gateway) fn expire_asks(&mut self) {
        while let Some((at, ask)) = self.asks.due.first().copied()
            && at <= self.now
        {
            let id = self.asks.open.get(&ask).map(|(id, _)| id.clone());
            match id {
                Some(id) => self.settle_ask(&id, ask, None, None),
                None => {
                    self.asks.due.remove(&(at, ask));
                }
            }
        }
    }

    /// Ends everything that nobody can answer any more.
    pub(in crate::gateway) fn expire_all_asks(&mut self) {
        let open: Vec<(AskId, ConversationId)> = self
            .asks
            .open
            .iter()
            .map(|(ask, (id, _))| (*ask, id.clone()))
            .collect();
        for (ask, id) in open {
            self.settle_ask(&id, ask, None, None);
        }
    }

    fn settle_ask(
        &mut self,
        id: &ConversationId,
        ask: AskId,
        said: Option<Said>,
        by: Option<Answerer>,
    ) {
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let Some((turn, known)) = running.and_then(|r| Some((r.turn.id, r.ask(ask)?.clone())))
        else {
            return;
        };
        if let Some(Said::Reply(reply)) = &said
            && let About::Questions(questions) = &known.about
            && known.replies.len() + 1 < questions.len()
        {
            let name = by.as_ref().map_or(asks::OPERATOR, |by| &by.name);
            self.close_ask(id, &known, &asks::replied_by(reply, name));
            self.record(Record::QuestionAnswered {
                conversation: id.clone(),
                turn,
                ask,
                reply: reply.clone(),
            });
            return self.show_ask(id, ask, false);
        }
        let said = said.map(|said| self.allow(id, &known, said, by.as_ref()));
        let verdict = Verdict {
            said,
            by,
            at: self.now,
            told: false,
        };
        let outcome = asks::outcome(&verdict, waited(&known, &verdict));
        self.asks.settled(id, &known, &verdict);
        self.record(Record::RequestAnswered {
            conversation: id.clone(),
            turn,
            ask,
            verdict,
        });
        self.close_ask(id, &known, &outcome);
        self.goes_on(id);
    }

    /// Remembers what is allowed for longer than this once, as far as there is room for it.
    fn allow(&mut self, id: &ConversationId, ask: &Ask, said: Said, by: Option<&Answerer>) -> Said {
        let (About::Permission(permission), Said::Allow(scope)) = (&ask.about, &said) else {
            return said;
        };
        let rule = permission.rule.clone();
        let project = self.project_of(&id.root.channel);
        let project = project.map(|project| project.name.clone());
        let rules = project.as_ref().and_then(|name| self.state.rules.get(name));
        let full = rules.is_some_and(|rules| rules.len() >= Rule::MOST);
        let session = self.conversation(id).and_then(|c| c.session.as_ref());
        let scope = match (scope, project, session) {
            (Scope::Project, Some(project), _) if !full => {
                self.record(Record::RuleAdded {
                    project,
                    rule: Rule {
                        rule: rule.clone(),
                        by: by.cloned(),
                        at: self.now,
                    },
                });
                Scope::Project
            }
            (Scope::Project | Scope::Session, _, Some(session))
                if session.allowed.len() < Rule::MOST =>
            {
                let session = session.id;
                self.record(Record::SessionAllowed {
                    conversation: id.clone(),
                    session,
                    rule: rule.clone(),
                });
                Scope::Session
            }
            (Scope::Once | Scope::Session | Scope::Project, _, _) => Scope::Once,
        };
        if scope != Scope::Once
            && let Some(lane) = self.lanes.get_mut(id)
        {
            lane.granted.insert(rule);
        }
        Said::Allow(scope)
    }

    /// Has a turn go on once nothing is open in it.
    fn goes_on(&mut self, id: &ConversationId) {
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let open = running.is_some_and(RunningTurn::asks_people);
        let Some(lane) = self
            .lanes
            .get_mut(id)
            .filter(|lane| lane.waits_for_people())
        else {
            return self.want_slot(id);
        };
        match lane.slot {
            _ if open => self.tell_what_is_known(id),
            Slot::Held => self.go_on(id),
            Slot::Waiting => {}
            Slot::None => {
                lane.slot = Slot::Waiting;
                let (project, cap) = (&lane.project.name, lane.project.max_concurrent_turns);
                self.slots.return_to(project, cap, id.clone());
            }
        }
    }

    /// What people may still answer, for the moment at which their turn ends.
    pub(in crate::gateway) fn open_asks(&self, id: &ConversationId) -> Vec<Ask> {
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let asks = running.into_iter().flat_map(|running| &running.asks);
        asks.filter(|ask| ask.is_open()).cloned().collect()
    }

    /// Says of what was open that its turn has ended.
    pub(in crate::gateway) fn end_asks(&mut self, id: &ConversationId, open: &[Ask]) {
        for ask in open {
            self.close_ask(id, ask, asks::ended_first());
            self.asks.over(id, ask);
        }
    }
}

/// How long it took until something came of a request.
pub(super) fn waited(ask: &Ask, verdict: &Verdict) -> Duration {
    Duration::try_from(verdict.at.duration_since(ask.at)).unwrap_or_default()
}

fn answerer(author: &Author) -> Answerer {
    Answerer::new(author.id.clone(), &author.name)
}
