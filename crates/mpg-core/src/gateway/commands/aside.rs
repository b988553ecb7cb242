//! `!btw`: a side question about the conversation so far, in a session of its own.

use crate::event::Effect;
use crate::gateway::Gateway;
use crate::id::{ConversationId, RootId, SessionId, TurnId};
use crate::message::Message;
use crate::post::Status;
use crate::record::Record;
use crate::snapshot::{Origin, QueuedTurn, Session};
use crate::wording::{self, choices as words, forks};

/// How many side questions of one place may be without an answer.
const MOST_ASKED: usize = 4;

impl Gateway {
    /// Asks the agent that is spoken to in a thread something aside. Its answer is the reply.
    pub(super) fn ask_aside(&mut self, question: &str, message: &Message) -> Result<(), String> {
        let from = self.spoken_to(message)?;
        let session = self.conversation(&from).and_then(|c| c.session.clone());
        let session = session.ok_or_else(|| wording::no_session("here"))?;
        let asides = self.asides_in(&message.place);
        let asked = asides.iter().filter(|root| self.is_asked_aside(root));
        if asked.count() >= MOST_ASKED {
            return Err(forks::too_many_asides(MOST_ASKED));
        }
        let cause = message.reference();
        let root = RootId::of_aside(cause.place.channel.clone(), cause.message.clone());
        let id = ConversationId {
            root: root.clone(),
            agent: from.agent.clone(),
        };
        let turn = TurnId::of_message(self.state.installation, &cause, id.agent.as_ref());
        self.bind(&root, cause.place.clone());
        self.record(Record::TurnQueued {
            conversation: id.clone(),
            turn: QueuedTurn {
                id: turn,
                cause: cause.clone(),
                author: message.author.id.clone(),
                prompt: question.to_owned(),
                attachments: Vec::new(),
                at: self.now,
                origin: Origin::Person,
            },
        });
        self.choose_like(&id, &from);
        self.record(Record::SessionBound {
            conversation: id.clone(),
            session: Session {
                id: SessionId::of_turn(turn, 1),
                directory: session.directory,
                answered: false,
                allowed: Vec::new(),
                forked_from: Some(session.id),
            },
        });
        self.effect(Effect::SetStatus {
            message: cause,
            status: Status::Received,
        });
        self.want_slot(&id);
        Ok(())
    }

    /// The conversation that a message in a thread is for which names no agent.
    pub(super) fn spoken_to(&self, message: &Message) -> Result<ConversationId, String> {
        if self.in_this_thread(message).is_none() {
            return Err(words::in_a_thread());
        }
        let root = self.bound_root(&message.place);
        let thread = root.and_then(|root| Some((self.thread(&root)?, root)));
        let (thread, root) = thread.ok_or_else(|| wording::no_session("here"))?;
        let agent = thread.spoken_to().cloned();
        Ok(ConversationId {
            root: root.clone(),
            agent,
        })
    }

    fn is_asked_aside(&self, root: &RootId) -> bool {
        let conversations = self.thread(root).map(|thread| &thread.conversations);
        let mut conversations = conversations.into_iter().flatten();
        conversations.any(|(_, c)| c.running.is_some() || !c.queue.is_empty())
    }
}
