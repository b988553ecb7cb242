//! What is typed, as messages.

use std::io::BufRead;
use std::thread;

use async_trait::async_trait;
use mpg_core::id::{Place, Position, UserId};
use mpg_core::interaction::{Action, Interaction};
use mpg_core::message::{Author, AuthorKind, Inbound, Link, Message};
use mpg_core::port::Inbox;
use tokio::sync::mpsc;

use crate::connect::channel;
use crate::form::{Filling, Step};
use crate::line::{Lines, Typed};
use crate::numbers::Numbers;
use crate::panel::{Chosen, Panel};
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
    pub(crate) fn start(input: Box<dyn BufRead + Send>, user: &str, desk: Desk) -> Self {
        let (sender, typed) = mpsc::channel(CAPACITY);
        let reader = Reader {
            lines: Lines::new(input),
            author: Author {
                id: UserId::new(user),
                name: user.to_owned(),
                kind: AuthorKind::Human,
                roles: Vec::new(),
            },
            desk,
            filling: None,
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

/// What who reads a terminal shares with who writes to it.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) numbers: Numbers,
    pub(crate) panel: Panel,
    pub(crate) commands: mpsc::Sender<Command>,
}

struct Reader {
    lines: Lines,
    author: Author,
    desk: Desk,
    /// The form that is filled in.
    filling: Option<Filling>,
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
                Typed::Blank if self.filling.is_none() => Prompt::Message,
                Typed::Continued => Prompt::Continued,
                Typed::TooLong => Prompt::TooLong,
                Typed::End => return,
                Typed::Message(_) | Typed::Blank => {
                    let heard = self.text(typed.into_text());
                    if heard.is_some_and(|heard| inbounds.blocking_send(heard).is_err()) {
                        return;
                    }
                    continue;
                }
            };
            self.tell(Command::Entered(prompt));
        }
    }

    /// What a text is: a line of a form, what a key does, or a message.
    fn text(&mut self, text: String) -> Option<Inbound> {
        if let Some(mut filling) = self.filling.take() {
            let step = filling.line(&text);
            return self.step(filling, step);
        }
        match self.desk.panel.choose(&text) {
            Some(Chosen::Fill(form)) => {
                let (filling, step) = Filling::begin(form);
                self.step(filling, step)
            }
            Some(Chosen::Act(id, values)) => Some(self.act(Action::Press { id, values })),
            None => {
                self.tell(Command::Entered(Prompt::None));
                Some(Inbound::Message(self.message(text)))
            }
        }
    }

    fn step(&mut self, filling: Filling, step: Step) -> Option<Inbound> {
        match step {
            Step::Ask(question) => {
                self.filling = Some(filling);
                self.tell(Command::Ask(question));
                None
            }
            Step::Send(action) => Some(self.act(action)),
            Step::Cancelled => {
                self.tell(Command::Entered(Prompt::Message));
                None
            }
        }
    }

    fn act(&self, action: Action) -> Inbound {
        self.tell(Command::Entered(Prompt::None));
        Inbound::Interaction(Interaction {
            place: Place::channel(channel()),
            id: self.desk.numbers.next(),
            author: self.author.clone(),
            action,
        })
    }

    fn tell(&self, command: Command) {
        // Without a writer there is nobody to tell, and messages still count.
        drop(self.desk.commands.blocking_send(command));
    }

    fn message(&self, text: String) -> Message {
        Message {
            place: Place::channel(channel()),
            id: self.desk.numbers.next(),
            author: self.author.clone(),
            text,
            attachments: Vec::new(),
        }
    }
}
