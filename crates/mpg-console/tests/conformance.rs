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
use mpg_testkit::conformance::adapter::{self, Act, AdapterHarness, Shown};

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

    /// The number of the key that does this.
    fn key(&self, label: &str) -> String {
        let entries = self.0.lock().unwrap();
        let lines = entries.iter().rev().flat_map(|entry| match entry {
            Entry::Typed => Vec::new(),
            Entry::Printed(printed) => printed.lines().collect(),
        });
        let mut keys = lines.filter_map(|line| line.strip_prefix('[')?.split_once("] "));
        let key = keys.find(|(_, said)| *said == label);
        key.expect("a key that says so").0.to_owned()
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
                    let (text, controls) = keys(text);
                    Some(Shown {
                        id: id(number),
                        text: text.to_owned(),
                        beside: name.to_owned(),
                        notified: notifies(printed),
                        controls,
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
    if line.starts_with("| ") {
        return None;
    }
    let (name, text) = line.split_once("note: ").unwrap_or(("", line));
    let text = text.strip_suffix("> ").unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    (!text.is_empty()).then_some((name, text))
}

/// The text above the keys of a post, and what it says that they do; of a list, what that asks.
fn keys(text: &str) -> (&str, Vec<String>) {
    let Some((text, keys)) = text.split_once("\n[") else {
        return (text, Vec::new());
    };
    let mut said = Vec::new();
    let mut listed = false;
    for line in format!("[{keys}").lines() {
        if let Some(prompt) = line.strip_prefix("? ") {
            listed = true;
            said.push(prompt.split(" (up to").next().unwrap().to_owned());
        } else if !listed {
            said.push(line.split_once("] ").unwrap().1.to_owned());
        }
    }
    (text, said)
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

    async fn person_acts(
        &self,
        terminal: &Terminal,
        _place: &Place,
        _message: &MessageId,
        act: Act<'_>,
    ) {
        let lines = match act {
            Act::Press(label) => vec![terminal.sheet.key(label)],
            Act::Choose(values) => {
                let keys: Vec<String> = values
                    .iter()
                    .map(|value| terminal.sheet.key(&format!("the {value}")))
                    .collect();
                vec![keys.join(",")]
            }
            Act::Fill(label, texts) => {
                let texts = texts.iter().map(|(_, text)| (*text).to_owned());
                [terminal.sheet.key(label)]
                    .into_iter()
                    .chain(texts)
                    .collect()
            }
        };
        terminal.sheet.add_typed();
        for line in lines {
            writeln!(&terminal.keyboard, "{line}").unwrap();
        }
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
