//! What people write in the browser.

use std::sync::Arc;

use async_trait::async_trait;
use mpg_core::id::Position;
use mpg_core::message::Inbound;
use mpg_core::port::Inbox;
use tokio::sync::mpsc;

use super::{Hall, number};

/// The reading half of the chat.
#[derive(Debug)]
pub(super) struct ChatInbox {
    hears: mpsc::Receiver<(Inbound, Option<Position>)>,
    hall: Arc<Hall>,
}

impl ChatInbox {
    pub(super) fn new(hears: mpsc::Receiver<(Inbound, Option<Position>)>, hall: Arc<Hall>) -> Self {
        Self { hears, hall }
    }
}

#[async_trait]
impl Inbox for ChatInbox {
    async fn next(&mut self) -> Option<(Inbound, Option<Position>)> {
        self.hears.recv().await
    }

    fn ack(&self, position: &Position) {
        let Some(number) = number(position.as_str()) else {
            return;
        };
        self.hall.stored.send_if_modified(|stored| {
            let is_later = number > *stored;
            *stored = number.max(*stored);
            is_later
        });
    }
}
