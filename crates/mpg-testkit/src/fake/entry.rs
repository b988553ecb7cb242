//! What happened on the platform, as it can be read by people.

use std::fmt;
use std::time::Duration;

use mpg_core::id::{ChannelKey, MessageId, MessageRef, Place};
use mpg_core::message::Link;
use mpg_core::port::LiveFrame;
use mpg_core::post::{Post, Status};

use super::fault::{Fault, Verb};

/// One thing that happened, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How long after the platform was made, by the runtime's clock.
    pub at: Duration,
    /// What happened.
    pub happening: Happening,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Somebody posted.
    Said {
        /// The message.
        message: MessageRef,
        /// Who posted it.
        author: String,
        /// Its text.
        text: String,
    },
    /// A message was changed.
    Edited {
        /// The message.
        message: MessageRef,
        /// Its new text.
        text: String,
    },
    /// A message was removed.
    Deleted(MessageRef),
    /// A channel or thread was removed.
    Removed(Place),
    /// The adapter told of its connection.
    Link(Link),
    /// The adapter connected.
    Connected,
    /// The adapter posted.
    Posted {
        /// Where.
        place: Place,
        /// The message that it became.
        id: MessageId,
        /// What it posted.
        post: Post,
    },
    /// The adapter posted something again, which was not shown again.
    Repeated {
        /// Where.
        place: Place,
        /// The message that it had become.
        id: MessageId,
    },
    /// The adapter made one of its messages another post.
    Replaced {
        /// Where.
        place: Place,
        /// The message.
        id: MessageId,
        /// What it is now.
        post: Post,
    },
    /// The adapter pinned one of its messages.
    Pinned {
        /// Where.
        place: Place,
        /// The message.
        id: MessageId,
    },
    /// The adapter looked for one of its posts.
    LookedFor {
        /// Where.
        place: Place,
        /// The message that it was found to be.
        found: Option<MessageId>,
    },
    /// The adapter looked what was missed in a channel.
    LookedBack {
        /// The channel.
        channel: ChannelKey,
        /// How many messages it found.
        found: usize,
        /// How many it left out.
        skipped: u32,
    },
    /// The adapter gave a thread another title.
    ThreadRenamed {
        /// The thread.
        place: Place,
        /// Its new title.
        title: String,
    },
    /// The adapter opened a thread.
    ThreadOpened {
        /// The thread.
        place: Place,
        /// Its title.
        title: String,
    },
    /// The adapter put a sign on a message.
    Sign {
        /// The message.
        message: MessageRef,
        /// The sign.
        status: Status,
    },
    /// The adapter began to fetch a file, of at most so many bytes.
    Fetched {
        /// The file's name.
        name: String,
        /// How many bytes it may have.
        limit: u64,
    },
    /// The adapter showed that it writes.
    Typing(Place),
    /// The adapter showed a running turn.
    Live {
        /// Where.
        place: Place,
        /// What it showed.
        frame: LiveFrame,
    },
    /// A call went wrong as it was told to.
    Faulty(Verb, Fault),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.at.as_secs(), self.at.subsec_millis());
        write!(f, "{seconds:>4}.{millis:03}s  {}", self.happening)
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said {
                message,
                author,
                text,
            } => write!(f, "{} {author}: {text:?}", shortly(message)),
            Self::Edited { message, text } => write!(f, "{} edited: {text:?}", shortly(message)),
            Self::Deleted(message) => write!(f, "{} deleted", shortly(message)),
            Self::Removed(place) => write!(f, "{} removed", Short(place)),
            Self::Link(link) => write!(f, "link {link}"),
            Self::Connected => f.write_str("adapter connected"),
            Self::Replaced { place, id, post } => write!(
                f,
                "{} #{id} is now <{}>: {:?}",
                Short(place),
                post.kind.name(),
                post.text
            ),
            Self::Posted { place, id, post } => {
                write!(
                    f,
                    "{} #{id} <{}>: {:?}",
                    Short(place),
                    post.kind.name(),
                    post.text
                )?;
                match &post.reply_to {
                    Some(to) => write!(f, " to #{to}"),
                    None => Ok(()),
                }
            }
            Self::Repeated { place, id } => write!(f, "{} #{id} once more", Short(place)),
            Self::Pinned { place, id } => write!(f, "{} #{id} pinned", Short(place)),
            Self::LookedFor { place, found } => match found {
                Some(id) => write!(f, "{} looked for #{id}", Short(place)),
                None => write!(f, "{} looked for what is not there", Short(place)),
            },
            Self::LookedBack {
                channel,
                found,
                skipped,
            } => write!(
                f,
                "{} looked back: {found} messages, {skipped} skipped",
                channel.channel
            ),
            Self::ThreadRenamed { place, title } => {
                write!(f, "{} renamed: {title:?}", Short(place))
            }
            Self::ThreadOpened { place, title } => {
                write!(f, "{} opened: {title:?}", Short(place))
            }
            Self::Sign { message, status } => write!(f, "{} sign {status}", shortly(message)),
            Self::Fetched { name, limit } => write!(f, "fetch {name:?}, at most {limit} bytes"),
            Self::Typing(place) => write!(f, "{} typing", Short(place)),
            Self::Live { place, frame } => {
                write!(f, "{} live: {:?}", Short(place), frame.text)?;
                for line in &frame.lines {
                    write!(f, " ({}, at {}: {})", line.number, line.at, line.text)?;
                }
                match &frame.activity {
                    Some(activity) => write!(f, " [{activity}]"),
                    None => Ok(()),
                }
            }
            Self::Faulty(verb, fault) => write!(f, "{verb}: {fault}"),
        }
    }
}

/// A place without its platform.
struct Short<'a>(&'a Place);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.channel.channel)?;
        match &self.0.thread {
            Some(thread) => write!(f, "/{thread}"),
            None => Ok(()),
        }
    }
}

fn shortly(message: &MessageRef) -> String {
    format!("{} #{}", Short(&message.place), message.message)
}
