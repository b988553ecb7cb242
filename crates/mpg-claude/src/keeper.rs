//! The owner of one running CLI: its process and pipes, what was submitted, what was reported.
//!
//! It is spoken to through [`Order`]s, by the connections of gateways; what the CLI reports goes to
//! the spool, from which the connections serve it.

mod closing;
mod connection;
mod dialogue;
mod ending;
mod order;
mod screen;
mod signals;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mpg_core::id::RequestId;
use tokio::io::AsyncReadExt as _;
use tokio::select;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use self::closing::Closing;
pub(crate) use self::connection::{Door, serve};
use self::dialogue::Dialogue;
use self::order::{Entered, Order, Owner};
use self::screen::Screen;
use self::signals::Signals;
use crate::log::Log;
use crate::orphans::watch as watch_orphans;
use crate::process::{Process, exit_code};
use crate::request::Seen;
use crate::spool::{Kind, Spool};
use crate::terms::Terms;

/// How many orders may wait.
const ORDERS: usize = 64;
/// How many sights may wait.
const SIGHTS: usize = 8;
/// How much is read at once, in bytes.
const CHUNK: usize = 32 << 10;
/// How long a CLI that closed its output has until it is asked to end.
const SILENT: Duration = Duration::from_secs(1);
/// How long a keeper waits for the gateway that started it.
const FIRST_VISIT: Duration = Duration::from_secs(10);
/// How long until an event that could not be stored is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What was seen for a request.
type Sight = (RequestId, Seen);

/// What the connections are told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    last: u64,
    ready: bool,
    /// Whether nothing will be reported any more.
    over: bool,
}

/// The spool that the keeper writes and its connections read.
#[derive(Clone, Debug)]
pub(crate) struct SharedSpool(Arc<Mutex<Spool>>);

impl SharedSpool {
    pub(crate) fn new(spool: Spool) -> Self {
        Self(Arc::new(Mutex::new(spool)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Spool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Keeper {
    process: Process,
    terms: Arc<Terms>,
    dialogue: Dialogue,
    spool: SharedSpool,
    log: Log,
    screen: Option<Screen>,
    orders: mpsc::Receiver<Order>,
    /// What was seen of what is asked.
    seen: (mpsc::Sender<Sight>, mpsc::Receiver<Sight>),
    news: watch::Sender<News>,
    owner: Option<Owner>,
    guests: u64,
    /// The epoch of the latest gateway.
    epoch: u64,
    /// Since when nobody owns it.
    orphaned: Instant,
    /// Whether anything was submitted: what serves nobody need not be kept.
    used: bool,
    /// Whether more output can come.
    reading: bool,
    /// Until when nothing is stored, because that failed.
    full_until: Option<Instant>,
    closing: Option<Closing>,
    /// Processes of the agent that were seen, so that they can be waited for once they are dead.
    known: BTreeSet<i32>,
}

/// A keeper of `process`, and the door for its gateways.
pub(crate) fn keeper(process: Process, terms: Terms, spool: Spool, log: Log) -> (Keeper, Door) {
    let (orders, order_queue) = mpsc::channel(ORDERS);
    let (news, heard) = watch::channel(News::default());
    let terms = Arc::new(terms);
    let spool = SharedSpool::new(spool);
    let door = Door {
        terms: Arc::clone(&terms),
        orders,
        news: heard,
        spool: spool.clone(),
    };
    let keeper = Keeper {
        dialogue: Dialogue::new(
            &terms.directory,
            terms.permission_mode(),
            terms.allow_requests,
        ),
        process,
        epoch: terms.epoch,
        terms,
        spool,
        log,
        screen: Screen::open(),
        orders: order_queue,
        seen: mpsc::channel(SIGHTS),
        news,
        owner: None,
        guests: 0,
        orphaned: Instant::now(),
        used: false,
        reading: true,
        full_until: None,
        closing: None,
        known: BTreeSet::new(),
    };
    (keeper, door)
}

impl Keeper {
    /// Keeps the process until it ends; whether everything that matters was read by a gateway.
    pub(crate) async fn run(mut self) -> bool {
        let (_alive, session) = oneshot::channel();
        tokio::spawn(watch_orphans(session));
        let mut signals = Signals::new();
        let mut chunk = vec![0; CHUNK];
        let status = loop {
            self.look();
            self.write();
            self.store();
            self.tell(false);
            // An agent whose events cannot be stored waits, instead of filling the memory.
            let reads = self.reading
                && self.dialogue.first_event().is_none()
                && self.spool.lock().has_room();
            let (full_until, orphan_limit) = (self.full_until, self.orphan_limit());
            let closing = self.closing.and_then(Closing::at);
            select! {
                read = self.process.stdout.read(&mut chunk), if reads => {
                    self.read(read.ok().and_then(|length| chunk.get(..length)));
                }
                Some(order) = self.orders.recv() => self.order(order).await,
                Some((id, seen)) = self.seen.1.recv() => self.dialogue.saw(&id, seen),
                () = until(full_until) => self.full_until = None,
                () = until(orphan_limit) => {
                    self.log.line("nobody owns this session any more; it is closed");
                    self.close(self.terms.grace()).await;
                }
                () = until(closing) => self.close_further(),
                () = signals.end() => self.close(self.terms.grace()).await,
                status = self.process.child.wait() => break status,
            }
        };
        let code = status.ok().and_then(exit_code);
        self.finish(code).await
    }

    /// Has looked at what the CLI asks about.
    fn look(&mut self) {
        while let Some((id, look)) = self.dialogue.next_look() {
            let seeing = look.see(self.terms.directory.clone());
            let seen = self.seen.0.clone();
            tokio::spawn(async move {
                let _nobody_asks = seen.send((id, seeing.await)).await.is_err();
            });
        }
    }

    /// Hands what is to be written to the writer.
    fn write(&mut self) {
        while let Some(line) = self.dialogue.next_line() {
            let submit = line.submit.map(|submit| submit.to_string());
            if let Some(submit) = &submit {
                self.note(Kind::In, submit);
            }
            let taken = match &self.process.input {
                Some(input) => input.try_send(line.bytes).is_ok(),
                None => false,
            };
            match submit {
                Some(submit) if taken => self.note(Kind::Written, &submit),
                Some(_) | None => {}
            }
            if !taken {
                self.log
                    .line("a line was not written: the agent does not read");
            }
        }
    }

    fn note(&mut self, kind: Kind, payload: &str) {
        if let Err(error) = self.spool.lock().note(kind, payload.as_bytes()) {
            self.log.line(&format!("a note was not kept: {error}"));
        }
    }

    /// Stores what was reported.
    fn store(&mut self) {
        if self.full_until.is_some() {
            return;
        }
        let mut spool = self.spool.lock();
        while let Some(event) = self.dialogue.first_event() {
            if let Err(error) = spool.keep(event) {
                self.log
                    .line(&format!("an event cannot be stored yet: {error}"));
                self.full_until = Some(Instant::now() + RETRY);
                return;
            }
            if let Some(screen) = &mut self.screen {
                screen.event(event);
            }
            self.dialogue.next_event();
        }
    }

    fn tell(&mut self, over: bool) {
        let now = News {
            last: self.spool.lock().last(),
            ready: self.dialogue.is_ready(),
            over,
        };
        self.news.send_if_modified(|news| {
            let differs = *news != now;
            *news = now;
            differs
        });
    }

    fn read(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) if !bytes.is_empty() => self.dialogue.read(bytes),
            _ => {
                // A CLI without output is on its way out; if it is not, it is no use any more.
                self.reading = false;
                self.begin_closing(SILENT);
            }
        }
    }

    /// When an agent that nobody owns is closed.
    fn orphan_limit(&self) -> Option<Instant> {
        if self.owner.is_some() || self.closing.is_some() {
            return None;
        }
        let limit = if self.guests == 0 {
            FIRST_VISIT
        } else if self.dialogue.open().is_empty() {
            let since = self
                .orphaned
                .max(self.dialogue.last_result().unwrap_or(self.orphaned));
            return Some(since + self.terms.idle_limit());
        } else {
            self.terms.turn_limit()
        };
        // What waits for people waits for a whole turn's time since they were asked.
        let since = self.dialogue.asked_at().unwrap_or(self.orphaned);
        Some(since.max(self.orphaned) + limit)
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
