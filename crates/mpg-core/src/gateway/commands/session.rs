//! `!compact`, `!context` and `!usage`: what agents are asked about their sessions, as turns.

use crate::agent::SessionCommand;
use crate::gateway::Gateway;
use crate::id::{ConversationId, TurnId};
use crate::message::Message;
use crate::record::Record;
use crate::route::{MAX_QUEUED, RefuseReason};
use crate::snapshot::{Origin, QueuedTurn};
use crate::wording::{self, choices as words};

impl Gateway {
    /// Asks each agent of a thread that has a session; what each says is posted like any answer.
    pub(super) fn ask_sessions(&mut self, command: &SessionCommand, message: &Message) -> String {
        let Some(ids) = self.in_this_thread(message) else {
            return words::in_a_thread();
        };
        let (mut asked, mut full) = (0, false);
        for id in ids {
            let Some(conversation) = self.conversation(&id) else {
                continue;
            };
            if conversation.session.is_none() {
                continue;
            }
            if conversation.queue.len() >= MAX_QUEUED {
                full = true;
                continue;
            }
            self.queue_session_command(&id, command, message);
            asked += 1;
        }
        match (asked, full) {
            (0, true) => wording::refusal(RefuseReason::QueueFull),
            (0, false) => wording::no_session("here"),
            (asked, _) => words::asked(asked),
        }
    }

    fn queue_session_command(
        &mut self,
        id: &ConversationId,
        command: &SessionCommand,
        message: &Message,
    ) {
        let cause = message.reference();
        self.record(Record::TurnQueued {
            conversation: id.clone(),
            turn: QueuedTurn {
                id: TurnId::of_message(self.state.installation, &cause, id.agent.as_ref()),
                cause,
                author: message.author.id.clone(),
                prompt: command.prompt(),
                attachments: Vec::new(),
                at: self.now,
                origin: Origin::Person,
            },
        });
        self.want_slot(id);
    }
}
