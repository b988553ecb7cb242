//! Status signs: best effort, the newest one of each message wins, and none overtakes another.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use mpg_core::id::MessageRef;
use mpg_core::port::Outbox;
use mpg_core::post::Status;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, error};

/// How many messages may wait for their sign; beyond this, new ones are not shown.
const MAX_PENDING: usize = 1_000;

/// How many messages of one place may be waiting for a sign when one more wants one that only tells
/// how something goes: platforms let few through, and the others are worth more.
const MAX_PASSING: usize = 2;

/// How long one sign is tried, behind others of its channel: it is not worth holding up the end of the
/// gateway for longer.
const LIMIT: Duration = Duration::from_secs(30);

/// The signs that are being set.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    /// A message that is being worked on, with the sign that comes next.
    messages: BTreeMap<MessageRef, Option<Sign>>,
    tasks: JoinSet<MessageRef>,
}

/// A sign, and who sets it.
type Sign = (Arc<dyn Outbox>, Status);

impl Signs {
    /// Sets a sign, after the one that is being set on the same message.
    pub(crate) fn set(&mut self, outbox: &Arc<dyn Outbox>, message: MessageRef, status: Status) {
        if let Some(next) = self.messages.get_mut(&message) {
            *next = Some((Arc::clone(outbox), status));
        } else if self.messages.len() < MAX_PENDING && !self.is_crowded(&message, status) {
            self.messages.insert(message.clone(), None);
            self.spawn(Arc::clone(outbox), message, status);
        }
    }

    /// Whether so much is being set in a place that what only tells how something goes is left out.
    fn is_crowded(&self, message: &MessageRef, status: Status) -> bool {
        let mut there = self.messages.keys();
        status.is_passing()
            && there
                .by_ref()
                .filter(|other| other.place == message.place)
                .count()
                >= MAX_PASSING
    }

    /// Whether nothing is being set.
    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Goes on when a sign is set; pending while there is nothing to do.
    ///
    /// Cancel safe.
    pub(crate) async fn advance(&mut self) {
        let Some(done) = self.tasks.join_next().await else {
            return std::future::pending().await;
        };
        let Ok(message) = done else {
            return;
        };
        match self.messages.get_mut(&message).and_then(Option::take) {
            Some((outbox, status)) => self.spawn(outbox, message, status),
            None => {
                self.messages.remove(&message);
            }
        }
    }

    fn spawn(&mut self, outbox: Arc<dyn Outbox>, message: MessageRef, status: Status) {
        self.tasks.spawn(async move {
            let setting = timeout(LIMIT, outbox.set_status(&message, status));
            let id = &message.message;
            match AssertUnwindSafe(setting).catch_unwind().await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => debug!(message = %id, %status, %error, "sign not set"),
                Ok(Err(_)) => debug!(message = %id, %status, "setting a sign took too long"),
                Err(_) => error!(message = %id, %status, "setting a sign panicked"),
            }
            message
        });
    }
}
