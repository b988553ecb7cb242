//! A gateway's connection to a keeper: the two halves of a session that runs.

mod aftermath;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::{AgentEvent, Exit, Persistence, Seq};
use mpg_core::id::{RequestId, SubmitId};
use mpg_core::port::{AgentControl, AgentEvents, OpenError, Submission, Submitted};
use mpg_core::request::Answer;
use rustix::process::{Signal, kill_process};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::select;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use self::aftermath::aftermath;
pub(crate) use self::aftermath::{remove, settle};
use crate::folder::Folder;
use crate::identity::Identity;
use crate::ownership::Claim;
use crate::terms::milliseconds;
use crate::transcript::Transcript;
use crate::wire::{self, FromKeeper, Hello, Outcome, Refusal, ToKeeper, Welcome};

/// How many events may be on their way to whoever reads them.
const WINDOW: usize = 128;
/// How many frames may wait to be written.
const FRAMES: usize = 64;
/// How long a keeper may take to let a gateway in.
const ENTRY: Duration = Duration::from_secs(5);
/// How long a keeper may take beyond its agent's grace until it is ended itself.
const FORCE: Duration = Duration::from_secs(15);

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum NoEntry {
    /// Nobody answers.
    Silent(io::Error),
    Refused(Refusal),
}

impl From<io::Error> for NoEntry {
    fn from(error: io::Error) -> Self {
        Self::Silent(error)
    }
}

/// A connection that was let in.
pub(crate) struct Entrance {
    pub(crate) welcome: Welcome,
    stream: UnixStream,
}

/// Asks a keeper to be let in.
pub(crate) async fn enter(mut stream: UnixStream, hello: Hello) -> Result<Entrance, NoEntry> {
    let asking = async {
        stream
            .write_all(&wire::frame(&ToKeeper::Hello(hello))?)
            .await?;
        wire::read::<FromKeeper>(&mut stream).await
    };
    let said = timeout(ENTRY, asking).await.map_err(io::Error::from)??;
    match said {
        Some(FromKeeper::Welcome(welcome)) => Ok(Entrance { welcome, stream }),
        Some(FromKeeper::Refused { reason }) => Err(NoEntry::Refused(reason)),
        Some(_) | None => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
    }
}

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

/// The reading end.
struct Reading {
    reader: OwnedReadHalf,
    events: mpsc::Sender<(Seq, AgentEvent)>,
    pending: Pending,
    ready: Option<oneshot::Sender<Result<(), Exit>>>,
    /// The requests that waited for an answer when this gateway came.
    asking: BTreeSet<String>,
    /// Up to here events may be known already.
    replay_until: u64,
    last: u64,
    exited: bool,
    /// Whether the keeper was told that this gateway goes, so that its silence means nothing else.
    leaving: Arc<AtomicBool>,
    /// The number up to which this gateway said that everything is stored, or 0.
    acknowledged: Arc<AtomicU64>,
}

/// Why reading ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    /// Nobody here has anything to do with the session any more.
    Left,
    /// The keeper says nothing more.
    Silent,
}

impl Reading {
    async fn run(
        mut self,
        mut dropped: oneshot::Receiver<()>,
        kept: Kept,
        end: watch::Sender<bool>,
    ) {
        let over = select! {
            _ = &mut dropped => Over::Left,
            over = self.read() => over,
        };
        // A keeper that sees this gateway go falls silent too; that is not its end.
        let left = self.leaving.load(Ordering::Relaxed)
            || matches!(dropped.try_recv(), Err(TryRecvError::Closed));
        let over = if left { Over::Left } else { over };
        drop(self.reader);
        self.pending.with(BTreeMap::clear);
        let rest = match over {
            Over::Left => Vec::new(),
            Over::Silent => aftermath(&kept, self.last, self.exited).await,
        };
        end.send_replace(true);
        // What was said to a keeper that was gone by then is not lost.
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        if over == Over::Silent && acknowledged > 0 {
            settle(kept.folder.clone(), Seq(acknowledged)).await;
        }
        drop(kept);
        for (seq, event) in rest {
            if let AgentEvent::Exited(exit) = &event {
                told(&mut self.ready, Err(exit.clone()));
            }
            if self.events.send((seq, event)).await.is_err() {
                return;
            }
        }
    }

    async fn read(&mut self) -> Over {
        loop {
            let frame = match wire::read::<FromKeeper>(&mut self.reader).await {
                Ok(Some(frame)) => frame,
                Ok(None) => return Over::Silent,
                Err(error) => {
                    tracing::debug!(%error, "the connection to a keeper broke");
                    return Over::Silent;
                }
            };
            match frame {
                FromKeeper::Ready => told(&mut self.ready, Ok(())),
                FromKeeper::Submitted { number, outcome } => {
                    let waiting = self.pending.with(|pending| pending.remove(&number));
                    if let Some(waiting) = waiting {
                        let _gave_up = waiting.send(outcome).is_err();
                    }
                }
                FromKeeper::Event { seq, event } => {
                    self.last = self.last.max(seq);
                    if let Some(event) = event.into_event().filter(|event| self.matters(seq, event))
                    {
                        if let AgentEvent::Exited(exit) = &event {
                            self.exited = true;
                            told(&mut self.ready, Err(exit.clone()));
                        }
                        // Where nobody reads, what is told is still passed on.
                        let _nobody_reads = self.events.send((Seq(seq), event)).await.is_err();
                    }
                }
                FromKeeper::Replaced => {
                    tracing::warn!("a later gateway took a session over");
                    return Over::Left;
                }
                FromKeeper::Welcome(_)
                | FromKeeper::Refused { .. }
                | FromKeeper::Status(_)
                | FromKeeper::Reaped { .. }
                | FromKeeper::Unknown => {}
            }
        }
    }

    /// A request that an earlier gateway answered is not shown again.
    fn matters(&self, seq: u64, event: &AgentEvent) -> bool {
        if let AgentEvent::Requested(request) = event {
            seq > self.replay_until || self.asking.contains(request.id.as_str())
        } else {
            true
        }
    }
}

fn told(ready: &mut Option<oneshot::Sender<Result<(), Exit>>>, how: Result<(), Exit>) {
    if let Some(ready) = ready.take() {
        let _opener_gave_up = ready.send(how).is_err();
    }
}

/// The half of a session that tells.
#[derive(Debug)]
pub(crate) struct Control {
    frames: mpsc::Sender<ToKeeper>,
    pending: Pending,
    number: AtomicU64,
    keeper: Identity,
    folder: Folder,
    persistence: Persistence,
    transcript: Transcript,
    leaving: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    /// Whether the keeper is gone, or left.
    ended: watch::Receiver<bool>,
}

impl Control {
    async fn say(&self, frame: ToKeeper) {
        // A keeper that is gone has nothing left to be told.
        let mut ended = self.ended.clone();
        select! {
            _ = ended.wait_for(|ended| *ended) => {}
            said = self.frames.send(frame) => drop(said),
        }
    }

    async fn until_ended(&self) {
        let mut ended = self.ended.clone();
        // An error means that the end was not told because the runtime itself is gone.
        let _ended = ended.wait_for(|ended| *ended).await.is_ok();
    }
}

#[async_trait]
impl AgentControl for Control {
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError> {
        if *self.ended.borrow() {
            return Err(OpenError::NotRunning);
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        self.pending.with(|pending| pending.insert(number, reply));
        self.say(ToKeeper::Submit {
            number,
            submit: submission.id.to_string(),
            prompt: submission.prompt,
            images: submission.images.into_iter().map(Into::into).collect(),
            repeat: submission.repeat,
        })
        .await;
        let mut ended = self.ended.clone();
        let outcome = select! {
            biased;
            outcome = answer => outcome.ok(),
            _ = ended.wait_for(|ended| *ended) => None,
        };
        self.pending.with(|pending| pending.remove(&number));
        match outcome {
            Some(Outcome::New) => Ok(Submitted::New),
            Some(Outcome::Known) => Ok(Submitted::Known),
            Some(Outcome::InterruptedBefore) => Ok(Submitted::InterruptedBefore),
            Some(Outcome::Failed(message)) => Err(OpenError::Failed(message)),
            Some(Outcome::NotRunning) | None => Err(OpenError::NotRunning),
        }
    }

    async fn is_behind(&self) -> bool {
        self.transcript.went_on_elsewhere().await
    }

    async fn interrupt(&self) {
        self.say(ToKeeper::Interrupt).await;
    }

    async fn withdraw(&self, id: SubmitId) {
        let submit = id.to_string();
        self.say(ToKeeper::Withdraw { submit }).await;
    }

    async fn respond(&self, request: &RequestId, answer: Answer) {
        self.say(ToKeeper::Respond {
            request: request.as_str().to_owned(),
            answer: answer.into(),
        })
        .await;
    }

    async fn acknowledge(&self, seq: Seq) {
        self.acknowledged.fetch_max(seq.0, Ordering::SeqCst);
        if *self.ended.borrow() {
            settle(self.folder.clone(), seq).await;
        } else {
            self.say(ToKeeper::Acknowledge { seq: seq.0 }).await;
        }
    }

    async fn close(&self, grace: Duration) {
        let grace_ms = milliseconds(grace);
        self.say(ToKeeper::Close { grace_ms }).await;
        if timeout(grace + FORCE, self.until_ended()).await.is_ok() {
            return;
        }
        tracing::warn!(
            keeper = self.keeper.pid,
            "a keeper does not end; it is killed"
        );
        if let Some(keeper) = self.keeper.pid() {
            let _gone = kill_process(keeper, Signal::KILL).is_err();
        }
        self.until_ended().await;
    }

    async fn leave(&self, grace: Duration) {
        match self.persistence {
            Persistence::Keeper | Persistence::Tmux => {
                self.leaving.store(true, Ordering::Relaxed);
                self.say(ToKeeper::Leave).await;
                // One that does not answer sees the connection close when this is dropped.
                drop(timeout(grace, self.until_ended()).await);
            }
            Persistence::None => self.close(grace).await,
        }
    }
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
