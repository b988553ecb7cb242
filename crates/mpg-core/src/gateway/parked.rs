//! Turns that no slot helps: they wait for the end of a usage limit, for somebody's word, or for
//! another start of the gateway.

use std::time::Duration;

use jiff::Timestamp;

use super::commands::where_to;
use super::{Gateway, after};
use crate::agent::{FailureKind, TurnFailure};
use crate::command::Scope;
use crate::event::Effect;
use crate::id::{ConversationId, TurnId};
use crate::post::Status;
use crate::record::{ParkReason, Record};
use crate::snapshot::{Parked, RunningTurn};
use crate::wording;

/// How long a turn waits for the first time where the agent does not say when its limit ends. Each
/// further wait of the same turn is twice as long.
const FIRST_WAIT: Duration = Duration::from_mins(15);

/// How long such a wait gets.
const LONGEST_WAIT: Duration = Duration::from_hours(2);

/// An end that is further away is no end that anybody meant: limits last a week, or a month.
const FURTHEST_RESET: Duration = Duration::from_hours(32 * 24);

impl Gateway {
    /// Lets a turn wait until its agent may go on. Its slot is given back.
    pub(super) fn park_until_reset(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        resets_at: Option<Timestamp>,
    ) {
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let waits = running.map_or(0, |running| running.waits);
        let said = resets_at.filter(|at| *at > self.now && *at <= after(self.now, FURTHEST_RESET));
        let until = said.unwrap_or_else(|| after(self.now, wait(waits)));
        self.park(id, turn, ParkReason::UsageLimit, Some(until));
        let text = wording::usage_limit(until, self.now, said.is_some());
        self.notify_for(id, &format!("limit {turn} {waits}"), &text);
    }

    /// Lets a turn that was cut off wait until somebody says what becomes of it.
    pub(super) fn park_until_told(&mut self, id: &ConversationId, turn: TurnId) {
        self.park(id, turn, ParkReason::Interrupted, None);
        let topic = format!("interrupted {turn}");
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        if let Some(author) = running.map(|running| running.turn.author.clone()) {
            self.call(id, author, &topic, wording::asks_whether_to_resume());
        }
    }

    pub(super) fn park(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        reason: ParkReason,
        until: Option<Timestamp>,
    ) {
        self.record(Record::TurnParked {
            conversation: id.clone(),
            turn,
            reason,
            until,
            at: self.now,
        });
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        if let Some(message) = running.map(|running| running.turn.cause.clone()) {
            self.effect(Effect::SetStatus {
                message,
                status: Status::Received,
            });
        }
        self.pause_live(id, turn, reason);
        self.release_slot(id);
        if self.has_steered(id) {
            // Its agent may go on by itself with what was handed to it.
            self.close(id);
        }
    }

    /// A new message takes the place of a turn that waits for somebody's word.
    pub(super) fn give_way(&mut self, id: &ConversationId) {
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let Some(running) = running else {
            return;
        };
        let reason = running.parked.map(|parked| parked.reason);
        if reason == Some(ParkReason::Interrupted) {
            let turn = running.turn.id;
            let failure = TurnFailure::new(FailureKind::Interrupted, wording::gave_way());
            self.fail(id, turn, failure);
        }
    }

    /// Somebody says that what waits goes on.
    pub(super) fn resume(&mut self, ids: &[ConversationId], scope: &Scope) -> String {
        let mut resumed = 0;
        let mut held_back = false;
        for id in ids {
            let running = self.conversation(id).and_then(|c| c.running.as_deref());
            if running.is_some_and(RunningTurn::is_held_back) {
                held_back = true;
                continue;
            }
            let waiting = running.and_then(|running| Some((running.turn.id, running.parked?)));
            let Some((turn, parked)) = waiting.filter(|(_, parked)| !self.is_due(*parked)) else {
                continue;
            };
            self.record(Record::TurnParked {
                conversation: id.clone(),
                turn,
                reason: parked.reason,
                until: Some(self.now),
                at: self.now,
            });
            self.want_slot(id);
            resumed += 1;
        }
        match resumed {
            0 if held_back => wording::budget::cannot_resume().to_owned(),
            0 => wording::nothing_to_resume(&where_to(scope)),
            resumed => wording::going_on(resumed),
        }
    }

    /// Whether a parked turn may go on by now.
    pub(super) fn is_due(&self, parked: Parked) -> bool {
        parked.until.is_some_and(|until| until <= self.now)
    }

    /// Puts what may go on in line for a slot.
    pub(super) fn wake_parked(&mut self) {
        while let Some((at, id)) = self.parked.first().cloned()
            && at <= self.now
        {
            self.parked.remove(&(at, id.clone()));
            self.want_slot(&id);
        }
    }

    /// When the turn that a record is about goes on by itself.
    pub(super) fn wakes(&self, record: &Record) -> Option<(Timestamp, ConversationId)> {
        let (Record::TurnParked { conversation, .. }
        | Record::TurnStarted { conversation, .. }
        | Record::TurnEnded { conversation, .. }) = record
        else {
            return None;
        };
        let parked = self
            .conversation(conversation)?
            .running
            .as_deref()?
            .parked?;
        Some((parked.until?, conversation.clone()))
    }

    /// Tells the threads in which something waits that it waits for another start of the gateway:
    /// once, however many starts it takes.
    pub(super) fn tell_waiting(&mut self) {
        let mut waiting = Vec::new();
        for (root, thread) in &self.state.threads {
            for (agent, conversation) in &thread.conversations {
                let last = conversation.queue.back().map(|turn| turn.id);
                if let Some(turn) = last.filter(|_| conversation.told != last) {
                    let id = ConversationId {
                        root: root.clone(),
                        agent: agent.clone(),
                    };
                    waiting.push((id, turn));
                }
            }
        }
        let mut told = None;
        for (id, turn) in waiting {
            if told.as_ref() != Some(&id.root) {
                self.notify(&id.root, "waits for a start", wording::waits_for_a_start());
                told = Some(id.root.clone());
            }
            self.record(Record::WaitTold {
                conversation: id,
                turn,
            });
        }
    }
}

/// How long a turn waits that has waited so often before.
fn wait(waits: u32) -> Duration {
    let longer = 2_u32.saturating_pow(waits);
    FIRST_WAIT.saturating_mul(longer).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let minutes = [0, 1, 2, 3, 4, u32::MAX].map(|waits| wait(waits).as_secs() / 60);
        assert_eq!(minutes, [15, 30, 60, 120, 120, 120]);
    }
}
