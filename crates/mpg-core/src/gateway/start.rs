//! Turns from the queue to the agent: a slot, a directory, a session.

use super::Gateway;
use super::lane::{Lane, Phase, Slot};
use super::submission::{Past, Submit};
use crate::agent::{FailureKind, TurnFailure, Usage};
use crate::config::WorktreePer;
use crate::event::Effect;
use crate::id::{ConversationId, SessionId, TurnId};
use crate::port::{Workspace, WorkspaceRequest};
use crate::record::{Record, UnboundReason};
use crate::snapshot::{Conversation, RunningTurn, Session};
use crate::wording;

impl Gateway {
    /// Puts a conversation that has something to do in line for a slot. Nobody gets in line any more
    /// once the gateway drains, so that an agent whose conversation has more to do is closed too.
    pub(super) fn want_slot(&mut self, id: &ConversationId) {
        self.line_up(id, false);
    }

    /// The same for a turn that ran when an earlier gateway died: before all that has not begun.
    pub(super) fn want_slot_again(&mut self, id: &ConversationId) {
        self.line_up(id, true);
    }

    fn line_up(&mut self, id: &ConversationId, again: bool) {
        if self.draining || self.jobs.hold(&id.root) || !self.has_work(id) {
            return;
        }
        if !self.lanes.contains_key(id) {
            let Some(project) = self.project_of(&id.root.channel).cloned() else {
                self.abandon_unmapped(id);
                return;
            };
            self.lanes.insert(id.clone(), Lane::new(project));
        }
        let conversation = self.state.conversation(id);
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        let ready = matches!(lane.phase, Phase::Cold | Phase::Warm { .. });
        if ready && lane.slot == Slot::None {
            lane.slot = Slot::Waiting;
            let cap = lane.project.max_concurrent_turns;
            let project = &lane.project.name;
            if again {
                return self.slots.return_to(project, cap, id.clone());
            }
            // Its agent may have begun already; what is asked aside is asked now.
            let begun = conversation.is_some_and(Conversation::has_steered);
            let first = begun || id.root.is_aside();
            self.slots.wait(project, cap, id.clone(), first);
        }
    }

    /// Whether a conversation could use a slot just now.
    pub(super) fn has_work(&self, id: &ConversationId) -> bool {
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
            Some(running) => {
                running.parked.is_none_or(|parked| self.is_due(parked))
                    && !self.waits_for_people(id, running)
            }
            None => !conversation.queue.is_empty(),
        }
    }

    /// Starts what a conversation has to do, now that it has a slot.
    pub(super) fn start(&mut self, id: &ConversationId) {
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.slot = Slot::Held;
            match &lane.phase {
                Phase::Cold | Phase::Warm { .. } => {}
                Phase::Running(_) => return self.go_on(id),
                // It gets back in line when that has ended.
                Phase::Preparing { .. } | Phase::Stopping(..) | Phase::Closing { .. } => {
                    return self.release_slot(id);
                }
            }
        }
        self.takes_over(id);
        let Some(conversation) = self.conversation(id) else {
            self.release_slot(id);
            self.settle_lane(id);
            return;
        };
        let (turn, attempt) = match (&conversation.running, conversation.next()) {
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
        let has_session = conversation.session.is_some();
        if self.holds_back(id, turn) {
            return self.settle_lane(id);
        }
        let ready = self
            .lanes
            .get(id)
            .is_some_and(|lane| matches!(lane.phase, Phase::Warm { .. }));
        if ready && !self.fits(id) {
            // It gets back in line when its agent is gone.
            self.close(id);
            return;
        }
        let again = self.lanes.get(id).is_some_and(|lane| lane.prepares_again);
        if !has_session || again {
            self.prepare(id, turn);
            return;
        }
        match attempt {
            Some(attempt) => self.begin(id, turn, attempt),
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
        let running = conversation.running.as_deref();
        let begun = running.map(|running| (running.turn.id, running.attempt + 1));
        let due = begun.or(conversation.next().map(|head| (head.id, 1)));
        let due = due.filter(|(due, _)| *due == turn && !self.draining);
        let Some((_, attempt)) = due else {
            self.release_slot(id);
            self.settle_lane(id);
            return;
        };
        let past = match conversation.unbound {
            None => Past::Nothing,
            Some(UnboundReason::Lost | UnboundReason::Retired) => Past::Lost,
            Some(UnboundReason::Restarted | UnboundReason::Killed | UnboundReason::Done) => {
                Past::Ended
            }
        };
        let fresh = conversation.unbound.and_then(wording::fresh_session);
        let forked_from = conversation.fork;
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
                    self.begin(id, turn, attempt);
                }
            }
            Ok(Workspace { directory, notice }) => {
                if let Some(fresh) = fresh {
                    self.notify_for(id, "fresh", fresh);
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
                        allowed: Vec::new(),
                        forked_from,
                    },
                });
                self.record_start(id, turn, attempt, false);
                self.submit(id, Submit::First(past));
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

    /// Begins an attempt in a session that is there.
    fn begin(&mut self, id: &ConversationId, turn: TurnId, attempt: u32) {
        let conversation = self.conversation(id);
        let steered = conversation.is_some_and(|c| c.steered.contains(&turn));
        let running = conversation.and_then(|c| c.running.as_deref());
        let held_back = running.is_some_and(RunningTurn::is_held_back);
        self.record_start(id, turn, attempt, attempt > 1 && !held_back);
        let submission = if steered {
            Submit::Handed
        } else {
            Submit::Next
        };
        self.submit(id, submission);
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
            lane.absorbed.clear();
            lane.handed = 0;
        }
        self.record(Record::TurnStarted {
            conversation: id.clone(),
            turn,
            attempt,
            continues,
            at: self.now,
        });
    }

    /// Ends what a conversation has to do although its channel belongs to no project any more.
    fn abandon_unmapped(&mut self, id: &ConversationId) {
        loop {
            let conversation = self.conversation(id);
            let Some(turn) = conversation.and_then(|conversation| {
                let running = conversation.running.as_deref().map(|running| &running.turn);
                running.or(conversation.next()).map(|turn| turn.id)
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
