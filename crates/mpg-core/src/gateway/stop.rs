//! Stopping what runs because a person says so.

use std::collections::BTreeSet;

use super::Gateway;
use super::commands::where_to;
use super::lane::{Phase, StopReason};
use crate::agent::Usage;
use crate::command::Scope;
use crate::id::{ConversationId, RootId};
use crate::post::Status;
use crate::record::{Record, TurnOutcome};
use crate::snapshot::Conversation;
use crate::wording;

impl Gateway {
    /// Ends the running turns of conversations and what agents handed over in their threads.
    /// Sessions stay, and so does what people wrote and has not begun.
    pub(super) fn stop_turns(&mut self, ids: &[ConversationId], scope: &Scope) -> String {
        let roots: BTreeSet<RootId> = ids.iter().map(|id| id.root.clone()).collect();
        let mut stopped = 0;
        for root in &roots {
            stopped += self.end_chain(root);
        }
        for id in ids {
            stopped += usize::from(self.stop_turn(id));
        }
        if stopped == 0 {
            return wording::nothing_to_stop(&where_to(scope));
        }
        let queues = ids.iter().filter_map(|id| self.conversation(id));
        wording::stopped(stopped, queues.map(|c| c.queue.len()).sum())
    }

    /// The turn has ended with this, whatever its agent makes of it: a gateway that dies now does not
    /// begin it again.
    pub(super) fn stop_turn(&mut self, id: &ConversationId) -> bool {
        let phase = self.lanes.get(id).map(|lane| lane.phase.clone());
        if let Some(Phase::Preparing { turn }) = phase {
            let waiting = self.conversation(id).and_then(Conversation::next);
            let waiting = waiting.filter(|waiting| waiting.id == turn);
            if let Some(cause) = waiting.map(|waiting| waiting.cause.clone()) {
                self.record(Record::QueuedDropped {
                    conversation: id.clone(),
                    turn,
                });
                self.set_status(&id.root, &cause, Status::Stopped);
            }
            self.cut_running(id, TurnOutcome::Stopped, Usage::default());
            self.close(id);
            return true;
        }
        if self.conversation(id).is_none_or(|c| c.running.is_none()) {
            return false;
        }
        self.cut_running(id, TurnOutcome::Stopped, Usage::default());
        match phase {
            Some(Phase::Running(run)) => self.stop(id, run, StopReason::Asked),
            Some(Phase::Stopping(run, _)) => {
                self.set_phase(id, Phase::Stopping(run, StopReason::Asked));
            }
            Some(
                Phase::Cold | Phase::Warm { .. } | Phase::Preparing { .. } | Phase::Closing { .. },
            )
            | None => {
                self.release_slot(id);
                self.settle_lane(id);
            }
        }
        true
    }
}
