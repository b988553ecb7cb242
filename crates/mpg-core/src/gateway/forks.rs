//! Conversations that begin with what another one said so far: side questions, and threads that go on
//! beside the one that they come from.

use std::collections::BTreeSet;

use super::Gateway;
use crate::agent::Choices;
use crate::audit::Actor;
use crate::event::Effect;
use crate::id::{ConversationId, MessageId, MessageRef, Place, Root, RootId, TurnId};
use crate::post::{Fork, Post, PostKind, Status};
use crate::record::{Record, UnboundReason};
use crate::snapshot::{Origin, QueuedTurn};
use crate::wording::forks;

impl Gateway {
    /// The side questions that were asked in a place.
    pub(super) fn asides_in(&self, place: &Place) -> BTreeSet<RootId> {
        let first = RootId {
            channel: place.channel.clone(),
            root: Root::Aside(MessageId::new("")),
        };
        // Of what a channel has, side questions come last.
        let threads = self.state.threads.range(first..);
        threads
            .take_while(|(root, _)| root.channel == place.channel)
            .filter(|(_, thread)| thread.place.as_ref() == Some(place))
            .map(|(root, _)| root.clone())
            .collect()
    }

    /// The threads whose posts stand in a place: the one that it leads to, and side questions.
    pub(super) fn roots_at(&self, place: &Place) -> Vec<RootId> {
        let own = self.bound_root(place).into_iter();
        own.chain(self.asides_in(place)).collect()
    }

    /// Whether a conversation is a side question that nothing more is to be done about.
    pub(super) fn is_done_aside(&self, id: &ConversationId) -> bool {
        let conversation = self.conversation(id).filter(|_| id.root.is_aside());
        conversation.is_some_and(|c| c.running.is_none() && c.queue.is_empty())
    }

    /// What follows in the same commit from the end of a side question: nobody goes on with its
    /// session.
    pub(super) fn ends_aside(&self, record: &Record) -> Option<Record> {
        let (Record::TurnEnded { conversation, .. } | Record::QueuedDropped { conversation, .. }) =
            record
        else {
            return None;
        };
        let session = self.conversation(conversation)?.session.as_ref();
        let ends = session.is_some() && self.is_done_aside(conversation);
        ends.then(|| Record::SessionUnbound {
            conversation: conversation.clone(),
            reason: UnboundReason::Done,
        })
    }

    /// What a thread is to grow from is on its platform: the fork begins.
    pub(super) fn forked(&mut self, place: &Place, post: &Post, message: MessageId) {
        let PostKind::Fork(fork) = &post.kind else {
            return;
        };
        let reference = MessageRef {
            place: place.clone(),
            message: message.clone(),
        };
        if self.project_of(&place.channel).is_none() {
            return;
        }
        self.acting = Actor::Person {
            platform: place.channel.platform.clone(),
            id: fork.author.clone(),
            name: self.name_of(&fork.author),
        };
        // That the post was seen is not noted: what people wrote before it may not have been read yet.
        let root = RootId::of_message(place.channel.clone(), message);
        let id = ConversationId {
            root: root.clone(),
            agent: fork.agent.clone(),
        };
        self.record(Record::ConversationForked {
            conversation: id.clone(),
            from: fork.session,
            at: self.now,
        });
        let from = self.bound_root(&fork.from).map(|root| ConversationId {
            root,
            agent: fork.agent.clone(),
        });
        if let Some(from) = from {
            self.choose_like(&id, &from);
        }
        match &fork.prompt {
            Some(prompt) => self.ask_first(&id, fork, prompt, &reference),
            None => self.notify(&root, "fork", forks::begins()),
        }
        self.acts_by_itself();
        self.open_thread(&root);
        self.want_slot(&id);
    }

    /// What people chose for the agent of a conversation holds for the one that is forked from it.
    pub(super) fn choose_like(&mut self, id: &ConversationId, from: &ConversationId) {
        let choices = self.conversation(from).map(|c| c.choices.clone());
        if let Some(choices) = choices.filter(|choices| *choices != Choices::default()) {
            self.record(Record::ChoicesMade {
                conversation: id.clone(),
                choices,
            });
        }
    }

    fn ask_first(&mut self, id: &ConversationId, fork: &Fork, prompt: &str, cause: &MessageRef) {
        self.record(Record::TurnQueued {
            conversation: id.clone(),
            turn: QueuedTurn {
                id: TurnId::of_message(self.state.installation, cause, id.agent.as_ref()),
                cause: cause.clone(),
                author: fork.author.clone(),
                prompt: prompt.to_owned(),
                attachments: Vec::new(),
                at: self.now,
                origin: Origin::Person,
            },
        });
        self.effect(Effect::SetStatus {
            message: cause.clone(),
            status: Status::Received,
        });
    }
}
