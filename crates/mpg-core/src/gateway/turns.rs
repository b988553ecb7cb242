//! Turns from the agent's report to the end: what is told, tried again, answered, given up.

use std::time::Duration;

use jiff::Timestamp;

use super::Gateway;
use super::lane::{Phase, Run, Slot, Started, StopReason};
use super::submission::Submit;
use crate::agent::{FailureKind, TurnFailure, Usage};
use crate::config::OnInterrupted;
use crate::event::{Effect, RunEnd, RunId, TurnNotice};
use crate::id::{ConversationId, MessageRef, RootId, SessionId, TurnId, UserId};
use crate::post::{PostKind, Status};
use crate::record::{Record, TurnOutcome, UnboundReason};
use crate::snapshot::{QueuedTurn, RunningTurn};
use crate::title::{Titled, titled};
use crate::wording;

/// How often a turn's agent may be cut off, those times before a restart of the gateway included.
pub const MAX_ATTEMPTS: u32 = 3;

/// How many notices one turn may cause.
const MAX_NOTICES: usize = 10;

impl Gateway {
    pub(super) fn turn_noticed(&mut self, id: &ConversationId, run: RunId, notice: &TurnNotice) {
        let now = self.now;
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        let Some(run) = lane.run(run).cloned() else {
            return;
        };
        let (topic, is_progress) = match notice {
            TurnNotice::Retrying(retry) => (format!("retrying {}", retry.error), true),
            TurnNotice::Denied(request) => (format!("denied {}", wording::topic(request)), false),
            TurnNotice::Silent(_) => (format!("silent {now}"), true),
            TurnNotice::Stalled(_) => (format!("stalled {now}"), false),
            TurnNotice::FilesLeftOut(_) => ("files".to_owned(), false),
            TurnNotice::Live(text) => return self.show_live(id, &run, text),
            TurnNotice::Doing(status) => return self.show_doing(id, &run, *status),
            TurnNotice::Adopted => {
                lane.adopted = true;
                return;
            }
            TurnNotice::Outdated => {
                lane.started = Started::Otherwise;
                return;
            }
            TurnNotice::Absorbed(turn) => {
                self.absorb(id, run.turn, *turn);
                return;
            }
        };
        let stalled = match notice {
            TurnNotice::Stalled(silence) if matches!(lane.phase, Phase::Running(_)) => {
                Some(*silence)
            }
            TurnNotice::Stalled(_) => return,
            TurnNotice::Retrying(_)
            | TurnNotice::Denied(_)
            | TurnNotice::Silent(_)
            | TurnNotice::FilesLeftOut(_)
            | TurnNotice::Live(_)
            | TurnNotice::Doing(_)
            | TurnNotice::Adopted
            | TurnNotice::Absorbed(_)
            | TurnNotice::Outdated => None,
        };
        if lane.told.len() < MAX_NOTICES && lane.told.insert(topic.clone()) {
            let text = wording::notice(notice, patience_key(id));
            if is_progress {
                self.notify_progress(id, run.turn, &topic, &text);
            } else {
                self.notify_for(id, &topic, &text);
            }
        }
        if let Some(silence) = stalled {
            self.stop(id, run, StopReason::Stalled(silence));
        }
    }

    pub(super) fn turn_ended(&mut self, id: &ConversationId, run: RunId, end: RunEnd) {
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        let Some(run) = lane.run(run).cloned() else {
            return;
        };
        let stop = match &lane.phase {
            Phase::Stopping(_, reason) => Some(*reason),
            Phase::Running(_)
            | Phase::Cold
            | Phase::Warm { .. }
            | Phase::Preparing { .. }
            | Phase::Closing { .. } => None,
        };
        let session = run.session;
        let ready = matches!(
            &end,
            RunEnd::Reported { result, .. }
                if !matches!(result, Err(failure) if failure.kind == FailureKind::Exited)
        ) || end == RunEnd::InterruptedBefore;
        let since = self.now;
        self.set_phase(
            id,
            if ready {
                Phase::Warm { session, since }
            } else {
                Phase::Closing { session }
            },
        );
        let cost = end.cost();
        self.spend(id, &run, cost);
        if let RunEnd::Reported { covers, .. } = &end
            && ready
        {
            self.absorb_covered(id, run.turn, covers);
        }
        if stop == Some(StopReason::Asked) {
            self.stopped_end(id, &run, end, ready);
            return self.warn_of_budgets(id, &run, cost);
        }
        match end {
            RunEnd::Reported {
                result,
                usage,
                seq,
                results,
                ..
            } => {
                match result {
                    Ok(answer) => self.finish(id, run.turn, Ok(answer), usage),
                    Err(failure) => self.reported_failure(id, &run, stop, failure, usage),
                }
                self.post_results(id, run.turn, results);
                if ready {
                    self.effect(Effect::Acknowledge { session, seq });
                }
            }
            RunEnd::InterruptedBefore => match stop {
                Some(StopReason::TimedOut) => self.fail(id, run.turn, timed_out()),
                Some(StopReason::Stalled(silence)) => {
                    self.cut_off(id, &run, &stalled(id, silence), true);
                }
                Some(StopReason::Asked) | None => self.cut_off(id, &run, &interrupted(), true),
            },
            // It may be a worktree that somebody took away: where it was made, it is made again.
            RunEnd::DirectoryMissing if !id.root.is_aside() && self.prepares_again(id) => {}
            RunEnd::DirectoryMissing => {
                let session = self.conversation(id).and_then(|c| c.session.as_ref());
                let directory = session.map_or("the directory", |session| &session.directory);
                let message = wording::directory_missing(directory);
                let failure = TurnFailure::new(FailureKind::Unavailable, message);
                self.fail(id, run.turn, failure);
            }
            RunEnd::SessionLost => self.session_lost(id, run.turn),
            RunEnd::Unavailable(message) => {
                let failure = TurnFailure::new(FailureKind::Unavailable, message);
                self.fail(id, run.turn, failure);
            }
            RunEnd::NotSubmitted => match stop {
                Some(StopReason::TimedOut) => self.fail(id, run.turn, timed_out()),
                Some(StopReason::Stalled(silence)) => {
                    self.survives(id, run.turn, &stalled(id, silence).message);
                }
                Some(StopReason::Asked) | None => {
                    self.survives(id, run.turn, "it took no message");
                }
            },
        }
        self.warn_of_budgets(id, &run, cost);
        self.settle_lane(id);
    }

    /// The run has ended of a turn that a person stopped, which was said already.
    fn stopped_end(&mut self, id: &ConversationId, run: &Run, end: RunEnd, ready: bool) {
        self.settle_absorbed(id, Status::Stopped);
        if let RunEnd::Reported {
            seq,
            partial,
            results,
            ..
        } = end
        {
            self.post_partial(id, run.turn, partial.as_ref());
            self.post_results(id, run.turn, results);
            if ready {
                let session = run.session;
                self.effect(Effect::Acknowledge { session, seq });
            }
        }
        self.release_slot(id);
        self.settle_lane(id);
    }

    /// The agent knows nothing of the session that a turn was to go on with: it begins another one. A
    /// side question is about that session, and ends.
    fn session_lost(&mut self, id: &ConversationId, turn: TurnId) {
        if id.root.is_aside() {
            let message = wording::forks::nothing_to_ask_about();
            let failure = TurnFailure::new(FailureKind::Unavailable, message);
            return self.fail(id, turn, failure);
        }
        if self.survives(id, turn, "no session could be started") {
            self.record(Record::SessionUnbound {
                conversation: id.clone(),
                reason: UnboundReason::Lost,
            });
        }
    }

    /// What becomes of a turn whose agent reports a failure.
    fn reported_failure(
        &mut self,
        id: &ConversationId,
        run: &Run,
        stop: Option<StopReason>,
        failure: TurnFailure,
        usage: Usage,
    ) {
        match (failure.kind, stop) {
            (_, Some(StopReason::TimedOut)) => self.finish(id, run.turn, Err(timed_out()), usage),
            (FailureKind::UsageLimit, _) => self.park_until_reset(id, run.turn, failure.resets_at),
            (FailureKind::Exited, _) => {
                let message = match stop {
                    Some(StopReason::Stalled(silence)) => stalled(id, silence).message,
                    Some(StopReason::TimedOut | StopReason::Asked) | None => {
                        wording::process_ended(&failure.message)
                    }
                };
                self.survives(id, run.turn, &message);
            }
            (FailureKind::Interrupted, Some(StopReason::Stalled(silence))) => {
                let idle = !self.has_steered(id);
                self.cut_off(id, run, &stalled(id, silence), idle);
            }
            _ => self.finish(id, run.turn, Err(failure), usage),
        }
    }

    /// What becomes of a turn that was cut off, whose agent is ready and knows how far it came. One
    /// that is not `idle` may go on by itself with what was handed to it.
    fn cut_off(&mut self, id: &ConversationId, run: &Run, why: &TurnFailure, idle: bool) {
        if !run.makes_up && !self.survives(id, run.turn, &why.message) {
            return;
        }
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        if running.is_some_and(RunningTurn::asks_people) {
            // It goes on with what people say.
            if let Some(lane) = self.lanes.get_mut(id) {
                lane.makes_up = true;
            }
            return self.release_slot(id);
        }
        match self.lanes.get(id).map(|lane| lane.project.on_interrupted) {
            Some(OnInterrupted::Resume) => {
                self.record_start(id, run.turn, run.attempt + 1, true);
                if idle && self.fits(id) {
                    self.submit(id, Submit::Next);
                } else {
                    // It goes on once another agent can be started.
                    self.close(id);
                }
            }
            Some(OnInterrupted::Ask) => self.park_until_told(id, run.turn),
            Some(OnInterrupted::Report) | None => self.fail(id, run.turn, why.clone()),
        }
    }

    pub(super) fn session_closed(&mut self, id: &ConversationId, session: SessionId) {
        let Some(lane) = self.lanes.get(id) else {
            return;
        };
        if lane.session() != Some(session) {
            return;
        }
        let cut_off = match &lane.phase {
            Phase::Running(run) => Some((run.turn, None)),
            Phase::Stopping(run, reason) => Some((run.turn, Some(*reason))),
            Phase::Cold | Phase::Warm { .. } | Phase::Preparing { .. } | Phase::Closing { .. } => {
                None
            }
        };
        self.set_phase(id, Phase::Cold);
        match cut_off {
            Some((turn, Some(StopReason::TimedOut))) => self.fail(id, turn, timed_out()),
            Some((turn, Some(StopReason::Stalled(silence)))) => {
                self.survives(id, turn, &stalled(id, silence).message);
            }
            Some((turn, None)) => {
                self.survives(id, turn, &wording::process_ended(""));
            }
            Some((_, Some(StopReason::Asked))) | None => {}
        }
        let held = self
            .lanes
            .get(id)
            .is_some_and(|lane| lane.slot == Slot::Held);
        let runs_on = self
            .conversation(id)
            .is_some_and(|conversation| conversation.running.is_some());
        if held && runs_on && !self.draining && self.has_work(id) {
            self.start(id);
        } else if held {
            self.release_slot(id);
        }
        self.settle_lane(id);
    }

    /// Ends a running turn without an answer, before it took anything.
    pub(super) fn fail(&mut self, id: &ConversationId, turn: TurnId, failure: TurnFailure) {
        self.finish(id, turn, Err(failure), Usage::default());
    }

    /// Counts that a turn's agent was cut off. Once too often ends the turn; else it goes on.
    fn survives(&mut self, id: &ConversationId, turn: TurnId, why: &str) -> bool {
        self.record(Record::TurnSetBack {
            conversation: id.clone(),
            turn,
        });
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.makes_up = true;
        }
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let setbacks = running.map_or(0, |running| running.setbacks);
        if setbacks < MAX_ATTEMPTS {
            return true;
        }
        let failure = TurnFailure::new(FailureKind::Exhausted, wording::exhausted(setbacks, why));
        self.fail(id, turn, failure);
        false
    }

    /// Ends a running turn for good, and says so in its thread.
    pub(super) fn finish(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        result: Result<String, TurnFailure>,
        usage: Usage,
    ) {
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let Some(running) = running.filter(|running| running.turn.id == turn) else {
            return;
        };
        let queued = running.turn.clone();
        let began = running.started_at;
        let adopted = self.lanes.get(id).is_some_and(|lane| lane.adopted);
        let went_on = match (running.continues, adopted) {
            (true, _) => Some(wording::resumed()),
            (false, true) => Some(wording::adopted()),
            (false, false) => None,
        };
        let (outcome, mut status) = match &result {
            Ok(_) => (TurnOutcome::Answered, Status::Done),
            Err(failure) => (TurnOutcome::Failed(failure.clone()), Status::Failed),
        };
        let open = self.open_asks(id);
        self.record(Record::TurnEnded {
            conversation: id.clone(),
            turn,
            outcome: outcome.clone(),
            usage,
            at: self.now,
        });
        self.takes_over_no_more(id);
        self.end_asks(id, &open);
        let said = result.as_ref().map_or("", String::as_str);
        let calls = self.calls(id, &queued, began, said);
        match result {
            Ok(answer) => {
                let Titled { title, text } = titled(&answer);
                if let Some(title) = title.filter(|_| !id.root.is_aside()) {
                    self.rename(&id.root, title);
                }
                let text = match text.trim() {
                    "" => wording::empty_answer(),
                    text => text,
                };
                let aside = id.root.is_aside().then(wording::forks::aside);
                let heads = aside.into_iter().chain(went_on);
                let parts: Vec<&str> = heads.chain([text]).collect();
                let answer = parts.join("\n\n");
                let kind = PostKind::Answer {
                    turn,
                    agent: id.agent.clone(),
                };
                self.post_turn(id, turn, &kind, &answer, calls);
                self.hand_over(id, &queued, text);
            }
            Err(failure) => {
                let lane = self.lanes.get(id).map(|lane| &lane.project);
                let text = match lane.or_else(|| self.project_of(&id.root.channel)) {
                    Some(project) => wording::failure(&failure, project),
                    None => failure.message,
                };
                self.post_turn(id, turn, &PostKind::Failure { turn }, &text, calls);
                // The agent that waits for it makes something of that, too.
                if self.join(&id.root, &queued, &wording::no_answer(&text)) {
                    status = Status::Done;
                }
            }
        }
        self.end_live(id, turn, began, &outcome, &usage);
        self.set_status(&id.root, &queued.cause, status);
        self.settle_absorbed(id, status);
        self.release_slot(id);
    }
}

impl Gateway {
    /// Shows what became of a message, once nobody works on it any more; a failure at once.
    pub(super) fn set_status(&mut self, root: &RootId, cause: &MessageRef, status: Status) {
        let failed = status == Status::Failed;
        if self.works_on(root, cause) {
            if !failed || !self.failing.insert(cause.clone()) {
                return;
            }
        } else if self.failing.remove(cause) {
            // It shows already.
            return;
        }
        self.effect(Effect::SetStatus {
            message: cause.clone(),
            status,
        });
    }

    /// Whom the end of a turn calls: who asked, if it took long and nobody goes on with it.
    fn calls(
        &self,
        id: &ConversationId,
        turn: &QueuedTurn,
        began: Timestamp,
        answer: &str,
    ) -> Option<UserId> {
        let lane = self.lanes.get(id).map(|lane| &lane.project);
        let project = lane.or_else(|| self.project_of(&id.root.channel))?;
        let long = project.notify_after;
        let took_long = !long.is_zero() && self.ran_since(began) >= long;
        let goes_on = || self.works_on(&id.root, &turn.cause) || self.hands_on(id, turn, answer);
        (took_long && !goes_on()).then(|| turn.author.clone())
    }

    fn works_on(&self, root: &RootId, cause: &MessageRef) -> bool {
        let conversations = self
            .thread(root)
            .map(|thread| thread.conversations.values());
        conversations.into_iter().flatten().any(|conversation| {
            let running = conversation.running.as_deref().map(|running| &running.turn);
            let mut turns = running.into_iter().chain(&conversation.queue);
            turns.any(|turn| turn.cause == *cause)
        })
    }
}

fn timed_out() -> TurnFailure {
    TurnFailure::new(FailureKind::TimedOut, "")
}

fn stalled(id: &ConversationId, silence: Duration) -> TurnFailure {
    let message = wording::no_sign_of_life(silence, patience_key(id));
    TurnFailure::new(FailureKind::Stalled, message)
}

/// The setting that says how long the agent of a conversation may show no sign of life.
fn patience_key(id: &ConversationId) -> &'static str {
    match id.agent {
        Some(_) => "agent-timeout",
        None => "stall-limit",
    }
}

fn interrupted() -> TurnFailure {
    TurnFailure::new(FailureKind::Interrupted, wording::was_interrupted())
}
