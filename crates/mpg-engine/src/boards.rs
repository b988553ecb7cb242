//! The messages of channels that tell what their threads do: the newest state of each, when it has
//! settled, within what the platform allows. All of it may be lost: the next start says it again.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use mpg_core::board::BoardMessage;
use mpg_core::event::Event;
use mpg_core::id::{ChannelKey, MessageId};
use mpg_core::port::{DeliveryError, Outbox};
use mpg_core::post::Post;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};
use tracing::{debug, error};

use crate::edits::Edits;

/// How long a state is waited for to become another one: what is over that soon is not shown.
const SETTLES: Duration = Duration::from_secs(3);

/// How long one change is tried, and how long it takes until it is tried again.
const LIMIT: Duration = Duration::from_secs(10);

/// How often a change is tried.
const TRIES: u32 = 5;

/// The messages of all channels.
#[derive(Debug)]
pub(crate) struct Boards {
    edits: Edits,
    channels: BTreeMap<ChannelKey, Arc<Channel>>,
    tasks: JoinSet<Done>,
    /// Whether nothing settles any more, because the end is near.
    hurry: Arc<Hurry>,
}

/// Whether the end is near. Those who wait hear of it in the order in which they began to.
#[derive(Debug, Default)]
struct Hurry {
    begun: AtomicBool,
    told: Notify,
}

/// One of them.
#[derive(Debug, Default)]
struct Channel(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What it is to show, if that is not on its way.
    next: Option<(Arc<dyn Outbox>, Box<BoardMessage>)>,
    /// What it shows.
    shown: Option<(MessageId, String)>,
    /// Whether a task brings it up to date.
    tended: bool,
}

/// A task has nothing to do any more.
#[derive(Debug)]
struct Done {
    channel: ChannelKey,
    /// The message, if it is not there any more.
    gone: Option<MessageId>,
}

impl Boards {
    pub(crate) fn new(edits: Edits) -> Self {
        Self {
            edits,
            channels: BTreeMap::new(),
            tasks: JoinSet::new(),
            hurry: Arc::default(),
        }
    }

    /// Shows the newest state of a channel.
    pub(crate) fn show(&mut self, outbox: &Arc<dyn Outbox>, message: Box<BoardMessage>) {
        let key = message.place.channel.clone();
        let channel = Arc::clone(self.channels.entry(key.clone()).or_default());
        channel.change(|state| state.next = Some((Arc::clone(outbox), message)));
        self.tend(key, channel);
    }

    /// Lets everything be shown that is to be shown yet, without delay.
    pub(crate) fn hurry(&self) {
        self.hurry.begun.store(true, Ordering::Release);
        self.hurry.told.notify_waiters();
    }

    /// Whether everything is shown.
    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Goes on when a message is up to date; tells when it turned out to be gone. Pending while there
    /// is nothing to do.
    ///
    /// Cancel safe.
    pub(crate) async fn advance(&mut self) -> Option<Event> {
        let Some(done) = self.tasks.join_next().await else {
            return std::future::pending().await;
        };
        let Done { channel, gone } = done.ok()?;
        if let Some(known) = self.channels.get(&channel).cloned() {
            known.change(|state| state.tended = false);
            self.tend(channel.clone(), known);
        }
        gone.map(|message| Event::BoardGone { channel, message })
    }

    fn tend(&mut self, key: ChannelKey, channel: Arc<Channel>) {
        let starts = channel.change(|state| {
            let starts = state.next.is_some() && !state.tended;
            state.tended |= starts;
            starts
        });
        if starts {
            let tending = tend(channel, self.edits.clone(), Arc::clone(&self.hurry));
            self.tasks.spawn(async move {
                let tended = AssertUnwindSafe(tending).catch_unwind().await;
                let gone = tended.unwrap_or_else(|_| {
                    error!(channel = %key, "showing what threads do panicked");
                    None
                });
                Done { channel: key, gone }
            });
        }
    }
}

impl Hurry {
    async fn wait(&self) {
        let told = self.told.notified();
        if !self.begun.load(Ordering::Acquire) {
            told.await;
        }
    }
}

impl Channel {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Changes a message until it shows the newest state; gives it back if it is gone.
async fn tend(channel: Arc<Channel>, edits: Edits, hurry: Arc<Hurry>) -> Option<MessageId> {
    let mut tries = 0;
    loop {
        drop(timeout(SETTLES, hurry.wait()).await);
        let (place, limit) = channel.change(|state| {
            let (_, newest) = state.next.as_ref()?;
            Some((newest.place.clone(), newest.pace))
        })?;
        let permit = loop {
            match edits.pass(&place, limit) {
                Ok(permit) => break permit,
                Err(next) => sleep_until(next).await,
            }
        };
        let (outbox, newest) = channel.change(|state| state.next.take())?;
        let text = newest
            .board
            .text(|place| outbox.link(place), |at| outbox.moment(at));
        let shown = Some((newest.message.clone(), text.clone()));
        if channel.change(|state| state.shown == shown) {
            continue;
        }
        let post = Post {
            text,
            ..newest.post.clone()
        };
        let edited = timeout(LIMIT, outbox.edit(&place, &newest.message, &post)).await;
        drop(permit);
        let failure = match edited {
            Ok(Ok(())) => {
                tries = 0;
                channel.change(|state| state.shown = shown);
                continue;
            }
            Ok(Err(failure)) => failure,
            Err(_) => DeliveryError::Unknown("it took too long".to_owned()),
        };
        debug!(%place, error = %failure, "what the threads do was not shown");
        let wait = match failure {
            DeliveryError::Removed(_) | DeliveryError::Gone(_) => return Some(newest.message),
            DeliveryError::Rejected(_) | DeliveryError::Unsupported => continue,
            DeliveryError::Transient { retry_after, .. } => retry_after.unwrap_or(LIMIT),
            DeliveryError::Unknown(_) => LIMIT,
        };
        tries += 1;
        if tries < TRIES {
            channel.change(|state| {
                state.next.get_or_insert((outbox, newest));
            });
            sleep(wait).await;
        }
    }
}
