//! Turns from the agent's report to the end: what is told, tried again, answered, given up.

use super::Gateway;
use super::lane::{Phase, Slot};
use super::start::Submit;
use crate::agent::{FailureKind, TurnFailure, Usage};
use crate::event::{Effect, RunEnd, RunId, TurnNotice};
use crate::id::{ConversationId, SessionId, TurnId};
use crate::post::{PostKind, Status};
use crate::record::{Record, TurnOutcome, UnboundReason};
use crate::wording;

/// How many attempts a turn gets, those before a restart of the gateway included.
pub const MAX_ATTEMPTS: u32 = 3;

/// How often an agent that goes away is started again for one turn.
const MAX_RESTARTS: u32 = 2;

/// How many notices one turn may cause.
const MAX_NOTICES: usize = 10;

impl Gateway {
    pub(super) fn turn_noticed(&mut self, id: &ConversationId, run: RunId, notice: &TurnNotice) {
        let (topic, is_progress) = match notice {
            TurnNotice::Retrying(retry) => (format!("retrying {}", retry.error), true),
            TurnNotice::Denied(request) => (format!("denied {}", request.rule), false),
        };
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        let Some(turn) = lane.run(run).map(|run| run.turn) else {
            return;
        };
        if lane.told.len() >= MAX_NOTICES || !lane.told.insert(topic.clone()) {
            return;
        }
        let text = wording::notice(notice);
        if is_progress {
            self.notify_progress(&id.root, turn, &topic, &text);
        } else {
            self.notify(&id.root, &topic, &text);
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
            RunEnd::DirectoryMissing => {
                self.set_phase(id, closing);
                let session = self.conversation(id).and_then(|c| c.session.as_ref());
                let directory = session.map_or("the directory", |session| &session.directory);
                let failure = TurnFailure {
                    kind: FailureKind::Unavailable,
                    message: wording::directory_missing(directory),
                };
                self.finish(id, run.turn, Err(failure), Usage::default());
            }
            RunEnd::SessionLost => {
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
        self.release_slot(id);
    }

    /// Whether the agent may be started once more for the same turn.
    fn may_restart(&mut self, id: &ConversationId) -> bool {
        let Some(lane) = self.lanes.get_mut(id) else {
            return false;
        };
        lane.restarts += 1;
        lane.restarts <= MAX_RESTARTS
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
