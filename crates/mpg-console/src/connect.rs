//! Putting the terminal together.

use std::sync::Arc;

use mpg_core::id::{ChannelId, ChannelKey, PlatformId};
use mpg_core::port::Connection;

use crate::inbox::ConsoleInbox;
use crate::numbers::Numbers;
use crate::outbox::ConsoleOutbox;
use crate::screen::Screen;
use crate::settings::ConsoleSettings;
use crate::writer;

/// The terminal's only channel, `console:terminal`.
pub fn channel() -> ChannelKey {
    ChannelKey::new(platform(), ChannelId::new("terminal"))
}

/// Connects a terminal.
///
/// Each typed line is a message; one that ends with `\` goes on in the next line. The inbox ends at
/// the end of the input and at a line `/quit`; where the input cannot be read, a failed link says
/// why. A message of more than 65,536 bytes is not taken, and the terminal says so.
///
/// What is printed while somebody types begins on a line of its own. What was typed stays typed
/// above it and goes on at the next prompt: a terminal keeps a line to itself until it is ended,
/// and shows it again at its own reprint key, usually ctrl-r.
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
