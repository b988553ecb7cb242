//! An inbox that is fed by hand: for a bot that owns its connection to a platform and passes on what
//! the gateway should know.

use async_trait::async_trait;
use mpg_core::id::Position;
use mpg_core::message::Inbound;
use mpg_core::port::Inbox;
use thiserror::Error;
use tokio::sync::{mpsc, watch};

/// How many things may wait in the inbox.
const CAPACITY: usize = 64;

/// An inbox, and the sender that feeds it.
///
/// The inbox holds at most 64 things that the engine has not taken yet; a sender waits while it is
/// full. It ends when the last sender is dropped, and what was sent before is still taken.
///
/// ```
/// use std::sync::Arc;
/// use mpg_core::id::PlatformId;
/// use mpg_core::port::{Connection, Outbox};
///
/// fn connection(outbox: Arc<dyn Outbox>) -> (mpg_engine::InboxSender, Connection) {
///     let (sender, inbox) = mpg_engine::channel_inbox();
///     let platform = PlatformId::new("my-bot");
///     (sender, Connection { platform, inbox, outbox })
/// }
/// ```
pub fn channel_inbox() -> (InboxSender, Box<dyn Inbox>) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    let (stored, positions) = watch::channel(None);
    let inbox = ChannelInbox { receiver, stored };
    (InboxSender { sender, positions }, Box::new(inbox))
}

/// Feeds an inbox. Clones feed the same one.
#[derive(Clone, Debug)]
pub struct InboxSender {
    sender: mpsc::Sender<(Inbound, Option<Position>)>,
    positions: watch::Receiver<Option<Position>>,
}

/// The engine has ended: what was sent is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the engine has ended; what was sent was not taken")]
pub struct InboxClosed;

impl InboxSender {
    /// Passes something on, with how far the platform is read with it. Waits while the inbox is
    /// full.
    ///
    /// What was sent is safe once its position, or a later one, is [stored](Self::stored); things
    /// that nothing follows from are not stored, so give positions to all or to none.
    ///
    /// # Errors
    ///
    /// [`InboxClosed`] if there is no engine any more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done sends nothing.
    pub async fn send(
        &self,
        inbound: Inbound,
        position: Option<Position>,
    ) -> Result<(), InboxClosed> {
        let sent = self.sender.send((inbound, position)).await;
        sent.map_err(|_| InboxClosed)
    }

    /// The last position up to which everything is stored for good.
    pub fn stored(&self) -> Option<Position> {
        self.positions.borrow().clone()
    }

    /// Waits for the next position that this sender was not told yet.
    ///
    /// # Errors
    ///
    /// [`InboxClosed`] if there is no engine any more.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe. Only the newest position is kept.
    pub async fn next_stored(&mut self) -> Result<Position, InboxClosed> {
        loop {
            self.positions.changed().await.map_err(|_| InboxClosed)?;
            if let Some(position) = self.positions.borrow_and_update().clone() {
                return Ok(position);
            }
        }
    }
}

#[derive(Debug)]
struct ChannelInbox {
    receiver: mpsc::Receiver<(Inbound, Option<Position>)>,
    stored: watch::Sender<Option<Position>>,
}

#[async_trait]
impl Inbox for ChannelInbox {
    async fn next(&mut self) -> Option<(Inbound, Option<Position>)> {
        self.receiver.recv().await
    }

    fn ack(&self, position: &Position) {
        self.stored.send_replace(Some(position.clone()));
    }
}
