//! The thread that prints, so that a terminal that stands still holds up nobody else.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::PoisonError;
use std::thread;

use mpg_core::id::{DeliveryId, MessageId};
use mpg_core::port::{DeliveryError, LiveFrame};
use mpg_core::post::Post;
use tokio::sync::{mpsc, oneshot};

use crate::numbers::Numbers;
use crate::panel::Panel;
use crate::screen::Screen;
use crate::settings::Output;

/// How many commands wait for the terminal, each with at most one post or one live text.
const CAPACITY: usize = 64;

/// How many posts are remembered, so that a repeated one is not printed again.
const REMEMBERED: usize = 1024;

/// What to print.
#[derive(Debug)]
pub(crate) enum Command {
    Show(LiveFrame),
    Post {
        post: Post,
        done: oneshot::Sender<Result<MessageId, DeliveryError>>,
    },
    /// Somebody ended a line.
    Entered(Prompt),
    /// Somebody ended a line, and is asked this next.
    Ask(String),
}

/// What follows on a typed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// Nothing: the gateway has the floor.
    None,
    /// A new message.
    Message,
    /// The rest of the message.
    Continued,
    /// A new message, because this one was dropped.
    TooLong,
}

/// Starts the thread. It ends when all senders are gone.
pub(crate) fn start(
    screen: Screen,
    output: Output,
    numbers: Numbers,
    panel: Panel,
) -> mpsc::Sender<Command> {
    let (sender, commands) = mpsc::channel(CAPACITY);
    let writer = Writer {
        screen,
        output,
        numbers,
        panel,
        printed: BTreeMap::new(),
        order: VecDeque::new(),
    };
    let _detached = thread::spawn(move || writer.run(commands));
    sender
}

struct Writer {
    screen: Screen,
    output: Output,
    numbers: Numbers,
    panel: Panel,
    printed: BTreeMap<DeliveryId, MessageId>,
    /// The printed posts, oldest first.
    order: VecDeque<DeliveryId>,
}

impl Writer {
    fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let prompt = self.screen.start();
        self.print_view(&prompt);
        while let Some(command) = commands.blocking_recv() {
            match command {
                Command::Show(frame) => {
                    let text = self.screen.show(&frame);
                    self.print_view(&text);
                }
                Command::Entered(prompt) => {
                    let text = self.screen.entered(prompt);
                    self.print_view(&text);
                }
                Command::Ask(question) => {
                    let text = self.screen.ask(&question);
                    self.print_view(&text);
                }
                Command::Post { post, done } => {
                    // A sender that is gone has given up waiting, the post stands all the same.
                    drop(done.send(self.post(&post)));
                }
            }
        }
    }

    fn post(&mut self, post: &Post) -> Result<MessageId, DeliveryError> {
        if let Some(message) = self.printed.get(&post.id) {
            return Ok(message.clone());
        }
        let keys = self.panel.offer(post);
        let text = self.screen.post(post, &keys);
        self.print(&text).map_err(|error| {
            DeliveryError::Gone(format!("the terminal cannot be written: {error}"))
        })?;
        let message = self.numbers.next();
        self.printed.insert(post.id, message.clone());
        self.order.push_back(post.id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.printed.remove(&oldest);
        }
        Ok(message)
    }

    /// Prints what may be lost: the posts report a terminal that is gone.
    fn print_view(&self, text: &str) {
        if let Err(error) = self.print(text) {
            tracing::debug!(%error, "the terminal cannot be written");
        }
    }

    fn print(&self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.write_all(text.as_bytes())?;
        output.flush()
    }
}
