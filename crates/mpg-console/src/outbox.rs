//! What is printed.

use std::time::Duration;

use async_trait::async_trait;
use mpg_core::capability::{
    Capabilities, Controls, LivePace, Reconcile, TextLimit, TextUnit, Threads,
};
use mpg_core::id::{MessageId, Place};
use mpg_core::port::{DeliveryError, LiveFrame, Outbox};
use mpg_core::post::Post;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::connect::channel;
use crate::writer::Command;

/// The longest post, far beyond what is written for people.
const POST_LIMIT: TextLimit = TextLimit {
    max: 1 << 20,
    unit: TextUnit::CodePoints,
};

/// The writing half of a terminal.
#[derive(Debug)]
pub(crate) struct ConsoleOutbox {
    commands: mpsc::Sender<Command>,
}

impl ConsoleOutbox {
    pub(crate) fn new(commands: mpsc::Sender<Command>) -> Self {
        Self { commands }
    }
}

#[async_trait]
impl Outbox for ConsoleOutbox {
    fn capabilities(&self, _place: &Place) -> Capabilities {
        Capabilities {
            direct: false,
            threads: Threads::None,
            post_limit: POST_LIMIT,
            persona_limit: Some(POST_LIMIT),
            typing: false,
            status: false,
            live: Some(LivePace {
                interval: Duration::from_millis(30),
            }),
            edits: None,
            pins: false,
            spoilers: false,
            controls: Controls::Forms,
            files: None,
            reconcile: Reconcile::Nonce,
        }
    }

    /// Prints the post and waits until the terminal has it. A post whose id is among the last 1,024
    /// is not printed again.
    async fn post(&self, place: &Place, post: &Post) -> Result<MessageId, DeliveryError> {
        check(place)?;
        self.capabilities(place).fits(post)?;
        let (done, outcome) = oneshot::channel();
        let post = post.clone();
        let command = Command::Post { post, done };
        self.commands.send(command).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }

    /// Prints what the frame has more than the last one. A frame that comes while the terminal
    /// stands still is dropped: the next one, or the answer, has all of it.
    async fn show(&self, place: &Place, frame: &LiveFrame) -> Result<(), DeliveryError> {
        check(place)?;
        match self.commands.try_send(Command::Show(frame.clone())) {
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(gone()),
        }
    }
}

fn check(place: &Place) -> Result<(), DeliveryError> {
    if *place == Place::channel(channel()) {
        return Ok(());
    }
    Err(DeliveryError::Gone(format!(
        "{place} is not the terminal, which is {}",
        channel()
    )))
}

fn gone() -> DeliveryError {
    DeliveryError::Gone("the terminal is not written to any more".to_owned())
}
