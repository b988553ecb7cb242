//! `!queue`: what waits, and how it is taken back.

use crate::command::Queue;
use crate::gateway::Gateway;
use crate::id::ConversationId;
use crate::message::Message;
use crate::post::Status;
use crate::snapshot::QueuedTurn;
use crate::wording::{self, work};

impl Gateway {
    pub(super) fn queue(
        &mut self,
        what: Queue,
        ids: &[ConversationId],
        message: &Message,
    ) -> String {
        let waiting = self.waiting_in(ids);
        match what {
            Queue::Show => {
                let in_thread = message.place.thread.is_some();
                work::queue(&waiting, in_thread, |user| self.name_of(user), self.now)
            }
            Queue::Clear => {
                let dropped = waiting.len();
                for (id, turn) in &waiting {
                    self.take_back(id, turn);
                }
                work::cleared(dropped)
            }
            Queue::Drop(number) => match number.checked_sub(1).and_then(|at| waiting.get(at)) {
                Some((id, turn)) => {
                    self.take_back(id, turn);
                    work::dropped(turn, &self.name_of(&turn.author))
                }
                None => work::no_such_number(number, waiting.len()),
            },
        }
    }

    /// What waits in conversations, oldest first.
    fn waiting_in(&self, ids: &[ConversationId]) -> Vec<(ConversationId, QueuedTurn)> {
        let mut waiting: Vec<_> = ids
            .iter()
            .filter_map(|id| Some((id, self.conversation(id)?)))
            .flat_map(|(id, conversation)| {
                let queue = conversation.queue.iter().cloned();
                queue.map(|turn| (id.clone(), turn))
            })
            .collect();
        waiting.sort_by_key(|(_, turn)| turn.at);
        waiting
    }

    fn take_back(&mut self, id: &ConversationId, turn: &QueuedTurn) {
        self.drop_queued(id, turn.id);
        self.set_status(&id.root, &turn.cause, Status::Stopped);
        let answer = wording::no_answer(wording::stopped_turn());
        self.join(&id.root, turn, &answer);
    }
}
