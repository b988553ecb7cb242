//! What people do with a platform's own controls: native commands, buttons, choices and forms.

use std::fmt;
use std::sync::Arc;

use crate::id::{MessageId, MessageRef, Place};
use crate::message::{Author, Message};
use crate::native;

/// Something that somebody did with a control of the platform.
///
/// It is named as the messages of its place are, so that it is taken in once however often it is
/// told, and what answers it replies to that id. How the platform wants it acknowledged is its
/// adapter's own business, and so is how long a reply can be shown as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interaction {
    /// Where it was done.
    pub place: Place,
    /// Its id, which stands in one order with those of the place's messages.
    pub id: MessageId,
    /// Who did it.
    pub author: Author,
    /// What was done.
    pub action: Action,
}

/// What was done with a control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A native command was given.
    Command {
        /// Its name.
        name: String,
        /// Its arguments, each by its parameter's name.
        arguments: Vec<(String, String)>,
    },
    /// A button was pressed, or something was chosen.
    Press {
        /// The control.
        id: ActionId,
        /// What was chosen; empty for a button.
        values: Vec<String>,
    },
    /// A form was sent.
    Submit {
        /// The form.
        id: ActionId,
        /// What its fields say, each by its name.
        fields: Vec<(String, String)>,
    },
}

impl Interaction {
    /// The interaction as what it is replied to.
    pub fn reference(&self) -> MessageRef {
        MessageRef {
            place: self.place.clone(),
            message: self.id.clone(),
        }
    }

    /// The message that asks for the same as a native command does; `None` for everything else.
    pub fn message(&self) -> Option<Message> {
        match &self.action {
            Action::Command { name, arguments } => Some(Message {
                place: self.place.clone(),
                id: self.id.clone(),
                author: self.author.clone(),
                text: native::text_of(name, arguments),
                attachments: Vec::new(),
            }),
            Action::Press { .. } | Action::Submit { .. } => None,
        }
    }
}

/// The name that a control was given when it was shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(Arc<str>);

impl ActionId {
    /// How many characters a name has at most, on every platform.
    pub const LONGEST: usize = 100;

    /// Reads a name; `None` if it is empty or too long.
    pub fn parse(text: &str) -> Option<Self> {
        let length = text.chars().count();
        (1..=Self::LONGEST)
            .contains(&length)
            .then(|| Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActionId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_ids_have_a_length() {
        assert_eq!(ActionId::parse("stop:1").unwrap().as_str(), "stop:1");
        assert!(ActionId::parse(&"é".repeat(100)).is_some());
        assert!(ActionId::parse(&"é".repeat(101)).is_none());
        assert!(ActionId::parse("").is_none());
    }
}
