//! What the server says, in the gateway's words. Pure.

use std::time::Duration;

use mpg_core::id::{
    ChannelId, ChannelKey, DeliveryId, MessageId, MessageRef, Place, PlatformId, Position,
    ThreadId, UserId,
};
use mpg_core::message::{Author, AuthorKind, Inbound, Link, Message};
use mpg_core::port::DeliveryError;

use crate::PLATFORM;
use crate::line;

/// What the server said.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Something for the inbox, and how far it was read with it.
    Inbound(Inbound, Option<Position>),
    /// What became of a call.
    Answer(u64, Result<String, DeliveryError>),
}

/// Understands a line; `None` if it is none of the protocol.
pub(crate) fn translate(line: &str) -> Option<Incoming> {
    let fields = line::split(line)?;
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    match *fields.as_slice() {
        ["welcome", "fresh"] => Some(Incoming::Inbound(Inbound::Link(Link::Connected), None)),
        ["welcome", "resumed"] => Some(Incoming::Inbound(Inbound::Link(Link::Resumed), None)),
        ["event", number, ref event @ ..] => {
            let position = Position::new(number.parse::<u64>().ok()?.to_string());
            Some(Incoming::Inbound(translate_event(event)?, Some(position)))
        }
        ["done", call, gave] => Some(Incoming::Answer(call.parse().ok()?, Ok(gave.to_owned()))),
        ["failed", call, sort, seconds, reason] => Some(Incoming::Answer(
            call.parse().ok()?,
            Err(failure(sort, seconds, reason)?),
        )),
        _ => None,
    }
}

fn translate_event(event: &[&str]) -> Option<Inbound> {
    Some(match *event {
        ["said", channel, thread, id, kind, user, name, text] => Inbound::Message(Message {
            place: place(channel, thread),
            id: MessageId::new(id),
            author: Author {
                id: UserId::new(user),
                name: name.to_owned(),
                kind: match kind {
                    "human" => AuthorKind::Human,
                    "bot" => AuthorKind::Bot,
                    _ => return None,
                },
                // The chat has no roles.
                roles: Vec::new(),
            },
            text: text.to_owned(),
            attachments: Vec::new(),
        }),
        ["edited", channel, thread, id, text] => Inbound::Edited {
            message: reference(channel, thread, id),
            text: text.to_owned(),
        },
        ["deleted", channel, thread, id] => Inbound::Deleted(reference(channel, thread, id)),
        ["echo", channel, thread, id, key] => Inbound::OwnEcho {
            delivery: DeliveryId::parse(key)?,
            message: reference(channel, thread, id),
        },
        _ => return None,
    })
}

/// What the caller must do about a failed call.
fn failure(sort: &str, seconds: &str, reason: &str) -> Option<DeliveryError> {
    Some(match sort {
        "gone" => DeliveryError::Gone(reason.to_owned()),
        "rejected" => DeliveryError::Rejected(reason.to_owned()),
        "later" => DeliveryError::Transient {
            retry_after: Some(Duration::from_secs(seconds.parse::<u32>().ok()?.into())),
            message: reason.to_owned(),
        },
        _ => return None,
    })
}

fn reference(channel: &str, thread: &str, id: &str) -> MessageRef {
    MessageRef {
        place: place(channel, thread),
        message: MessageId::new(id),
    }
}

fn place(channel: &str, thread: &str) -> Place {
    Place {
        channel: ChannelKey::new(PlatformId::new(PLATFORM), ChannelId::new(channel)),
        thread: (!thread.is_empty()).then(|| ThreadId::new(thread)),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_and_what_they_mean() {
        let mut text = String::new();
        for line in [
            "welcome\tfresh",
            "welcome\tresumed",
            "event\t7\tsaid\tdev\t\t41\thuman\tu1\tann\tfix\\nit",
            "event\t8\tsaid\tdev\t41\t42\tbot\tu2\tbeeper\tbeep",
            "event\t9\tedited\tdev\t41\t43\tno, that",
            "event\t10\tdeleted\tdev\t41\t43",
            "event\t11\techo\tdev\t41\t44\tabcdefghij234567abcd",
            "done\t3\t44",
            "failed\t4\tgone\t0\tno such channel",
            "failed\t5\trejected\t0\tempty",
            "failed\t6\tlater\t2\tbusy",
            "",
            "welcome",
            "event\tx\tdeleted\tdev\t41\t43",
            "event\t12\tsaid\tdev\t\t41\tcat\tu1\tann\tmeow",
            "event\t13\techo\tdev\t41\t44\tkey",
            "done\t-1\t44",
            "failed\t6\tlater\tsoon\tbusy",
            "failed\t6\tnever\t0\tbusy",
        ] {
            writeln!(text, "{line:?}\n{:#?}\n", translate(line)).unwrap();
        }
        insta::assert_snapshot!(text);
    }

    proptest! {
        #[test]
        fn any_line_is_answered(line in "(welcome|event|done|failed)?[\t\\\\0-9a-z]{0,40}|.{0,40}") {
            drop(translate(&line));
        }
    }
}
