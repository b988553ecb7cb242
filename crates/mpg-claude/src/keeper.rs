//! The owner of one running CLI: its process and pipes, what was submitted, what was reported.
//!
//! It is spoken to through channels alone, so that it does not matter where it runs.

mod dialogue;

use std::collections::BTreeSet;
use std::time::Duration;

use mpg_core::agent::{AgentEvent, Exit, PermissionAnswer, PermissionMode, Seq};
use mpg_core::id::RequestId;
use mpg_core::port::{OpenError, Submission, Submitted};
use rustix::process::Signal;
use tokio::io::AsyncReadExt as _;
use tokio::select;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use self::dialogue::Dialogue;
use crate::orphans::watch;
use crate::ownership::Claim;
use crate::process::{Process, exit_code};
use crate::sweep::{marked, sweep};

/// How many events may wait for whoever reads them; then the CLI waits too.
const EVENTS: usize = 256;
/// How many orders may wait.
const ORDERS: usize = 64;
/// How much is read at once, in bytes.
const CHUNK: usize = 32 << 10;
/// How long a process has between TERM and KILL.
const TERM_WAIT: Duration = Duration::from_secs(1);
/// How long after a result the transcript may still be unwritten (seen: about 100 ms).
const TRANSCRIPT_WAIT: Duration = Duration::from_millis(250);
/// How long the rest of the output may take once everything that could write it is gone.
const REST: Duration = Duration::from_secs(1);

/// What a keeper is told.
#[derive(Debug)]
pub(crate) enum Order {
    Submit {
        submission: Submission,
        reply: oneshot::Sender<Result<Submitted, OpenError>>,
    },
    Interrupt,
    Respond {
        request: RequestId,
        answer: PermissionAnswer,
    },
    Close {
        grace: Duration,
        done: oneshot::Sender<()>,
    },
}

/// What a keeper needs to know of its session.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) directory: String,
    pub(crate) marker: String,
    pub(crate) mode: PermissionMode,
    /// Whether tools that ask are always allowed.
    pub(crate) allow_requests: bool,
    /// How long the CLI has to end by itself when nobody can tell it anything any more.
    pub(crate) grace: Duration,
}

/// A keeper, seen from outside.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) events: mpsc::Receiver<(Seq, AgentEvent)>,
    /// Whether the CLI takes submissions, or how it ended instead.
    pub(crate) ready: oneshot::Receiver<Result<(), Exit>>,
}

/// Keeps a process until it ends, or until both orders and events are dropped.
pub(crate) fn keep(process: Process, terms: Terms, claim: Claim) -> Kept {
    let (orders, order_queue) = mpsc::channel(ORDERS);
    let (event_queue, events) = mpsc::channel(EVENTS);
    let (told, ready) = oneshot::channel();
    let keeper = Keeper {
        dialogue: Dialogue::new(&terms, told),
        process,
        terms,
        orders: order_queue,
        events: event_queue,
        reading: true,
        closing: None,
        waiting: Vec::new(),
        known: BTreeSet::new(),
    };
    tokio::spawn(keeper.run(claim));
    Kept {
        orders,
        events,
        ready,
    }
}

#[derive(Debug)]
struct Keeper {
    process: Process,
    terms: Terms,
    dialogue: Dialogue,
    orders: mpsc::Receiver<Order>,
    events: mpsc::Sender<(Seq, AgentEvent)>,
    /// Whether more output can come.
    reading: bool,
    closing: Option<Closing>,
    /// Who waits for the end.
    waiting: Vec<oneshot::Sender<()>>,
    /// Processes of the agent that were seen, so that they can be waited for once they are dead.
    known: BTreeSet<i32>,
}

/// How far the end has come.
#[derive(Clone, Copy, Debug)]
struct Closing {
    next: Step,
    at: Instant,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Terminate,
    Kill,
    /// Nothing is left to do but wait.
    Wait,
}

impl Keeper {
    async fn run(mut self, claim: Claim) {
        let (_alive, session) = oneshot::channel();
        tokio::spawn(watch(session));
        let mut chunk = vec![0; CHUNK];
        let mut attended = true;
        let events = self.events.clone();
        let status = loop {
            self.write();
            self.report();
            let backlog = self.dialogue.has_events();
            select! {
                permit = events.reserve(), if backlog => match permit {
                    Ok(permit) => {
                        if let Some(event) = self.dialogue.next_event() {
                            permit.send(event);
                        }
                    }
                    Err(_) => self.dialogue.forget_events(),
                },
                // Whoever reads slowly slows the CLI down, instead of filling the memory.
                read = self.process.stdout.read(&mut chunk), if self.reading && !backlog => {
                    self.read(read.ok().and_then(|length| chunk.get(..length)));
                }
                order = self.orders.recv(), if attended => {
                    attended = order.is_some();
                    self.order(order).await;
                }
                () = events.closed(), if !attended && self.closing_waits() => {
                    self.hasten();
                }
                () = until(self.closing) => self.close_further(),
                status = self.process.child.wait() => break status,
            }
        };
        drop(events);
        let code = status.ok().and_then(exit_code);
        self.finish(code, claim).await;
    }

    /// Hands what is to be written to the writer.
    fn write(&mut self) {
        while let Some(line) = self.dialogue.next_line() {
            let taken = match &self.process.input {
                Some(input) => input.try_send(line).is_ok(),
                None => false,
            };
            if !taken {
                tracing::debug!("a line was not written: the agent does not read");
            }
        }
    }

    /// Hands out as many events as are taken at once.
    fn report(&mut self) {
        while self.dialogue.has_events() {
            let Ok(permit) = self.events.try_reserve() else {
                return;
            };
            if let Some(event) = self.dialogue.next_event() {
                permit.send(event);
            }
        }
    }

    fn read(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) if !bytes.is_empty() => self.dialogue.read(bytes),
            _ => {
                // A CLI without output is on its way out; if it is not, it is no use any more.
                self.reading = false;
                self.begin_closing(TERM_WAIT);
            }
        }
    }

    async fn order(&mut self, order: Option<Order>) {
        match order {
            None => {
                let grace = self.terms.grace;
                self.close(grace).await;
            }
            Some(Order::Submit { submission, reply }) => {
                let open = self.process.input.is_some();
                self.dialogue.submit(submission, reply, open);
            }
            Some(Order::Interrupt) => self.dialogue.interrupt(),
            Some(Order::Respond { request, answer }) => self.dialogue.respond(&request, &answer),
            Some(Order::Close { grace, done }) => {
                self.waiting.push(done);
                self.close(grace).await;
            }
        }
    }

    async fn close(&mut self, grace: Duration) {
        self.known.extend(marked(&self.terms.marker).await);
        self.begin_closing(grace);
    }

    /// Closes standard input; a shorter grace replaces a longer one.
    fn begin_closing(&mut self, grace: Duration) {
        self.process.input = None;
        let at = Instant::now() + grace;
        if self
            .closing
            .is_none_or(|closing| matches!(closing.next, Step::Terminate) && at < closing.at)
        {
            self.closing = Some(Closing {
                next: Step::Terminate,
                at,
            });
        }
    }

    fn closing_waits(&self) -> bool {
        self.closing.is_some_and(|closing| {
            matches!(closing.next, Step::Terminate) && closing.at > Instant::now()
        })
    }

    /// Nobody is left to see the end.
    fn hasten(&mut self) {
        self.dialogue.forget_events();
        self.begin_closing(Duration::ZERO);
    }

    fn close_further(&mut self) {
        let now = Instant::now();
        let Some(closing) = self.closing else {
            return;
        };
        match closing.next {
            Step::Terminate => {
                self.process.group.signal(Signal::TERM);
                let transcript = self.dialogue.last_result().map(|at| at + TRANSCRIPT_WAIT);
                let at = (now + TERM_WAIT).max(transcript.unwrap_or(now));
                self.closing = Some(Closing {
                    next: Step::Kill,
                    at,
                });
            }
            Step::Kill => {
                self.process.group.signal(Signal::KILL);
                self.closing = Some(Closing {
                    next: Step::Wait,
                    at: now,
                });
            }
            Step::Wait => {}
        }
    }

    /// Ends what the agent left, reads what it said last, and tells everybody.
    async fn finish(mut self, code: Option<i32>, claim: Claim) {
        let leader = self.process.group.leader();
        self.process.group.retire();
        sweep(&self.terms.marker, leader, self.known).await;
        let mut chunk = vec![0; CHUNK];
        let rest = async {
            while let Ok(length @ 1..) = self.process.stdout.read(&mut chunk).await {
                self.dialogue.read(&chunk[..length]);
            }
        };
        if self.reading && timeout(REST, rest).await.is_err() {
            tracing::debug!("something else holds the agent's output open");
        }
        let stderr = self.process.stderr.finish().await;
        self.dialogue.exited(Exit { code, stderr });
        drop(claim);
        self.orders.close();
        while let Ok(order) = self.orders.try_recv() {
            // The replies of all other orders say by themselves that nobody is there.
            if let Order::Close { done, .. } = order {
                self.waiting.push(done);
            }
        }
        for done in self.waiting {
            let _nobody_waits = done.send(());
        }
        drop(self.orders);
        while let Some(event) = self.dialogue.next_event() {
            if self.events.send(event).await.is_err() {
                return;
            }
        }
    }
}

async fn until(closing: Option<Closing>) {
    match closing {
        Some(Closing {
            next: Step::Terminate | Step::Kill,
            at,
        }) => sleep_until(at).await,
        Some(Closing {
            next: Step::Wait, ..
        })
        | None => std::future::pending().await,
    }
}
