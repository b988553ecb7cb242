//! The chat in the browser: an adapter whose platform are the gateway's own pages.
//!
//! It stores nothing. What is posted is in the gateway's store already, under an id by which a page
//! shows it once; here stands only what this process heard and posted lately, with what people can do
//! with it. What somebody writes is taken once the gateway says that it is stored.

mod inbox;
mod log;
mod outbox;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::control::Control;
use mpg_core::id::{ChannelKey, MessageId, Place, PlatformId, Position};
use mpg_core::interaction::{Action, ActionId, Interaction};
use mpg_core::message::{Author, Inbound, Link, Message};
use mpg_core::observe::{Observer, Sight};
use mpg_core::port::{Connection, LiveFrame};
use mpg_core::record::Record;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use self::inbox::ChatInbox;
use self::log::Log;
pub use self::log::{Entry, Said};
use self::outbox::ChatOutbox;
use crate::configured::Configured;

/// The platform's name: the prefix of its channels in the configuration.
pub const PLATFORM: &str = "web";

/// The longest name of a channel, in characters.
const LONGEST_CHANNEL: usize = 60;

/// The longest message, in bytes.
const LONGEST_TEXT: usize = 128 * 1024;

/// How many messages wait for the gateway before no more are taken.
const WAITING: usize = 64;

/// How long who writes waits until it is stored.
const PATIENCE: Duration = Duration::from_secs(10);

/// The chat, as pages see it. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Chat(Arc<Hall>);

#[derive(Debug)]
struct Hall {
    configured: Configured,
    log: Mutex<Log>,
    heard: mpsc::Sender<(Inbound, Option<Position>)>,
    /// Up to which message everything is stored.
    stored: watch::Sender<u64>,
    /// Changes with everything that is shown.
    changed: watch::Sender<()>,
}

/// Why something that somebody said or did was not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SayError {
    /// It says nothing.
    #[error("there is nothing to say: the text is empty")]
    Empty,
    /// It is too long.
    #[error("the text is too long: at most {LONGEST_TEXT} bytes")]
    TooLong,
    /// There is no such channel.
    #[error("there is no such channel in the configuration")]
    NoChannel,
    /// There is no such thread.
    #[error("there is no such thread in this channel")]
    NoThread,
    /// What was pressed is not there any more.
    #[error("this can no longer be answered here")]
    NoControl,
    /// The gateway does not keep up, or ends.
    #[error("the gateway does not take messages just now; nothing was sent, try again")]
    Busy,
    /// It may have been taken.
    #[error(
        "the gateway did not say in time that it has the message; look whether it is there before \
         you send it again"
    )]
    Unsure,
}

/// Opens the chat in the channels of the configuration that is in force.
///
/// Messages and posts are numbered from `first_message` on, which must be above all numbers of earlier
/// runs over the same state: milliseconds since the epoch are.
pub fn connect(configured: Configured, first_message: u64) -> (Chat, Connection) {
    let (heard, incoming) = mpsc::channel(WAITING);
    let hall = Arc::new(Hall {
        configured,
        log: Mutex::new(Log::new(first_message)),
        heard,
        stored: watch::Sender::new(0),
        changed: watch::Sender::new(()),
    });
    // Nobody can write while no gateway runs, so that nothing is ever missed. There is room for it.
    drop(hall.heard.try_send((Inbound::Link(Link::Resumed), None)));
    let connection = Connection {
        platform: platform(),
        inbox: Box::new(ChatInbox::new(incoming, Arc::clone(&hall))),
        outbox: Arc::new(ChatOutbox::new(Arc::clone(&hall))),
    };
    (Chat(hall), connection)
}

/// What is wrong with the id of a channel, if something is.
pub fn channel_problem(id: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let fits = !id.is_empty() && id.len() <= LONGEST_CHANNEL && id.chars().all(is_plain);
    (!fits).then(|| {
        format!(
            "a channel of the browser is called by up to {LONGEST_CHANNEL} of a-z, 0-9, `-` and `_`"
        )
    })
}

pub(crate) fn platform() -> PlatformId {
    PlatformId::new(PLATFORM)
}

impl Chat {
    /// Takes what somebody writes, and returns the message that it became. The same `key` again is the
    /// same message, as long as the process runs and not much else was written since.
    ///
    /// # Errors
    ///
    /// [`SayError`] where nothing was taken.
    pub fn say(
        &self,
        place: &Place,
        author: Author,
        text: &str,
        key: &str,
    ) -> Result<MessageId, SayError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SayError::Empty);
        }
        if text.len() > LONGEST_TEXT {
            return Err(SayError::TooLong);
        }
        self.0.check(&place.channel)?;
        let mut log = self.0.log();
        if let Some(known) = log.said_as(key) {
            return Ok(known);
        }
        let thread = place.thread.as_ref();
        if thread.is_some_and(|thread| !log.has_numbered(thread.as_str())) {
            return Err(SayError::NoThread);
        }
        // In the order of the numbers: the log stays locked.
        let room = self.0.heard.try_reserve().map_err(|_| SayError::Busy)?;
        let said = Said::ByPerson {
            name: author.name.clone(),
            text: text.to_owned(),
        };
        let id = log.add(place.clone(), Timestamp::now(), said);
        log.know(key, &id);
        let message = Message {
            place: place.clone(),
            id: id.clone(),
            author,
            text: text.to_owned(),
            attachments: Vec::new(),
        };
        room.send((Inbound::Message(message), Some(position(&id))));
        drop(log);
        self.0.changed.send_replace(());
        Ok(id)
    }

    /// Takes what somebody does with a post: presses or chooses, or fills in the form that a button
    /// opens.
    ///
    /// # Errors
    ///
    /// [`SayError`] where nothing was taken.
    pub fn act(
        &self,
        place: &Place,
        author: Author,
        message: &MessageId,
        used: Used,
    ) -> Result<MessageId, SayError> {
        self.0.check(&place.channel)?;
        let mut log = self.0.log();
        let controls = log.controls(place, message).ok_or(SayError::NoControl)?;
        let control = controls
            .iter()
            .find(|control| *control.id() == used.control);
        let action = match control.ok_or(SayError::NoControl)? {
            Control::Button(button) => match &button.opens {
                Some(form) => Action::Submit {
                    id: form.id.clone(),
                    fields: used.fields,
                },
                None => Action::Press {
                    id: button.id.clone(),
                    values: Vec::new(),
                },
            },
            Control::Choice(choice) => Action::Press {
                id: choice.id.clone(),
                values: used.values,
            },
        };
        let room = self.0.heard.try_reserve().map_err(|_| SayError::Busy)?;
        let id = log.next_id();
        let interaction = Interaction {
            place: place.clone(),
            id: id.clone(),
            author,
            action,
        };
        room.send((Inbound::Interaction(interaction), Some(position(&id))));
        Ok(id)
    }

    /// Waits until what was taken is stored for good.
    ///
    /// # Errors
    ///
    /// [`SayError::Unsure`] where that was not said in time.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn stored(&self, message: &MessageId) -> Result<(), SayError> {
        let number = number(message.as_str()).unwrap_or(u64::MAX);
        let mut stored = self.0.stored.subscribe();
        let waits = stored.wait_for(|stored| *stored >= number);
        match timeout(PATIENCE, waits).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(SayError::Unsure),
        }
    }

    /// What was said and posted in a place since the process began, oldest first, as far as it is
    /// remembered. A thread begins with the message that it grew from.
    pub fn entries(&self, place: &Place) -> Vec<Entry> {
        self.0.log().entries(place)
    }

    /// The turns that run in a place, as they are shown.
    pub fn frames(&self, place: &Place) -> Vec<Arc<LiveFrame>> {
        self.0.log().frames(place)
    }

    /// An observer that tells the chat which turns have ended, and passes everything on to `next`.
    pub fn observer(&self, next: Arc<dyn Observer>) -> Arc<dyn Observer> {
        Arc::new(Ends {
            hall: Arc::clone(&self.0),
            next,
        })
    }

    /// Changes with everything that is shown.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }
}

/// A control that somebody used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The control.
    pub control: ActionId,
    /// What was chosen.
    pub values: Vec<String>,
    /// What was filled in, by the names of the fields.
    pub fields: Vec<(String, String)>,
}

/// Sees turns end, whose text is shown no more then: the answer stands there.
#[derive(Debug)]
struct Ends {
    hall: Arc<Hall>,
    next: Arc<dyn Observer>,
}

impl Observer for Ends {
    fn see(&self, at: Timestamp, sight: &Sight<'_>) {
        if let Sight::Committed { records, .. } = sight {
            for record in *records {
                if let Record::TurnEnded { turn, .. } = record {
                    self.hall.log().end(*turn);
                    self.hall.changed.send_replace(());
                }
            }
        }
        self.next.see(at, sight);
    }
}

impl Hall {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is such a channel.
    fn check(&self, channel: &ChannelKey) -> Result<(), SayError> {
        let config = self.configured.config();
        let known =
            channel.platform.as_str() == PLATFORM && config.routing.project_of(channel).is_some();
        known.then_some(()).ok_or(SayError::NoChannel)
    }
}

fn position(message: &MessageId) -> Position {
    Position::new(message.as_str())
}

/// The number of a message or a position of ours.
fn number(text: &str) -> Option<u64> {
    let is_number = text.len() == log::DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_have_plain_names() {
        for id in ["a", "my-chat_2"] {
            assert_eq!(channel_problem(id), None, "{id}");
        }
        for id in ["", "A", "a b", "a/b", "ä", &"x".repeat(61)] {
            assert!(channel_problem(id).is_some(), "{id}");
        }
    }
}
