//! The terminal under the suite that every adapter passes.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where it fails, in its helpers too"
)]

use std::io::{self, BufReader, PipeReader, PipeWriter, Write};
use std::sync::{Arc, Mutex};

use mpg_console::{ConsoleSettings, channel, connect};
use mpg_core::id::{ChannelId, ChannelKey, MessageId, Place};
use mpg_core::port::Connection;
use mpg_testkit::conformance::adapter::{self, AdapterHarness, Shown};

const FIRST_MESSAGE: usize = 1_700_000_000_000;

/// A terminal and the person at it.
struct Terminal {
    keyboard: PipeWriter,
    typed: PipeReader,
    sheet: Sheet,
}

/// What is on the terminal, oldest first.
#[derive(Clone, Default)]
struct Sheet(Arc<Mutex<Vec<Entry>>>);

enum Entry {
    Typed,
    Printed(String),
}

impl Sheet {
    /// Adds what somebody typed, and numbers it among the messages.
    fn add_typed(&self) -> MessageId {
        let mut entries = self.0.lock().unwrap();
        let number = entries.iter().filter(|entry| entry.is_message()).count();
        entries.push(Entry::Typed);
        id(number)
    }

    fn add_printed(&self, bytes: &[u8]) {
        let printed = String::from_utf8(bytes.to_owned()).unwrap();
        self.0.lock().unwrap().push(Entry::Printed(printed));
    }

    fn posts(&self) -> Vec<Shown> {
        let entries = self.0.lock().unwrap();
        let messages = entries.iter().filter(|entry| entry.is_message());
        messages
            .enumerate()
            .filter_map(|(number, entry)| match entry {
                Entry::Typed => None,
                Entry::Printed(printed) => {
                    let (name, text) = post(printed)?;
                    Some(Shown {
                        id: id(number),
                        text: text.to_owned(),
                        beside: name.to_owned(),
                        notified: notifies(printed),
                    })
                }
            })
            .collect()
    }
}

impl Write for Sheet {
    /// Adds what is printed: a post is one write, so that nothing gets in between.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add_printed(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Entry {
    fn is_message(&self) -> bool {
        match self {
            Self::Typed => true,
            Self::Printed(printed) => post(printed).is_some(),
        }
    }
}

/// A name and the text of a notice or reply among what the terminal puts around it; `None` for a mere
/// prompt.
fn post(printed: &str) -> Option<(&str, &str)> {
    let line = printed.strip_prefix('\n').unwrap_or(printed);
    let (name, text) = line.split_once("note: ").unwrap_or(("", line));
    let text = text.strip_suffix("> ").unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    (!text.is_empty()).then_some((name, text))
}

/// Whether a terminal rings: the bell does it, and escape codes can.
fn notifies(printed: &str) -> bool {
    printed.contains(['\u{7}', '\u{1b}', '\u{9b}', '\u{9d}'])
}

/// Typed lines and posts are numbered together.
fn id(number: usize) -> MessageId {
    MessageId::new(format!("{:020}", FIRST_MESSAGE + number))
}

struct Harness {
    interactive: bool,
}

impl AdapterHarness for Harness {
    type Platform = Terminal;

    async fn platform(&self) -> Terminal {
        let (typed, keyboard) = io::pipe().unwrap();
        Terminal {
            keyboard,
            typed,
            sheet: Sheet::default(),
        }
    }

    async fn connect(&self, terminal: &Terminal) -> Connection {
        let typed = terminal.typed.try_clone().unwrap();
        connect(ConsoleSettings {
            input: Box::new(BufReader::new(typed)),
            output: Arc::new(Mutex::new(terminal.sheet.clone())),
            user: "ada".to_owned(),
            first_message: FIRST_MESSAGE.try_into().unwrap(),
            interactive: self.interactive,
            colour: false,
        })
    }

    fn channel(&self, _terminal: &Terminal) -> Place {
        Place::channel(channel())
    }

    fn missing(&self, _terminal: &Terminal) -> Place {
        let other = ChannelId::new("other");
        Place::channel(ChannelKey::new(channel().platform, other))
    }

    fn mention(&self, _terminal: &Terminal) -> String {
        "@ada".to_owned()
    }

    async fn person_says(&self, terminal: &Terminal, _place: &Place, text: &str) -> MessageId {
        let id = terminal.sheet.add_typed();
        let lines = text.replace('\n', "\\\n") + "\n";
        (&terminal.keyboard).write_all(lines.as_bytes()).unwrap();
        id
    }

    async fn bot_says(&self, _terminal: &Terminal, _place: &Place, _text: &str) -> bool {
        false
    }

    async fn shown(&self, terminal: &Terminal, place: &Place) -> Vec<Shown> {
        if *place == self.channel(terminal) {
            terminal.sheet.posts()
        } else {
            Vec::new()
        }
    }
}

#[tokio::test]
async fn a_person_at_a_terminal() {
    adapter::clauses(&Harness { interactive: true }).await;
}

#[tokio::test]
async fn lines_from_a_pipe() {
    adapter::clauses(&Harness { interactive: false }).await;
}
