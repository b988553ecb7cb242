//! Status signs: best effort, the newest one of each message wins, and none overtakes another.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use mpg_core::id::MessageRef;
use mpg_core::port::Outbox;
use mpg_core::post::Status;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, error};

/// How many messages may wait for their sign; beyond this, new ones are not shown.
const MAX_PENDING: usize = 1_000;

/// How many messages of one place may be waiting for a sign when one more wants one that only tells
/// how something goes: platforms let few through, and the others are worth more.
const MAX_PASSING: usize = 2;

/// How long one sign is tried, behind others of its channel.
const LIMIT: Duration = Duration::from_secs(30);

/// How long one is tried while the gateway ends: it is not worth holding that up for longer.
const LIMIT_AT_THE_END: Duration = Duration::from_secs(10);

/// The signs that are being set.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    /// A message that is being worked on, with the sign that comes next.
    messages: BTreeMap<MessageRef, Option<Sign>>,
    tasks: JoinSet<MessageRef>,
    /// Whether the gateway ends.
    ending: watch::Sender<bool>,
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

    /// Waits for no sign for long any more.
    pub(crate) fn end(&self) {
        self.ending.send_replace(true);
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
        let ending = self.ending.subscribe();
        self.tasks.spawn(async move {
            let setting = outbox.set_status(&message, status);
            let setting = AssertUnwindSafe(setting).catch_unwind();
            let id = &message.message;
            tokio::select! {
                biased;
                set = setting => match set {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => debug!(message = %id, %status, %error, "sign not set"),
                    Err(_) => error!(message = %id, %status, "setting a sign panicked"),
                },
                () = too_long(ending) => {
                    debug!(message = %id, %status, "setting a sign took too long");
                }
            }
            message
        });
    }
}

async fn too_long(mut ending: watch::Receiver<bool>) {
    // Signs that are gone have nobody left to wait for.
    let ends = async { drop(ending.wait_for(|ends| *ends).await) };
    if timeout(LIMIT, ends).await.is_ok() {
        sleep(LIMIT_AT_THE_END).await;
    }
}
