//! One agent session: a task that owns the agent, runs one turn at a time in it, and shows the turn
//! while it runs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mpg_core::agent::{AgentEvent, FailureKind, PermissionAnswer, Seq, TurnFailure, Usage};
use mpg_core::event::{Event, RunEnd, RunId, RunTurn, TurnNotice};
use mpg_core::id::{ConversationId, SubmitId};
use mpg_core::port::{
    AgentControl, AgentEvents, AgentRuntime, AgentSession, OpenError, Outbox, SessionSpec,
    Submitted,
};
use mpg_core::wording;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use crate::show::Show;

/// How long an agent gets to end what it does before it is made to.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

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
    };
    (SessionHandle(sender), task.live(first).boxed())
}

struct Task {
    conversation: ConversationId,
    surroundings: Surroundings,
    mailbox: mpsc::Receiver<Order>,
}

/// The turn that runs.
struct Running {
    run: RunId,
    submit: SubmitId,
    submitting: Option<BoxFuture<'static, Result<Submitted, OpenError>>>,
    show: Show,
    /// When the agent is ended because it did not end the turn.
    stop_at: Option<Instant>,
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
            tokio::select! {
                event = events.next() => {
                    let Some((seq, event)) = event else { break Leave::Gone };
                    if self.reported(&control, &mut running, seq, event).await {
                        break Leave::Gone;
                    }
                }
                submitted = progress(running.as_mut()) => {
                    if self.submitted(&mut running, submitted).await {
                        break Leave::Close;
                    }
                }
                order = self.mailbox.recv() => match order {
                    Some(Order::Run(turn)) if running.is_none() => {
                        running = Some(self.submit(&control, *turn));
                    }
                    Some(Order::Run(turn)) => self.ended(turn.run, RunEnd::NotSubmitted).await,
                    Some(Order::Stop(run)) => {
                        if let Some(running) = running.as_mut().filter(|r| r.run == run) {
                            running.stop_at = Some(Instant::now() + INTERRUPT_LIMIT);
                            control.interrupt().await;
                        }
                    }
                    Some(Order::Acknowledge(seq)) => control.acknowledge(seq).await,
                    None | Some(Order::Close) => break Leave::Close,
                },
                () = at(stop_at) => {
                    warn!(conversation = %self.conversation, "the turn did not end, ending its agent");
                    break Leave::Close;
                }
            }
        };
        if leave == Leave::Close {
            if running.is_some() {
                control.interrupt().await;
            }
            close(control.as_ref(), events.as_mut()).await;
        }
        if let Some(running) = running {
            self.ended(running.run, RunEnd::NotSubmitted).await;
        }
    }

    fn submit(&self, control: &Arc<dyn AgentControl>, turn: RunTurn) -> Running {
        let submit = turn.submission.id;
        let control = Arc::clone(control);
        let submission = turn.submission;
        let submitting = async move { control.submit(submission).await }.boxed();
        Running {
            run: turn.run,
            submit,
            submitting: Some(submitting),
            show: Show::new(turn.turn, turn.place, self.surroundings.outbox.clone()),
            stop_at: None,
        }
    }

    /// Takes in what became of the submission; true if the agent has to go.
    async fn submitted(
        &self,
        running: &mut Option<Running>,
        submitted: Result<Submitted, OpenError>,
    ) -> bool {
        match submitted {
            // The agent's exit follows as an event and says more than the error.
            Ok(Submitted::New | Submitted::Known) | Err(OpenError::NotRunning) => false,
            Ok(Submitted::InterruptedBefore) => {
                if let Some(running) = running.take() {
                    self.ended(running.run, RunEnd::InterruptedBefore).await;
                }
                false
            }
            Err(error) => {
                if let Some(running) = running.take() {
                    self.ended(running.run, refusal(&error)).await;
                }
                true
            }
        }
    }

    /// Takes in an event; true if the agent is gone.
    async fn reported(
        &self,
        control: &Arc<dyn AgentControl>,
        running: &mut Option<Running>,
        seq: Seq,
        event: AgentEvent,
    ) -> bool {
        if let Some(running) = running.as_mut() {
            running.show.apply(&event);
        }
        match event {
            AgentEvent::Ended(report) => {
                let ours = running.as_ref().is_some_and(|running| {
                    report.submits.is_empty() || report.submits.contains(&running.submit)
                });
                if !ours {
                    debug!(conversation = %self.conversation, "an end without a turn");
                    return false;
                }
                if let Some(mut running) = running.take() {
                    running.show.finish().await;
                    let end = RunEnd::Reported {
                        result: report.result,
                        usage: report.usage,
                        seq,
                    };
                    self.ended(running.run, end).await;
                }
            }
            AgentEvent::Exited(exit) => {
                if let Some(mut running) = running.take() {
                    running.show.finish().await;
                    let failure = TurnFailure {
                        kind: FailureKind::Exited,
                        message: exit.to_string(),
                    };
                    let end = RunEnd::Reported {
                        result: Err(failure),
                        usage: Usage::default(),
                        seq,
                    };
                    self.ended(running.run, end).await;
                }
                return true;
            }
            AgentEvent::Retrying(retry) => {
                let run = running.as_ref().map(|running| running.run);
                self.notice(run, TurnNotice::Retrying(retry)).await;
            }
            AgentEvent::PermissionRequested(request) => {
                let message = wording::denial(&request);
                let answer = PermissionAnswer::Deny { message };
                control.respond(&request.id, answer).await;
                let run = running.as_ref().map(|running| running.run);
                self.notice(run, TurnNotice::Denied(request)).await;
            }
            AgentEvent::Started { .. }
            | AgentEvent::Text { .. }
            | AgentEvent::TextEnded
            | AgentEvent::Thinking { .. }
            | AgentEvent::ToolStarted { .. }
            | AgentEvent::ToolEnded { .. }
            | AgentEvent::PermissionWithdrawn(_) => {}
        }
        false
    }

    async fn notice(&self, run: Option<RunId>, notice: TurnNotice) {
        if let Some(run) = run {
            let event = Event::TurnNoticed {
                conversation: self.conversation.clone(),
                run,
                notice,
            };
            self.send(event).await;
        }
    }

    async fn ended(&self, run: RunId, end: RunEnd) {
        let event = Event::TurnEnded {
            conversation: self.conversation.clone(),
            run,
            end,
        };
        self.send(event).await;
    }

    async fn send(&self, event: Event) {
        if self.surroundings.events.send(event).await.is_err() {
            debug!(conversation = %self.conversation, "the engine is gone");
        }
    }
}

fn refusal(error: &OpenError) -> RunEnd {
    match error {
        OpenError::SessionLost(_) => RunEnd::SessionLost,
        OpenError::DirectoryMissing(_) => RunEnd::DirectoryMissing,
        OpenError::ProgramMissing { .. }
        | OpenError::InUse(_)
        | OpenError::NotRunning
        | OpenError::Failed(_) => RunEnd::Unavailable(error.to_string()),
    }
}

/// Shows the running turn, until it is known what became of its submission.
async fn progress(running: Option<&mut Running>) -> Result<Submitted, OpenError> {
    let Some(running) = running else {
        return std::future::pending().await;
    };
    loop {
        let Some(submitting) = running.submitting.as_mut() else {
            running.show.advance().await;
            continue;
        };
        tokio::select! {
            submitted = submitting => {
                running.submitting = None;
                return submitted;
            }
            () = running.show.advance() => {}
        }
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Ends the agent, and goes on reading meanwhile: one that nobody reads from cannot end.
async fn close(control: &dyn AgentControl, events: &mut dyn AgentEvents) {
    let mut closing = control.close(GRACE);
    let mut ended = false;
    loop {
        tokio::select! {
            () = &mut closing => return,
            event = events.next(), if !ended => ended = event.is_none(),
        }
    }
}
