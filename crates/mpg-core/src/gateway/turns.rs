//! Turns: from the slot to the end.

use std::sync::Arc;

use super::lane::{Lane, Phase, Run, Slot};
use super::{Gateway, after};
use crate::agent::{FailureKind, TurnFailure, Usage};
use crate::event::{Effect, RunEnd, RunId, RunTurn, TurnNotice};
use crate::id::{ConversationId, SessionId, SubmitId, TurnId};
use crate::port::{SessionSpec, SessionStart, Submission, WorkspaceRequest};
use crate::post::{PostKind, Status};
use crate::record::{Record, TurnOutcome, UnboundReason};
use crate::snapshot::Session;
use crate::wording;

/// How many attempts a turn gets, those before a restart of the gateway included.
pub const MAX_ATTEMPTS: u32 = 3;

/// How often an agent that goes away is started again for one turn.
const MAX_RESTARTS: u32 = 2;

/// How many notices one turn may cause.
const MAX_NOTICES: usize = 10;

/// How a session gets the running turn of its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Submit {
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
        if self.draining {
            return;
        }
        let has_work = self.conversation(id).is_some_and(|conversation| {
            conversation.running.is_some() || !conversation.queue.is_empty()
        });
        if !has_work {
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

    /// Starts what a conversation has to do, now that it has a slot.
    pub(super) fn start(&mut self, id: &ConversationId) {
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.slot = Slot::Held;
        }
        let Some(conversation) = self.conversation(id) else {
            self.release_slot(id);
            return;
        };
        let (turn, submission) = match (&conversation.running, conversation.queue.front()) {
            (Some(running), _) => (running.turn.id, Submit::Again),
            (None, Some(head)) => (head.id, Submit::Next),
            (None, None) => {
                self.release_slot(id);
                return;
            }
        };
        if conversation.session.is_none() {
            self.prepare(id, turn);
            return;
        }
        if submission == Submit::Next {
            self.record_start(id, turn, 1, false);
        }
        self.submit(id, submission);
    }

    fn prepare(&mut self, id: &ConversationId, turn: TurnId) {
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        let request = WorkspaceRequest {
            project: lane.project.name.clone(),
            directory: lane.project.directory.clone(),
            thread: id.root.clone(),
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
        result: Result<String, String>,
    ) {
        if self.lanes.get(id).map(|lane| &lane.phase) != Some(&Phase::Preparing { turn }) {
            return;
        }
        self.set_phase(id, Phase::Cold);
        let Some(conversation) = self.conversation(id) else {
            self.release_slot(id);
            return;
        };
        let attempt = match (&conversation.running, conversation.queue.front()) {
            (Some(running), _) if running.turn.id == turn => running.attempt + 1,
            (None, Some(head)) if head.id == turn => 1,
            _ => {
                self.release_slot(id);
                self.want_slot(id);
                return;
            }
        };
        if self.draining {
            self.release_slot(id);
            return;
        }
        let fresh = conversation.unbound.and_then(wording::fresh_session);
        match result {
            Ok(directory) => {
                if let Some(fresh) = fresh {
                    self.notify(&id.root, "fresh", fresh);
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
                let failure = TurnFailure {
                    kind: FailureKind::Unavailable,
                    message,
                };
                self.finish(id, turn, Err(failure), Usage::default());
                self.settle_lane(id);
            }
        }
    }

    fn record_start(&mut self, id: &ConversationId, turn: TurnId, attempt: u32, continues: bool) {
        self.record(Record::TurnStarted {
            conversation: id.clone(),
            turn,
            attempt,
            continues,
            at: self.now,
        });
    }

    /// Hands the running turn of a conversation to its session's agent.
    fn submit(&mut self, id: &ConversationId, submission: Submit) {
        let place = self.expected_place(&id.root);
        let Some(conversation) = self.state.conversation(id) else {
            return;
        };
        let (Some(running), Some(session)) = (&conversation.running, &conversation.session) else {
            return;
        };
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        self.runs += 1;
        let run = RunId(self.runs);
        let (turn, attempt) = (running.turn.id, running.attempt);
        let prompt = if running.continues {
            wording::continuation().to_owned()
        } else {
            running.turn.prompt.clone()
        };
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
                agent: Arc::clone(&lane.project.agent),
                conversation: id.clone(),
            },
            submission: Submission {
                id: SubmitId::of_attempt(turn, attempt),
                prompt,
                repeat: submission == Submit::Again,
            },
            place,
        };
        let phase = Phase::Running(Run {
            id: run,
            turn,
            attempt,
            session: session.id,
            deadline: after(self.now, lane.project.turn_timeout),
        });
        self.set_phase(id, phase);
        self.effect(Effect::RunTurn(Box::new(effect)));
    }

    pub(super) fn turn_noticed(&mut self, id: &ConversationId, run: RunId, notice: &TurnNotice) {
        let topic = match notice {
            TurnNotice::Retrying(retry) => format!("retrying {}", retry.error),
            TurnNotice::Denied(request) => format!("denied {}", request.rule),
        };
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        if lane.run(run).is_none() || lane.told.len() >= MAX_NOTICES {
            return;
        }
        if lane.told.insert(topic.clone()) {
            self.notify(&id.root, &topic, &wording::notice(notice));
        }
    }

    pub(super) fn turn_ended(&mut self, id: &ConversationId, run: RunId, end: RunEnd) {
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        let timing_out = matches!(lane.phase, Phase::TimingOut(_));
        let Some(run) = lane.run(run).cloned() else {
            return;
        };
        let closing = Phase::Closing {
            session: run.session,
        };
        let warm = Phase::Warm {
            session: run.session,
            since: self.now,
        };
        match end {
            RunEnd::Reported { result, usage, seq } => {
                let stored = Effect::Acknowledge {
                    session: run.session,
                    seq,
                };
                match result {
                    Ok(answer) => {
                        self.set_phase(id, warm);
                        self.finish(id, run.turn, Ok(answer), usage);
                        self.effect(stored);
                    }
                    Err(failure) => {
                        let exited = failure.kind == FailureKind::Exited;
                        self.set_phase(id, if exited { closing } else { warm });
                        if timing_out {
                            self.finish(id, run.turn, Err(timed_out()), usage);
                        } else if !exited || !self.may_restart(id) {
                            self.finish(id, run.turn, Err(given_up(failure)), usage);
                        }
                        if !exited {
                            self.effect(stored);
                        }
                    }
                }
            }
            RunEnd::InterruptedBefore => {
                if timing_out {
                    self.set_phase(id, warm);
                    self.finish(id, run.turn, Err(timed_out()), Usage::default());
                } else if run.attempt >= MAX_ATTEMPTS {
                    let message = format!("{MAX_ATTEMPTS} attempts were cut off");
                    self.set_phase(id, warm);
                    self.finish(id, run.turn, Err(exhausted(message)), Usage::default());
                } else {
                    let attempt = run.attempt + 1;
                    self.record_start(id, run.turn, attempt, true);
                    self.submit(id, Submit::Next);
                }
            }
            RunEnd::SessionLost | RunEnd::DirectoryMissing => {
                self.set_phase(id, closing);
                if self.may_restart(id) {
                    self.record(Record::SessionUnbound {
                        conversation: id.clone(),
                        reason: UnboundReason::Lost,
                    });
                } else {
                    let failure = exhausted("no session could be started".to_owned());
                    self.finish(id, run.turn, Err(failure), Usage::default());
                }
            }
            RunEnd::Unavailable(message) => {
                self.set_phase(id, closing);
                let failure = TurnFailure {
                    kind: FailureKind::Unavailable,
                    message,
                };
                self.finish(id, run.turn, Err(failure), Usage::default());
            }
            RunEnd::NotSubmitted => {
                self.set_phase(id, closing);
                if timing_out {
                    self.finish(id, run.turn, Err(timed_out()), Usage::default());
                } else if !self.may_restart(id) {
                    let failure = exhausted("it took no message".to_owned());
                    self.finish(id, run.turn, Err(failure), Usage::default());
                }
            }
        }
        self.settle_lane(id);
    }

    pub(super) fn session_closed(&mut self, id: &ConversationId, session: SessionId) {
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        if lane.session() != Some(session) {
            return;
        }
        let cut_off = match &lane.phase {
            Phase::Running(run) => Some((run.turn, false)),
            Phase::TimingOut(run) => Some((run.turn, true)),
            Phase::Cold | Phase::Warm { .. } | Phase::Preparing { .. } | Phase::Closing { .. } => {
                None
            }
        };
        self.set_phase(id, Phase::Cold);
        if let Some((turn, timing_out)) = cut_off {
            if timing_out {
                self.finish(id, turn, Err(timed_out()), Usage::default());
            } else if !self.may_restart(id) {
                let failure = exhausted(String::new());
                self.finish(id, turn, Err(failure), Usage::default());
            }
        }
        let held = self
            .lanes
            .get(id)
            .is_some_and(|lane| lane.slot == Slot::Held);
        let runs_on = self
            .conversation(id)
            .is_some_and(|conversation| conversation.running.is_some());
        if held && runs_on && !self.draining {
            self.start(id);
        } else if held {
            self.release_slot(id);
        }
        self.settle_lane(id);
    }

    /// Ends a running turn for good, and says so in its thread.
    pub(super) fn finish(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        result: Result<String, TurnFailure>,
        usage: Usage,
    ) {
        let running = self.conversation(id).and_then(|c| c.running.as_ref());
        let Some(running) = running.filter(|running| running.turn.id == turn) else {
            return;
        };
        let cause = running.turn.cause.clone();
        let continues = running.continues;
        let (outcome, status) = match &result {
            Ok(_) => (TurnOutcome::Answered, Status::Done),
            Err(failure) => (TurnOutcome::Failed(failure.clone()), Status::Failed),
        };
        self.record(Record::TurnEnded {
            conversation: id.clone(),
            turn,
            outcome,
            usage,
            at: self.now,
        });
        match result {
            Ok(answer) => {
                let answer = match (answer.trim(), continues) {
                    ("", false) => wording::empty_answer().to_owned(),
                    ("", true) => format!("{}\n\n{}", wording::resumed(), wording::empty_answer()),
                    (text, false) => text.to_owned(),
                    (text, true) => format!("{}\n\n{text}", wording::resumed()),
                };
                let kind = PostKind::Answer {
                    turn,
                    agent: id.agent.clone(),
                };
                self.post_turn(&id.root, turn, &kind, &answer);
            }
            Err(failure) => {
                let text = match self.lanes.get(id) {
                    Some(lane) => wording::failure(&failure, &lane.project),
                    None => failure.message,
                };
                self.post_turn(&id.root, turn, &PostKind::Failure { turn }, &text);
            }
        }
        self.effect(Effect::SetStatus {
            message: cause,
            status,
        });
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.restarts = 0;
            lane.told.clear();
        }
        self.release_slot(id);
    }

    /// Stops whatever a conversation's agent does, and the agent.
    pub(super) fn close(&mut self, id: &ConversationId) {
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        match &lane.phase {
            Phase::Cold | Phase::Closing { .. } => {}
            Phase::Preparing { .. } => {
                self.set_phase(id, Phase::Cold);
                self.release_slot(id);
                self.settle_lane(id);
            }
            Phase::Warm { session, .. } => {
                let session = *session;
                // What waits gets back in line when the agent is gone.
                self.release_slot(id);
                self.set_phase(id, Phase::Closing { session });
                self.effect(Effect::CloseSession { session });
            }
            Phase::Running(run) | Phase::TimingOut(run) => {
                let session = run.session;
                self.set_phase(id, Phase::Closing { session });
                self.effect(Effect::CloseSession { session });
            }
        }
    }

    /// Closes a ready agent that was started with a configuration that is no longer in force.
    pub(super) fn close_if_outdated(&mut self, id: &ConversationId) {
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        if self.project_of(&id.root.channel) != Some(&lane.project) {
            self.close(id);
        }
    }

    /// Does what is due by now.
    pub(super) fn ring_alarms(&mut self) {
        while let Some((at, id)) = self.alarms.first().cloned()
            && at <= self.now
        {
            match self.lanes.get(&id).map(|lane| lane.phase.clone()) {
                Some(Phase::Running(run)) => {
                    let (session, run_id) = (run.session, run.id);
                    self.set_phase(&id, Phase::TimingOut(run));
                    self.effect(Effect::StopTurn {
                        session,
                        run: run_id,
                    });
                }
                Some(Phase::Warm { .. }) => self.close(&id),
                Some(
                    Phase::Cold
                    | Phase::Preparing { .. }
                    | Phase::TimingOut(_)
                    | Phase::Closing { .. },
                )
                | None => {
                    self.alarms.remove(&(at, id));
                }
            }
        }
    }

    /// What comes after something ended: the next turn, or nothing to keep.
    fn settle_lane(&mut self, id: &ConversationId) {
        self.want_slot(id);
        let waits = self
            .lanes
            .get(id)
            .is_some_and(|lane| lane.slot != Slot::None);
        if !waits && self.draining {
            self.close(id);
        } else if !waits {
            self.close_if_outdated(id);
        }
        self.drop_idle_lane(id);
    }

    /// Whether the agent may be started once more for the same turn.
    fn may_restart(&mut self, id: &ConversationId) -> bool {
        let Some(lane) = self.lanes.get_mut(id) else {
            return false;
        };
        lane.restarts += 1;
        lane.restarts <= MAX_RESTARTS
    }

    /// Gives a slot back, or leaves the line for one.
    pub(super) fn release_slot(&mut self, id: &ConversationId) {
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        match lane.slot {
            Slot::Held => self.slots.release(&lane.project.name),
            Slot::Waiting => self.slots.leave(&lane.project.name, id),
            Slot::None => {}
        }
        lane.slot = Slot::None;
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
            let failure = TurnFailure {
                kind: FailureKind::Gateway,
                message: "this channel no longer belongs to a project of the configuration"
                    .to_owned(),
            };
            self.finish(id, turn, Err(failure), Usage::default());
        }
    }
}

fn timed_out() -> TurnFailure {
    TurnFailure {
        kind: FailureKind::TimedOut,
        message: String::new(),
    }
}

fn exhausted(message: String) -> TurnFailure {
    TurnFailure {
        kind: FailureKind::Exhausted,
        message,
    }
}

/// A process that ended for the last time is not worth another try.
fn given_up(failure: TurnFailure) -> TurnFailure {
    match failure.kind {
        FailureKind::Exited => exhausted(failure.message),
        FailureKind::Agent
        | FailureKind::Interrupted
        | FailureKind::Unavailable
        | FailureKind::TimedOut
        | FailureKind::Exhausted
        | FailureKind::Gateway => failure,
    }
}
