//! Putting the terminal together.

use std::sync::Arc;

use mpg_core::id::{ChannelId, ChannelKey, PlatformId};
use mpg_core::port::Connection;

use crate::inbox::{ConsoleInbox, Desk};
use crate::numbers::Numbers;
use crate::outbox::ConsoleOutbox;
use crate::panel::Panel;
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
/// What can be done with a post has a number in brackets: a line with that number does it, one with
/// several, such as `3,5`, chooses several of a list, and a form is filled in line by line, or left by
/// a line `/cancel`. A line with any other number is a message.
///
/// What is printed while somebody types begins on a line of its own. What was typed stays typed
/// above it and goes on at the next prompt: a terminal keeps a line to itself until it is ended,
/// and shows it again at its own reprint key, usually ctrl-r.
pub fn connect(settings: ConsoleSettings) -> Connection {
    let numbers = Numbers::from(settings.first_message);
    let screen = Screen::new(settings.interactive, settings.colour);
    let panel = Panel::default();
    let commands = writer::start(screen, settings.output, numbers.clone(), panel.clone());
    let desk = Desk {
        numbers,
        panel,
        commands: commands.clone(),
    };
    let inbox = ConsoleInbox::start(settings.input, &settings.user, desk);
    Connection {
        platform: platform(),
        inbox: Box::new(inbox),
        outbox: Arc::new(ConsoleOutbox::new(commands)),
    }
}

fn platform() -> PlatformId {
    PlatformId::new("console")
}
