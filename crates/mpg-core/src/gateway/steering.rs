//! Messages that arrive while a turn runs: they wait, are handed to it, or end it.
//!
//! What is handed over stays in the queue until the run's end tells whether it was taken in. Its
//! submission is that of its own first attempt, so that nothing is asked twice: an agent that did not
//! take it in runs it next, under the same id, as the turn that it then is.

use super::Gateway;
use super::lane::{Phase, Run};
use super::submission::files_of;
use crate::config::WhileBusy;
use crate::event::{Effect, Steer};
use crate::id::{ConversationId, SubmitId, TurnId};
use crate::port::Submission;
use crate::post::{PostKind, Status};
use crate::record::Record;
use crate::snapshot::{Conversation, QueuedTurn};
use crate::{agent, wording};

/// How many messages may be with an agent that has not taken them in; more wait.
const MAX_STEERED: usize = 16;

impl Gateway {
    /// Does with a running turn what a message asks for that just came in behind it.
    pub(super) fn while_busy(&mut self, id: &ConversationId) {
        let Some(run) = self.running(id) else {
            return;
        };
        let project = self.project_of(&id.root.channel);
        match project.map_or(WhileBusy::Queue, |project| project.while_busy) {
            WhileBusy::Queue => {}
            WhileBusy::Steer => self.steer(id, &run),
            WhileBusy::Interrupt => {
                self.stop_turn(id);
            }
        }
    }

    fn running(&self, id: &ConversationId) -> Option<Run> {
        match &self.lanes.get(id)?.phase {
            Phase::Running(run) => Some(run.clone()),
            Phase::Stopping(..)
            | Phase::Cold
            | Phase::Warm { .. }
            | Phase::Preparing { .. }
            | Phase::Closing { .. } => None,
        }
    }

    /// Hands what people wrote to the running turn, in the order in which they did.
    fn steer(&mut self, id: &ConversationId, run: &Run) {
        if !self.fits(id) {
            return;
        }
        let Some(conversation) = self.conversation(id) else {
            return;
        };
        let room = MAX_STEERED.saturating_sub(conversation.steered.len());
        let next = |turn: &&QueuedTurn| turn.origin.is_person() && !is_command(&turn.prompt);
        let waiting = conversation.queue.iter();
        let waiting = waiting.filter(|turn| !conversation.steered.contains(&turn.id));
        let turns: Vec<TurnId> = waiting
            .take_while(next)
            .map(|turn| turn.id)
            .take(room)
            .collect();
        for turn in turns {
            self.record(Record::TurnSteered {
                conversation: id.clone(),
                turn,
            });
            self.hand(id, run, turn, false);
        }
    }

    /// Hands everything to a run that may have been handed to the session before.
    pub(super) fn steer_again(&mut self, id: &ConversationId) {
        let Some(run) = self.running(id) else {
            return;
        };
        for turn in self.steered(id) {
            self.hand(id, &run, turn, true);
        }
    }

    fn hand(&mut self, id: &ConversationId, run: &Run, turn: TurnId, repeat: bool) {
        let waiting = self.conversation(id).map(|c| &c.queue);
        let queued = waiting.and_then(|queue| queue.iter().find(|queued| queued.id == turn));
        let (Some(queued), Some(lane)) = (queued, self.lanes.get(id)) else {
            return;
        };
        let steer = Steer {
            conversation: id.clone(),
            session: run.session,
            run: run.id,
            turn,
            submission: Submission {
                id: submit_of(turn),
                prompt: queued.prompt.clone(),
                images: Vec::new(),
                repeat,
            },
            files: files_of(&lane.project, queued),
        };
        self.effect(Effect::Steer(Box::new(steer)));
    }

    /// What the session's agent may have of what waits.
    fn steered(&self, id: &ConversationId) -> Vec<TurnId> {
        let Some(conversation) = self.conversation(id) else {
            return Vec::new();
        };
        let queue = conversation.queue.iter().map(|queued| queued.id);
        queue
            .filter(|turn| conversation.steered.contains(turn))
            .collect()
    }

    /// Whether the agent of a conversation may go on by itself with what was handed to it.
    pub(super) fn has_steered(&self, id: &ConversationId) -> bool {
        let conversation = self.conversation(id);
        conversation.is_some_and(Conversation::has_steered)
    }

    /// Counts as taken in what the end of a run covers.
    pub(super) fn absorb_covered(&mut self, id: &ConversationId, by: TurnId, covers: &[SubmitId]) {
        for turn in self.steered(id) {
            if covers.contains(&submit_of(turn)) {
                self.absorb(id, by, turn);
            }
        }
    }

    /// Counts a message as taken in by the turn that runs.
    pub(super) fn absorb(&mut self, id: &ConversationId, by: TurnId, turn: TurnId) {
        let waiting = self.conversation(id).map(|c| &c.queue);
        let queued = waiting.and_then(|queue| queue.iter().find(|queued| queued.id == turn));
        let Some(cause) = queued.map(|queued| queued.cause.clone()) else {
            return;
        };
        self.record(Record::TurnAbsorbed {
            conversation: id.clone(),
            turn,
            by,
            at: self.now,
        });
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.absorbed.push(cause);
        }
    }

    /// Shows what became of a turn on the messages that it took in, too.
    pub(super) fn settle_absorbed(&mut self, id: &ConversationId, status: Status) {
        let absorbed = self.lanes.get_mut(id);
        let absorbed = absorbed.map_or_else(Vec::new, |lane| std::mem::take(&mut lane.absorbed));
        for cause in absorbed {
            self.set_status(&id.root, &cause, status);
        }
    }

    /// Drops what waits, and has the agent forget it where it may have it.
    pub(super) fn drop_queued(&mut self, id: &ConversationId, turn: TurnId) {
        let conversation = self.conversation(id);
        let steered = conversation.is_some_and(|c| c.steered.contains(&turn));
        let session = self.lanes.get(id).and_then(super::Lane::session);
        self.record(Record::QueuedDropped {
            conversation: id.clone(),
            turn,
        });
        if !self.owes_a_run(id) {
            self.takes_over_no_more(id);
        }
        if let (true, Some(session)) = (steered, session) {
            let submit = submit_of(turn);
            self.effect(Effect::Withdraw { session, submit });
        }
    }

    /// Tells what a stopped turn did until then.
    pub(super) fn post_partial(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        partial: Option<&agent::Partial>,
    ) {
        if let Some(partial) = partial {
            let text = wording::partial(partial);
            self.post_turn(id, turn, &PostKind::Failure { turn }, &text, None);
        }
    }
}

/// The submission of a message that is handed over: that of its own first attempt.
fn submit_of(turn: TurnId) -> SubmitId {
    SubmitId::of_attempt(turn, 1)
}

/// Whether a text is a command of the agent itself, which no turn takes in.
pub(super) fn is_command(prompt: &str) -> bool {
    prompt.trim_start().starts_with('/')
}
