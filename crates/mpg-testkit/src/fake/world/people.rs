//! What people say and do on a platform.

use std::collections::BTreeMap;

use mpg_core::catch_up::{Missed, MissedRequest};
use mpg_core::id::{MessageId, MessageRef, Place, RootId, UserId};
use mpg_core::interaction::{Action, Interaction};
use mpg_core::message::{Attachment, Author, AuthorKind, Inbound, Message};

use super::World;
use crate::fake::entry::Happening;

impl World {
    pub(in crate::fake) fn say(
        &mut self,
        place: &Place,
        author: Author,
        text: &str,
        heard: bool,
    ) -> MessageId {
        self.say_with(place, author, text, Vec::new(), heard)
    }

    pub(in crate::fake) fn say_with(
        &mut self,
        place: &Place,
        author: Author,
        text: &str,
        attachments: Vec<Attachment>,
        heard: bool,
    ) -> MessageId {
        assert!(
            self.channels.contains(&place.channel),
            "{place} is no channel of this platform"
        );
        if place.thread.is_some() {
            let root = RootId::of_place(place);
            self.threads.entry(place.clone()).or_insert(root);
        }
        let id = self.next_message();
        self.note(Happening::Said {
            message: MessageRef {
                place: place.clone(),
                message: id.clone(),
            },
            author: author.name.clone(),
            text: text.to_owned(),
        });
        let message = Message {
            place: place.clone(),
            id: id.clone(),
            author,
            text: text.to_owned(),
            attachments,
        };
        self.said.push(message.clone());
        if heard {
            self.tell(Inbound::Message(message));
        }
        id
    }

    pub(in crate::fake) fn act(
        &mut self,
        place: &Place,
        author: Author,
        action: Action,
    ) -> MessageRef {
        assert!(
            self.channels.contains(&place.channel),
            "{place} is no channel of this platform"
        );
        let given = Interaction {
            place: place.clone(),
            id: self.next_message(),
            author,
            action,
        };
        let message = given.reference();
        let text = match &given.action {
            Action::Command { name, arguments } => format!("/{name} {arguments:?}"),
            Action::Press { id, values } => format!("[{id}] {values:?}"),
            Action::Submit { id, fields } => format!("[{id}] {fields:?}"),
        };
        self.note(Happening::Said {
            message: message.clone(),
            author: given.author.name.clone(),
            text,
        });
        self.tell(Inbound::Interaction(given));
        message
    }

    /// Changes what stands there, or takes it away.
    pub(in crate::fake) fn revise(&mut self, message: &MessageRef, text: Option<&str>) {
        match text {
            Some(text) => {
                let mut said = self.said.iter_mut();
                if let Some(found) = said.find(|said| said.reference() == *message) {
                    text.clone_into(&mut found.text);
                }
            }
            None => self.said.retain(|said| said.reference() != *message),
        }
    }

    /// What people said in a channel behind what was read. It keeps no times, so all of it counts as
    /// recent.
    pub(in crate::fake) fn missed(&mut self, request: &MissedRequest) -> Missed {
        let mut messages: Vec<Message> = self
            .said
            .iter()
            .filter(|said| {
                let read = request.read.get(&said.place);
                said.place.channel == request.channel
                    && said.author.kind == AuthorKind::Human
                    && read.is_none_or(|read| said.id > *read)
                    && self.exists(&said.place)
            })
            .cloned()
            .collect();
        messages.sort_by(|one, other| one.id.cmp(&other.id));
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let skipped = messages.len().saturating_sub(limit);
        let mut read = BTreeMap::new();
        for message in &messages {
            read.insert(message.place.clone(), message.id.clone());
        }
        messages.drain(..skipped);
        let missed = Missed {
            messages,
            skipped: u32::try_from(skipped).unwrap_or(u32::MAX),
            read,
        };
        self.note(Happening::LookedBack {
            channel: request.channel.clone(),
            found: missed.messages.len(),
            skipped: missed.skipped,
        });
        missed
    }
}

/// Somebody of this name.
pub(in crate::fake) fn author(name: &str, kind: AuthorKind) -> Author {
    Author {
        id: UserId::new(name),
        name: name.to_owned(),
        kind,
        roles: Vec::new(),
    }
}
