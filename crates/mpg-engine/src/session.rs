//! One agent session: a task that owns the agent, runs one turn at a time in it, and shows the turn
//! while it runs.

mod errands;
mod report;
mod running;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mpg_core::agent::Seq;
use mpg_core::event::{Event, RunEnd, RunId, RunTurn};
use mpg_core::id::ConversationId;
use mpg_core::port::{
    AgentControl, AgentEvents, AgentRuntime, AgentSession, OpenError, Outbox, SessionSpec,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use crate::clock::at;
use errands::Errands;
use report::refusal;
use running::{Running, progress};

/// How long an agent gets to end what it does before it is made to.
const GRACE: Duration = Duration::from_secs(5);

/// How long an interrupted turn gets to end before its agent is ended.
const INTERRUPT_LIMIT: Duration = Duration::from_secs(10);

/// How many orders may wait for a session. The core gives one turn at a time, so this is never
/// reached.
const MAILBOX: usize = 64;

/// What a session is told.
#[derive(Debug)]
pub(crate) enum Order {
    Run(Box<RunTurn>),
    Stop(RunId),
    Acknowledge(Seq),
    Close,
}

/// The engine's end of a session.
#[derive(Debug)]
pub(crate) struct SessionHandle(mpsc::Sender<Order>);

impl SessionHandle {
    /// Gives an order; gives it back if the session is gone.
    pub(crate) fn tell(&self, order: Order) -> Result<(), Order> {
        self.0.try_send(order).map_err(|error| match error {
            mpsc::error::TrySendError::Full(order) | mpsc::error::TrySendError::Closed(order) => {
                order
            }
        })
    }
}

/// Where a session's events and frames go.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) runtime: Arc<dyn AgentRuntime>,
    pub(crate) outbox: Option<Arc<dyn Outbox>>,
    pub(crate) events: mpsc::Sender<Event>,
}

/// The task of a session that starts with `first`, and the handle to it. The task ends when the
/// agent is gone.
pub(crate) fn session(
    first: Box<RunTurn>,
    surroundings: Surroundings,
) -> (SessionHandle, BoxFuture<'static, ()>) {
    let (sender, mailbox) = mpsc::channel(MAILBOX);
    let task = Task {
        conversation: first.session.conversation.clone(),
        surroundings,
        mailbox,
        errands: Errands::default(),
    };
    (SessionHandle(sender), task.live(first).boxed())
}

struct Task {
    conversation: ConversationId,
    surroundings: Surroundings,
    mailbox: mpsc::Receiver<Order>,
    errands: Errands,
}

/// Why the agent is to go.
#[derive(PartialEq, Eq)]
enum Leave {
    Gone,
    Close,
}

impl Task {
    async fn live(mut self, first: Box<RunTurn>) {
        let run = first.run;
        match self.open(first.session.clone(), run).await {
            Ok(Some(agent)) => self.serve(agent, first).await,
            Ok(None) => self.ended(run, RunEnd::NotSubmitted).await,
            Err(error) => {
                debug!(conversation = %self.conversation, %error, "agent not opened");
                self.ended(run, refusal(&error)).await;
            }
        }
        // Orders that came too late are answered, so that no run is left without an end.
        self.mailbox.close();
        while let Some(order) = self.mailbox.recv().await {
            if let Order::Run(turn) = order {
                self.ended(turn.run, RunEnd::NotSubmitted).await;
            }
        }
    }

    /// Opens the agent; `None` if it was called off meanwhile.
    async fn open(
        &mut self,
        spec: SessionSpec,
        run: RunId,
    ) -> Result<Option<AgentSession>, OpenError> {
        let runtime = Arc::clone(&self.surroundings.runtime);
        let mut opening = runtime.open(spec).boxed();
        loop {
            tokio::select! {
                biased;
                opened = &mut opening => return opened.map(Some),
                order = self.mailbox.recv() => match order {
                    None | Some(Order::Close) => return Ok(None),
                    Some(Order::Stop(stopped)) if stopped == run => return Ok(None),
                    Some(Order::Stop(_) | Order::Acknowledge(_)) => {}
                    Some(Order::Run(turn)) => self.ended(turn.run, RunEnd::NotSubmitted).await,
                },
            }
        }
    }

    async fn serve(&mut self, agent: AgentSession, first: Box<RunTurn>) {
        let AgentSession {
            control,
            mut events,
        } = agent;
        let mut running = Some(self.submit(&control, *first));
        let leave = loop {
            let stop_at = running.as_ref().and_then(|running| running.stop_at);
            // Events come last: an agent that never stops talking is stopped all the same.
            tokio::select! {
                biased;
                order = self.mailbox.recv() => match order {
                    Some(Order::Run(turn)) if running.is_none() => {
                        running = Some(self.submit(&control, *turn));
                    }
                    Some(Order::Run(turn)) => self.ended(turn.run, RunEnd::NotSubmitted).await,
                    Some(Order::Stop(run)) => {
                        if let Some(running) = running.as_mut().filter(|r| r.run == run) {
                            running.stop_at = Some(Instant::now() + INTERRUPT_LIMIT);
                            let control = Arc::clone(&control);
                            let errand = async move { control.interrupt().await };
                            self.errands.push(errand.boxed());
                        }
                    }
                    Some(Order::Acknowledge(seq)) => {
                        let control = Arc::clone(&control);
                        let errand = async move { control.acknowledge(seq).await };
                        self.errands.push(errand.boxed());
                    }
                    None | Some(Order::Close) => break Leave::Close,
                },
                () = at(stop_at) => {
                    warn!(conversation = %self.conversation, "the turn did not end, ending its agent");
                    break Leave::Close;
                }
                submitted = progress(running.as_mut()) => {
                    if self.submitted(&mut running, submitted).await {
                        break Leave::Close;
                    }
                }
                () = self.errands.advance() => {}
                event = events.next() => {
                    let Some((seq, event)) = event else { break Leave::Gone };
                    if self.reported(&control, &mut running, seq, event).await {
                        break Leave::Gone;
                    }
                }
            }
        };
        if leave == Leave::Close {
            // One that does not end its turn was asked already.
            let asks = running
                .as_ref()
                .is_some_and(|running| running.stop_at.is_none());
            close(control.as_ref(), events.as_mut(), asks).await;
        }
        if let Some(running) = running {
            self.ended(running.run, RunEnd::NotSubmitted).await;
        }
    }

    fn submit(&self, control: &Arc<dyn AgentControl>, turn: RunTurn) -> Running {
        Running::submit(control, turn, self.surroundings.outbox.clone())
    }
}

/// Ends the agent, and goes on reading meanwhile: one that nobody reads from cannot end.
async fn close(control: &dyn AgentControl, events: &mut dyn AgentEvents, interrupts: bool) {
    let closing = async {
        if interrupts {
            // An agent that does not take this is ended all the same.
            drop(timeout(GRACE, control.interrupt()).await);
        }
        control.close(GRACE).await;
    };
    let mut closing = pin!(closing);
    let mut ended = false;
    loop {
        tokio::select! {
            biased;
            () = &mut closing => return,
            event = events.next(), if !ended => ended = event.is_none(),
        }
    }
}
