//! One task an inbox: what comes in passes through a bounded channel, so that a busy engine slows
//! the adapter down instead of growing.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use mpg_core::id::{PlatformId, Position};
use mpg_core::message::{Inbound, Link};
use mpg_core::port::Inbox;
use tokio::sync::{mpsc, watch};

/// How many things may wait between an adapter and the engine.
const CAPACITY: usize = 64;

/// What an inbox said.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// Something happened.
    Inbound(PlatformId, Box<Inbound>, Option<Position>),
    /// Nothing will come any more.
    Ended(PlatformId),
}

/// The engine's end of all inboxes.
#[derive(Debug)]
pub(crate) struct Intake {
    sender: mpsc::Sender<Arrival>,
    pub(crate) arrivals: mpsc::Receiver<Arrival>,
}

impl Intake {
    pub(crate) fn new() -> Self {
        let (sender, arrivals) = mpsc::channel(CAPACITY);
        Self { sender, arrivals }
    }

    /// A task that reads `inbox`, and the place to say how far it is stored.
    ///
    /// An inbox that panics counts as a platform that failed for good.
    pub(crate) fn read(
        &self,
        platform: PlatformId,
        inbox: Box<dyn Inbox>,
    ) -> (
        watch::Sender<Option<Position>>,
        impl Future<Output = ()> + Send + 'static,
    ) {
        let (stored, acknowledged) = watch::channel(None);
        let sender = self.sender.clone();
        let task = async move {
            let reading = read(&platform, inbox, &sender, acknowledged);
            if AssertUnwindSafe(reading).catch_unwind().await.is_err() {
                let reason = "its adapter failed unexpectedly; the log has the place".to_owned();
                let failed = Box::new(Inbound::Link(Link::Failed { reason }));
                let failed = Arrival::Inbound(platform.clone(), failed, None);
                // An engine that is gone needs to know nothing.
                drop(sender.send(failed).await);
                drop(sender.send(Arrival::Ended(platform)).await);
            }
        };
        (stored, task)
    }
}

async fn read(
    platform: &PlatformId,
    mut inbox: Box<dyn Inbox>,
    sender: &mpsc::Sender<Arrival>,
    mut acknowledged: watch::Receiver<Option<Position>>,
) {
    loop {
        tokio::select! {
            biased;
            changed = acknowledged.changed() => {
                if changed.is_err() {
                    return;
                }
                let position: Option<Position> = acknowledged.borrow_and_update().clone();
                if let Some(position) = position {
                    inbox.ack(&position);
                }
            }
            next = inbox.next() => {
                let (arrival, last) = match next {
                    Some((inbound, position)) => (
                        Arrival::Inbound(platform.clone(), Box::new(inbound), position),
                        false,
                    ),
                    None => (Arrival::Ended(platform.clone()), true),
                };
                if sender.send(arrival).await.is_err() || last {
                    return;
                }
            }
        }
    }
}
