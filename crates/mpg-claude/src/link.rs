//! A gateway's connection to a keeper: the two halves of a session that runs.

mod aftermath;
mod control;
mod entry;
mod reading;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use mpg_core::agent::{AgentEvent, Exit, Persistence, Seq};
use mpg_core::port::AgentEvents;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use self::aftermath::{remove, settle};
use self::control::Control;
pub(crate) use self::entry::{Entrance, NoEntry, enter};
use self::reading::Reading;
use crate::folder::Folder;
use crate::identity::Identity;
use crate::ownership::Claim;
use crate::transcript::Transcript;
use crate::wire::{self, Outcome, ToKeeper};

/// How many events may be on their way to whoever reads them.
const WINDOW: usize = 128;
/// How many frames may wait to be written.
const FRAMES: usize = 64;

/// Whom a connection is to.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Given back when this is dropped.
    pub(crate) _claim: Claim,
    pub(crate) folder: Folder,
    pub(crate) keeper: Identity,
    pub(crate) persistence: Persistence,
    pub(crate) transcript: Transcript,
}

/// A session that runs.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) control: Arc<Control>,
    pub(crate) events: Events,
    /// What the session had reported when it was taken over.
    pub(crate) replayed: Seq,
    /// Whether the CLI takes submissions, or how it ended instead.
    pub(crate) ready: oneshot::Receiver<Result<(), Exit>>,
}

impl Link {
    /// Takes a session over.
    pub(crate) fn new(entrance: Entrance, kept: Kept) -> Self {
        let Entrance { welcome, stream } = entrance;
        let (reader, writer) = stream.into_split();
        let (frames, to_write) = mpsc::channel(FRAMES);
        let (told, events) = mpsc::channel(WINDOW);
        let (told_ready, ready) = oneshot::channel();
        let (end, ended) = watch::channel(false);
        let (halves, dropped) = oneshot::channel();
        let replayed = Seq(welcome.last);
        let pending = Pending::default();
        let leaving = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        tokio::spawn(write(writer, to_write, halves));
        let control = Arc::new(Control {
            frames: frames.clone(),
            pending: pending.clone(),
            number: AtomicU64::new(0),
            keeper: kept.keeper,
            folder: kept.folder.clone(),
            persistence: kept.persistence,
            transcript: kept.transcript.clone(),
            leaving: Arc::clone(&leaving),
            acknowledged: Arc::clone(&acknowledged),
            ended,
        });
        let reading = Reading {
            reader,
            events: told,
            pending,
            ready: Some(told_ready),
            asking: welcome.asking.into_iter().collect(),
            replay_until: welcome.last,
            last: welcome.acknowledged,
            exited: false,
            leaving,
            acknowledged,
        };
        tokio::spawn(reading.run(dropped, kept, end));
        let mut events = Events {
            told: events,
            frames,
            owed: WINDOW as u64,
        };
        events.pay(0);
        Self {
            control,
            events,
            replayed,
            ready,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Pending(Arc<Mutex<BTreeMap<u64, oneshot::Sender<Outcome>>>>);

impl Pending {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<u64, oneshot::Sender<Outcome>>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes until nobody is left who could say something; then `halves` closes.
async fn write(
    mut writer: OwnedWriteHalf,
    mut frames: mpsc::Receiver<ToKeeper>,
    halves: oneshot::Sender<()>,
) {
    while let Some(frame) = frames.recv().await {
        let Ok(frame) = wire::frame(&frame) else {
            tracing::warn!("a keeper was not told something that is too long");
            continue;
        };
        if writer.write_all(&frame).await.is_err() {
            // What reads finds out by itself, and may have something to read before.
            while frames.recv().await.is_some() {}
            break;
        }
    }
    drop(halves);
}

/// The half of a session that reports.
#[derive(Debug)]
pub(crate) struct Events {
    told: mpsc::Receiver<(Seq, AgentEvent)>,
    frames: mpsc::Sender<ToKeeper>,
    /// How many events more than it was told the keeper may send.
    owed: u64,
}

impl Events {
    /// Lets the keeper send more, once that is worth a frame.
    fn pay(&mut self, taken: u64) {
        self.owed += taken;
        if self.owed >= WINDOW as u64 / 2 {
            let credit = ToKeeper::Credit { events: self.owed };
            if self.frames.try_send(credit).is_ok() {
                self.owed = 0;
            }
        }
    }
}

#[async_trait]
impl AgentEvents for Events {
    async fn next(&mut self) -> Option<(Seq, AgentEvent)> {
        let event = self.told.recv().await;
        self.pay(u64::from(event.is_some()));
        event
    }
}
