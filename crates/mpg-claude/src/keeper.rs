//! The owner of one running CLI: its process and pipes, what was submitted, what was reported.
//!
//! It is spoken to through [`Order`]s, by the connections of gateways; what the CLI reports goes to
//! the spool, from which the connections serve it.

mod closing;
mod connection;
mod dialogue;
mod screen;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mpg_core::agent::{Exit, Persistence};
use mpg_core::id::{RequestId, SubmitId};
use mpg_core::port::{OpenError, Submission, Submitted};
use mpg_core::request::Answer;
use tokio::io::AsyncReadExt as _;
use tokio::select;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use self::closing::Closing;
pub(crate) use self::connection::{Door, serve};
use self::dialogue::Dialogue;
use self::screen::Screen;
use crate::log::Log;
use crate::orphans::watch as watch_orphans;
use crate::process::{Process, exit_code};
use crate::request::Seen;
use crate::spool::{Kind, Spool};
use crate::sweep::{marked, sweep};
use crate::terms::Terms;
use crate::wire::{PROTOCOL, Refusal, Status, Welcome};

/// How many orders may wait.
const ORDERS: usize = 64;
/// How many sights may wait.
const SIGHTS: usize = 8;
/// How much is read at once, in bytes.
const CHUNK: usize = 32 << 10;
/// How long a CLI that closed its output has until it is asked to end.
const SILENT: Duration = Duration::from_secs(1);
/// How long the rest of the output may take once everything that could write it is gone.
const REST: Duration = Duration::from_secs(1);
/// How long a keeper waits for the gateway that started it.
const FIRST_VISIT: Duration = Duration::from_secs(10);
/// How long a gateway may take to read what is left once the CLI is gone.
const DRAIN: Duration = Duration::from_secs(5);
/// How long until an event that could not be stored is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What was seen for a request.
type Sight = (RequestId, Seen);

/// What a keeper is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// A gateway comes; the answer says whether it is let in.
    Enter {
        epoch: u64,
        entered: oneshot::Sender<Result<Entered, Refusal>>,
    },
    /// A gateway is gone, and has read all there was or not.
    Left {
        guest: u64,
        drained: bool,
    },
    Submit {
        submission: Submission,
        reply: oneshot::Sender<Result<Submitted, OpenError>>,
    },
    Interrupt,
    Withdraw(SubmitId),
    Respond {
        request: RequestId,
        answer: Answer,
    },
    Acknowledge(u64),
    Close(Duration),
    Status(oneshot::Sender<Status>),
    /// Ends it if nobody owns it, in the middle of a turn only if `busy`; the answer says whether.
    Reap {
        busy: bool,
        reply: oneshot::Sender<bool>,
    },
}

/// What a gateway that was let in gets.
#[derive(Debug)]
pub(crate) struct Entered {
    guest: u64,
    /// Closes when a later gateway comes.
    fence: oneshot::Receiver<()>,
    welcome: Welcome,
}

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

/// The gateway that is connected.
#[derive(Debug)]
struct Owner {
    guest: u64,
    _fence: oneshot::Sender<()>,
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

    async fn order(&mut self, order: Order) {
        match order {
            Order::Enter { epoch, entered } => {
                let welcome = self.enter(epoch);
                let _gone_again = entered.send(welcome);
            }
            Order::Left { guest, .. } => {
                if self.owner.take_if(|owner| owner.guest == guest).is_some() {
                    self.orphaned = Instant::now();
                    let kept = self.terms.persistence() != Persistence::None;
                    if !kept || !self.used {
                        self.close(Duration::ZERO).await;
                    }
                }
            }
            Order::Submit { submission, reply } => {
                self.used = true;
                if let Some(screen) = &mut self.screen {
                    screen.prompt(&submission.prompt);
                }
                let open = self.process.input.is_some();
                self.dialogue.submit(submission, reply, open);
            }
            Order::Interrupt => self.dialogue.interrupt(),
            Order::Withdraw(submit) => self.dialogue.withdraw(submit),
            Order::Respond { request, answer } => {
                if self.dialogue.respond(&request, &answer) {
                    self.note(Kind::Responded, request.as_str());
                }
            }
            Order::Acknowledge(seq) => self.acknowledge(seq),
            Order::Close(grace) => self.close(grace).await,
            Order::Status(reply) => {
                let _gone_again = reply.send(self.status());
            }
            Order::Reap { busy, reply } => {
                let status = self.status();
                let ends = !status.owned && (busy || !status.busy);
                if ends {
                    self.close(self.terms.grace()).await;
                }
                let _gone_again = reply.send(ends);
            }
        }
    }

    fn enter(&mut self, epoch: u64) -> Result<Entered, Refusal> {
        if epoch < self.epoch {
            return Err(Refusal::Epoch);
        }
        self.epoch = epoch;
        self.guests += 1;
        let (fence, fenced) = oneshot::channel();
        // Dropping the one before closes its fence.
        self.owner = Some(Owner {
            guest: self.guests,
            _fence: fence,
        });
        let spool = self.spool.lock();
        let submits = self.dialogue.open().iter();
        let asking = self.dialogue.asking();
        Ok(Entered {
            guest: self.guests,
            fence: fenced,
            welcome: Welcome {
                protocol: PROTOCOL,
                last: spool.last(),
                acknowledged: spool.acknowledged(),
                submits: submits.map(ToString::to_string).collect(),
                asking: asking.map(|request| request.as_str().to_owned()).collect(),
                unread: spool.has_unread(),
                closing: self.closing.is_some(),
                fingerprint: self.terms.fingerprint.clone(),
            },
        })
    }

    fn status(&self) -> Status {
        Status {
            busy: !self.dialogue.open().is_empty(),
            owned: self.owner.is_some(),
            unread: self.spool.lock().has_unread(),
        }
    }

    fn acknowledge(&mut self, seq: u64) {
        if let Err(error) = self.spool.lock().acknowledge(seq) {
            self.log.line(&format!("nothing could be dropped: {error}"));
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

    async fn close(&mut self, grace: Duration) {
        self.known.extend(marked(&self.terms.marker).await);
        self.begin_closing(grace);
    }

    /// Closes standard input; a shorter grace replaces a longer one.
    fn begin_closing(&mut self, grace: Duration) {
        self.process.input = None;
        self.closing = Some(Closing::begin(self.closing, Instant::now() + grace));
    }

    fn close_further(&mut self) {
        let last_result = self.dialogue.last_result();
        if let Some(closing) = &mut self.closing {
            closing.advance(&self.process.group, last_result);
        }
    }

    /// Ends what the agent left, reads what it said last, and tells whoever is there.
    async fn finish(mut self, code: Option<i32>) -> bool {
        let leader = self.process.group.leader();
        self.process.group.retire();
        sweep(&self.terms.marker, leader, std::mem::take(&mut self.known)).await;
        let mut chunk = vec![0; CHUNK];
        let rest = async {
            while let Ok(length @ 1..) = self.process.stdout.read(&mut chunk).await {
                self.dialogue.read(&chunk[..length]);
                if !self.spool.lock().has_room() {
                    break;
                }
                while let Some(event) = self.dialogue.first_event() {
                    if self.spool.lock().keep(event).is_err() {
                        break;
                    }
                    self.dialogue.next_event();
                }
            }
        };
        if self.reading && timeout(REST, rest).await.is_err() {
            self.log
                .line("something else holds the agent's output open");
        }
        let stderr = self.process.stderr.finish().await;
        self.dialogue.exited(Exit { code, stderr });
        self.full_until = None;
        self.store();
        let left_out = self.spool.lock().left_out();
        if left_out > 0 {
            let line = format!("{left_out} events were left out: nobody stored what came before");
            self.log.line(&line);
        }
        self.tell(true);
        self.drain().await
    }

    /// Waits until the gateway has read everything, the one that started this too if the agent was
    /// quicker; whether it did, or none is there.
    async fn drain(&mut self) -> bool {
        let until = Instant::now() + DRAIN;
        let mut read = true;
        while self.owner.is_some() || self.guests == 0 {
            select! {
                order = self.orders.recv() => match order {
                    Some(Order::Left { guest, drained }) => {
                        if self.owner.take_if(|owner| owner.guest == guest).is_some() {
                            read = drained;
                        }
                    }
                    Some(Order::Enter { epoch, entered }) => {
                        let welcome = self.enter(epoch);
                        let _gone_again = entered.send(welcome);
                    }
                    Some(Order::Acknowledge(seq)) => self.acknowledge(seq),
                    Some(Order::Status(reply)) => {
                        let _gone_again = reply.send(self.status());
                    }
                    // Their replies say by themselves that nobody is there.
                    Some(
                        Order::Submit { .. } | Order::Interrupt | Order::Withdraw(_)
                        | Order::Respond { .. }
                        | Order::Close(_) | Order::Reap { .. },
                    ) => {}
                    None => return false,
                },
                () = sleep_until(until) => return false,
            }
        }
        read && !self.spool.lock().has_unread()
    }
}

/// What the system tells the keeper itself.
struct Signals {
    terminate: Option<Signal>,
    hang_up: Option<Signal>,
    interrupt: Option<Signal>,
}

impl Signals {
    fn new() -> Self {
        Self {
            terminate: signal(SignalKind::terminate()).ok(),
            hang_up: signal(SignalKind::hangup()).ok(),
            interrupt: signal(SignalKind::interrupt()).ok(),
        }
    }

    /// Waits until it is told to end. Somebody who watches and presses ctrl-c does not end it.
    async fn end(&mut self) {
        loop {
            select! {
                () = next(&mut self.terminate) => return,
                () = next(&mut self.hang_up) => return,
                () = next(&mut self.interrupt) => {}
            }
        }
    }
}

async fn next(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending::<()>().await;
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
