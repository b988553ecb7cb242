//! Turns from the queue to the agent: a slot, a directory, a session, a submission.

use std::mem;
use std::sync::Arc;

use super::lane::{Lane, Phase, Run, Slot};
use super::{Gateway, after};
use crate::agent::{AgentSpec, FailureKind, TurnFailure, Usage};
use crate::attachment::{Admission, admit};
use crate::config::{Patience, Project, WorktreePer};
use crate::event::{Effect, RunId, RunTurn, TurnFiles};
use crate::id::{ConversationId, SessionId, SubmitId, TurnId};
use crate::port::{SessionSpec, SessionStart, Submission, Workspace, WorkspaceRequest};
use crate::record::Record;
use crate::snapshot::Session;
use crate::wording;

/// How a session gets the running turn of its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Submit {
    /// As the first one that the session ever gets.
    First,
    /// After others.
    Next,
    /// As one that it may have got before.
    Again,
}

impl Gateway {
    /// Puts a conversation that has something to do in line for a slot. Nobody gets in line any more
    /// once the gateway drains, so that an agent whose conversation has more to do is closed too.
    pub(super) fn want_slot(&mut self, id: &ConversationId) {
        if self.draining || !self.has_work(id) {
            return;
        }
        if !self.lanes.contains_key(id) {
            let Some(project) = self.project_of(&id.root.channel).cloned() else {
                self.abandon_unmapped(id);
                return;
            };
            self.lanes.insert(id.clone(), Lane::new(project));
        }
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        let ready = matches!(lane.phase, Phase::Cold | Phase::Warm { .. });
        if ready && lane.slot == Slot::None {
            lane.slot = Slot::Waiting;
            let cap = lane.project.max_concurrent_turns;
            self.slots.wait(&lane.project.name, cap, id.clone());
        }
    }

    /// Whether a conversation could use a slot just now.
    fn has_work(&self, id: &ConversationId) -> bool {
        let Some(conversation) = self.conversation(id) else {
            return false;
        };
        match &conversation.running {
            // Nobody is left who could wait for it.
            Some(_)
                if !self.lanes.contains_key(id) && self.project_of(&id.root.channel).is_none() =>
            {
                true
            }
            Some(running) => running.parked.is_none_or(|parked| self.is_due(parked)),
            None => !conversation.queue.is_empty(),
        }
    }

    /// Starts what a conversation has to do, now that it has a slot.
    pub(super) fn start(&mut self, id: &ConversationId) {
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.slot = Slot::Held;
        }
        let Some(conversation) = self.conversation(id) else {
            self.release_slot(id);
            self.settle_lane(id);
            return;
        };
        let (turn, attempt) = match (&conversation.running, conversation.queue.front()) {
            (Some(running), _) if running.parked.is_some() => {
                (running.turn.id, Some(running.attempt + 1))
            }
            (Some(running), _) => (running.turn.id, None),
            (None, Some(head)) => (head.id, Some(1)),
            (None, None) => {
                self.release_slot(id);
                self.settle_lane(id);
                return;
            }
        };
        if self.lanes.get(id).is_some_and(|lane| !has_agent(lane, id)) {
            self.record_start(id, turn, attempt.unwrap_or(1), false);
            let failure = TurnFailure::new(FailureKind::Gateway, wording::agent_is_gone());
            self.fail(id, turn, failure);
            self.settle_lane(id);
            return;
        }
        let again = self.lanes.get(id).is_some_and(|lane| lane.prepares_again);
        if conversation.session.is_none() || again {
            self.prepare(id, turn);
            return;
        }
        match attempt {
            Some(attempt) => {
                self.record_start(id, turn, attempt, attempt > 1);
                self.submit(id, Submit::Next);
            }
            None => self.submit(id, Submit::Again),
        }
    }

    /// Has the directory of a session that is missing prepared once more; false where that was done
    /// for this turn already.
    pub(super) fn prepares_again(&mut self, id: &ConversationId) -> bool {
        let Some(lane) = self.lanes.get_mut(id) else {
            return false;
        };
        lane.prepares_again = lane.told.insert("directory".to_owned());
        lane.prepares_again
    }

    fn prepare(&mut self, id: &ConversationId, turn: TurnId) {
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        let request = WorkspaceRequest {
            project: lane.project.name.clone(),
            directory: lane.project.directory.clone(),
            thread: id.root.clone(),
            agent: match lane.project.worktree_per {
                WorktreePer::Thread => None,
                WorktreePer::Agent => id.agent.clone(),
            },
        };
        self.set_phase(id, Phase::Preparing { turn });
        self.effect(Effect::PrepareWorkspace {
            conversation: id.clone(),
            turn,
            request,
        });
    }

    pub(super) fn workspace_ready(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        result: Result<Workspace, String>,
    ) {
        if self.lanes.get(id).map(|lane| &lane.phase) != Some(&Phase::Preparing { turn }) {
            return;
        }
        self.set_phase(id, Phase::Cold);
        let Some(conversation) = self.conversation(id) else {
            self.release_slot(id);
            self.settle_lane(id);
            return;
        };
        let attempt = match (&conversation.running, conversation.queue.front()) {
            (Some(running), _) if running.turn.id == turn => running.attempt + 1,
            (None, Some(head)) if head.id == turn => 1,
            _ => {
                self.release_slot(id);
                self.settle_lane(id);
                return;
            }
        };
        if self.draining {
            self.release_slot(id);
            self.settle_lane(id);
            return;
        }
        let fresh = conversation.unbound.and_then(wording::fresh_session);
        let kept = conversation.session.as_ref();
        let missing = kept.map(|session| session.directory.clone());
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.prepares_again = false;
        }
        match result {
            Ok(Workspace { directory, .. }) if missing.as_ref() == Some(&directory) => {
                if self.conversation(id).is_some_and(|c| c.running.is_some()) {
                    self.submit(id, Submit::Again);
                } else {
                    self.record_start(id, turn, attempt, false);
                    self.submit(id, Submit::Next);
                }
            }
            Ok(Workspace { directory, notice }) => {
                if let Some(fresh) = fresh {
                    self.notify(&id.root, "fresh", fresh);
                }
                if let Some(notice) = notice {
                    self.notify(&id.root, "workspace", &notice);
                }
                self.record(Record::SessionBound {
                    conversation: id.clone(),
                    session: Session {
                        id: SessionId::of_turn(turn, attempt),
                        directory,
                        answered: false,
                    },
                });
                self.record_start(id, turn, attempt, false);
                self.submit(id, Submit::First);
            }
            Err(message) => {
                self.record_start(id, turn, attempt, false);
                let message =
                    missing.map_or(message, |missing| wording::directory_missing(&missing));
                let failure = TurnFailure::new(FailureKind::Unavailable, message);
                self.finish(id, turn, Err(failure), Usage::default());
                self.settle_lane(id);
            }
        }
    }

    pub(super) fn record_start(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        attempt: u32,
        continues: bool,
    ) {
        if let Some(lane) = self.lanes.get_mut(id).filter(|_| attempt == 1) {
            lane.makes_up = false;
            lane.told.clear();
        }
        self.record(Record::TurnStarted {
            conversation: id.clone(),
            turn,
            attempt,
            continues,
            at: self.now,
        });
    }

    /// Hands the running turn of a conversation to its session's agent.
    pub(super) fn submit(&mut self, id: &ConversationId, submission: Submit) {
        let place = self.expected_place(&id.root);
        let Some(conversation) = self.state.conversation(id) else {
            return;
        };
        let (Some(running), Some(session)) = (&conversation.running, &conversation.session) else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        lane.adopted = false;
        let makes_up = mem::take(&mut lane.makes_up) && submission == Submit::Again;
        self.runs += 1;
        let run = RunId(self.runs);
        let (turn, attempt) = (running.turn.id, running.attempt);
        let prompt = if running.continues {
            wording::continuation().to_owned()
        } else {
            running.turn.prompt.clone()
        };
        // One that goes on has them already.
        let files = if running.continues {
            TurnFiles::default()
        } else {
            let limits = &lane.project.attachments;
            let Admission { taken, left_out } = admit(limits, &running.turn.attachments);
            TurnFiles {
                wanted: taken,
                limit: limits.size,
                left_out,
            }
        };
        let submit = SubmitId::of_attempt(turn, attempt);
        let (agent, patience) = setup(&lane.project, id);
        let start = match submission {
            Submit::First => SessionStart::New,
            Submit::Next | Submit::Again if session.answered => SessionStart::Resume,
            Submit::Next | Submit::Again => SessionStart::Begun,
        };
        let effect = RunTurn {
            run,
            turn,
            session: SessionSpec {
                session: session.id,
                start,
                directory: session.directory.clone(),
                files: None,
                agent,
                conversation: id.clone(),
                project: lane.project.name.clone(),
                turn_limit: lane.project.turn_timeout,
                owed: (submission == Submit::Again).then_some(submit),
            },
            submission: Submission {
                id: submit,
                prompt,
                images: Vec::new(),
                repeat: submission == Submit::Again,
            },
            files,
            place,
            patience,
        };
        let phase = Phase::Running(Run {
            id: run,
            turn,
            attempt,
            session: session.id,
            deadline: after(self.now, lane.project.turn_timeout),
            makes_up,
        });
        self.set_phase(id, phase);
        self.effect(Effect::RunTurn(Box::new(effect)));
    }

    /// Ends what a conversation has to do although its channel belongs to no project any more.
    fn abandon_unmapped(&mut self, id: &ConversationId) {
        loop {
            let conversation = self.conversation(id);
            let Some(turn) = conversation.and_then(|conversation| {
                let running = conversation.running.as_ref().map(|running| &running.turn);
                running.or(conversation.queue.front()).map(|turn| turn.id)
            }) else {
                return;
            };
            if conversation.is_some_and(|conversation| conversation.running.is_none()) {
                self.record_start(id, turn, 1, false);
            }
            let failure = TurnFailure::new(
                FailureKind::Gateway,
                "this channel no longer belongs to a project of the configuration",
            );
            self.finish(id, turn, Err(failure), Usage::default());
        }
    }
}

/// Whether the configuration has the agent of a conversation.
fn has_agent(lane: &Lane, id: &ConversationId) -> bool {
    let agents = &lane.project.agents;
    id.agent
        .as_ref()
        .is_none_or(|agent| agents.contains_key(agent))
}

/// How the agent of a conversation is set up, and how long it may show no sign of life.
fn setup(project: &Project, id: &ConversationId) -> (Arc<AgentSpec>, Patience) {
    let named = id
        .agent
        .as_ref()
        .and_then(|agent| project.agents.get(agent));
    let Some(named) = named else {
        return (Arc::clone(&project.agent), project.patience);
    };
    let patience = Patience {
        notice: project.patience.notice.min(named.timeout / 2),
        limit: named.timeout,
    };
    (Arc::clone(&named.agent), patience)
}
