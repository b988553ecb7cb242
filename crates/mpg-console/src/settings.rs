//! The entrance: what a terminal is, and how it becomes a connection.

use std::fmt;
use std::io::{BufRead, Write};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use mpg_core::id::{ChannelId, ChannelKey, MessageId, PlatformId};
use mpg_core::port::Connection;

use crate::inbox::ConsoleInbox;
use crate::outbox::ConsoleOutbox;
use crate::screen::Screen;
use crate::writer;

/// Where the terminal is written to.
pub type Output = Arc<Mutex<dyn Write + Send>>;

/// A terminal and who sits at it.
pub struct ConsoleSettings {
    /// What is typed. It is read on a thread of its own, which ends with the process where a read
    /// never returns.
    pub input: Box<dyn BufRead + Send>,
    /// What is printed to, from a thread of its own.
    pub output: Output,
    /// The name of the person who types, which is also their id.
    pub user: String,
    /// The number of the first message. Messages and posts are numbered from here on, so it must be
    /// above all numbers of earlier runs over the same state: milliseconds since the epoch are.
    pub first_message: u64,
    /// Whether somebody sees what they type, so that prompts make sense.
    pub interactive: bool,
    /// Whether to print colours.
    pub colour: bool,
}

impl fmt::Debug for ConsoleSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleSettings")
            .field("user", &self.user)
            .field("first_message", &self.first_message)
            .field("interactive", &self.interactive)
            .field("colour", &self.colour)
            .finish_non_exhaustive()
    }
}

/// The terminal's only channel, `console:terminal`.
pub fn channel() -> ChannelKey {
    ChannelKey::new(platform(), ChannelId::new("terminal"))
}

/// Connects a terminal.
///
/// Each typed line is a message; one that ends with `\` goes on in the next line. The inbox ends at
/// the end of the input and at a line `/quit`. A message of more than 65,536 bytes is not taken, and
/// the terminal says so.
pub fn connect(settings: ConsoleSettings) -> Connection {
    let numbers = Numbers::from(settings.first_message);
    let screen = Screen::new(settings.interactive, settings.colour);
    let commands = writer::start(screen, settings.output, numbers.clone());
    let inbox = ConsoleInbox::start(settings.input, &settings.user, numbers, commands.clone());
    Connection {
        platform: platform(),
        inbox: Box::new(inbox),
        outbox: Arc::new(ConsoleOutbox::new(commands)),
    }
}

fn platform() -> PlatformId {
    PlatformId::new("console")
}

/// The numbers of messages and posts, rising.
#[derive(Clone, Debug)]
pub(crate) struct Numbers(Arc<AtomicU64>);

impl Numbers {
    pub(crate) fn next(&self) -> MessageId {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        MessageId::new(format!("{number:020}"))
    }
}

impl From<u64> for Numbers {
    fn from(first: u64) -> Self {
        Self(Arc::new(AtomicU64::new(first)))
    }
}
