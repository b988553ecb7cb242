//! What adapters hand in.

use std::fmt;

use crate::capability::Capabilities;
use crate::id::{DeliveryId, MessageId, MessageRef, Place, PlatformId, Position, UserId};
use crate::interaction::Interaction;

/// One thing that happened on a platform, translated by its adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inbound {
    /// Somebody posted.
    Message(Message),
    /// Somebody used a control of the platform.
    Interaction(Interaction),
    /// A message was changed; `text` is what it says now.
    Edited {
        /// The message that was changed.
        message: MessageRef,
        /// Its new text.
        text: String,
    },
    /// A message was removed.
    Deleted(MessageRef),
    /// A channel or thread is gone for good, or may no longer be written to.
    PlaceGone(Place),
    /// A channel's abilities are no longer what they were.
    CapabilitiesChanged(Place),
    /// The connection to the platform changed.
    Link(Link),
    /// One of the gateway's own posts was seen on the platform.
    OwnEcho {
        /// The post's id.
        delivery: DeliveryId,
        /// The message that it became.
        message: MessageRef,
    },
}

impl Inbound {
    /// Where it happened; a link belongs to no place.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Message(message) => Some(&message.place),
            Self::Interaction(interaction) => Some(&interaction.place),
            Self::Edited { message, .. }
            | Self::Deleted(message)
            | Self::OwnEcho { message, .. } => Some(&message.place),
            Self::PlaceGone(place) | Self::CapabilitiesChanged(place) => Some(place),
            Self::Link(_) => None,
        }
    }
}

/// A message that somebody posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it was posted.
    pub place: Place,
    /// Its id.
    pub id: MessageId,
    /// Who posted it.
    pub author: Author,
    /// Its text as the person wrote it, without platform mark-up.
    pub text: String,
    /// The files that came with it.
    pub attachments: Vec<Attachment>,
}

impl Message {
    /// The message together with where it stands.
    pub fn reference(&self) -> MessageRef {
        MessageRef {
            place: self.place.clone(),
            message: self.id.clone(),
        }
    }
}

/// Who posted a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The platform's id of the author.
    pub id: UserId,
    /// The name that people see.
    pub name: String,
    /// Whether this is a person. Bots and webhooks, this one included, are never answered.
    pub kind: AuthorKind,
    /// The roles that the author has where the message was posted.
    pub roles: Vec<Role>,
}

/// Whether an author is a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorKind {
    /// A person.
    Human,
    /// A bot, a webhook, or the gateway itself.
    Bot,
}

/// A role of an author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The platform's id of the role.
    pub id: String,
    /// Its name, where the adapter knows it.
    pub name: Option<String>,
}

/// A file that came with a message: a description, not its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The file's name as the platform tells it. Untrusted.
    pub name: String,
    /// Its size in bytes as the platform tells it.
    pub size: u64,
    /// Its media type as the platform tells it.
    pub media_type: Option<String>,
    /// Where the adapter can fetch it.
    pub url: String,
}

/// The state of the connection to a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Connected anew: what happened before is not replayed.
    Connected,
    /// Connected again, and everything in between is replayed.
    Resumed,
    /// Not connected; the adapter goes on trying.
    Degraded {
        /// What the adapter knows about why.
        reason: String,
    },
    /// Not connected, and trying again is of no use.
    Failed {
        /// What happened and what to do, for the operator.
        reason: String,
    },
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("connected"),
            Self::Resumed => f.write_str("resumed"),
            Self::Degraded { reason } => write!(f, "degraded: {reason}"),
            Self::Failed { reason } => write!(f, "failed: {reason}"),
        }
    }
}

/// An [`Inbound`] with what the engine adds to it on the way to the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// What happened.
    pub inbound: Inbound,
    /// The platform that it happened on.
    pub platform: PlatformId,
    /// What the channel can do; `None` where the inbound names no channel.
    pub capabilities: Option<Capabilities>,
    /// How far the adapter has read with this.
    pub position: Option<Position>,
}
