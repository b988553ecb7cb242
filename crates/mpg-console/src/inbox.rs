//! What is typed, as messages.

use std::io::BufRead;
use std::thread;

use async_trait::async_trait;
use mpg_core::id::{Place, Position, UserId};
use mpg_core::message::{Author, AuthorKind, Inbound, Link, Message};
use mpg_core::port::Inbox;
use tokio::sync::mpsc;

use crate::connect::channel;
use crate::line::{Lines, Typed};
use crate::numbers::Numbers;
use crate::writer::{Command, Prompt};

/// How many messages wait for the gateway before typing does.
const CAPACITY: usize = 16;

/// The reading half of a terminal.
#[derive(Debug)]
pub(crate) struct ConsoleInbox {
    typed: mpsc::Receiver<Inbound>,
}

impl ConsoleInbox {
    /// Starts to read.
    ///
    /// A thread that waits for a terminal cannot be ended, so it is left to the process's end.
    pub(crate) fn start(
        input: Box<dyn BufRead + Send>,
        user: &str,
        numbers: Numbers,
        commands: mpsc::Sender<Command>,
    ) -> Self {
        let (sender, typed) = mpsc::channel(CAPACITY);
        let reader = Reader {
            lines: Lines::new(input),
            author: Author {
                id: UserId::new(user),
                name: user.to_owned(),
                kind: AuthorKind::Human,
                roles: Vec::new(),
            },
            numbers,
            commands,
        };
        let _detached = thread::spawn(move || reader.run(&sender));
        Self { typed }
    }
}

#[async_trait]
impl Inbox for ConsoleInbox {
    async fn next(&mut self) -> Option<(Inbound, Option<Position>)> {
        Some((self.typed.recv().await?, None))
    }
}

struct Reader {
    lines: Lines,
    author: Author,
    numbers: Numbers,
    commands: mpsc::Sender<Command>,
}

impl Reader {
    fn run(mut self, inbounds: &mpsc::Sender<Inbound>) {
        loop {
            let typed = match self.lines.next() {
                Ok(typed) => typed,
                Err(error) => {
                    let reason = format!("the terminal cannot be read: {error}");
                    let failed = Inbound::Link(Link::Failed { reason });
                    // Where nobody listens any more, the end is known.
                    drop(inbounds.blocking_send(failed));
                    return;
                }
            };
            let prompt = match typed {
                Typed::Message(text) => {
                    self.tell(Prompt::None);
                    let message = Inbound::Message(self.message(text));
                    if inbounds.blocking_send(message).is_err() {
                        return;
                    }
                    continue;
                }
                Typed::Blank => Prompt::Message,
                Typed::Continued => Prompt::Continued,
                Typed::TooLong => Prompt::TooLong,
                Typed::End => return,
            };
            self.tell(prompt);
        }
    }

    fn tell(&self, prompt: Prompt) {
        // Without a writer there is nobody to tell, and messages still count.
        drop(self.commands.blocking_send(Command::Entered(prompt)));
    }

    fn message(&self, text: String) -> Message {
        Message {
            place: Place::channel(channel()),
            id: self.numbers.next(),
            author: self.author.clone(),
            text,
            attachments: Vec::new(),
        }
    }
}
