//! One agent session: a task that owns the agent, runs one turn at a time in it, and shows the turn
//! while it runs.

mod errands;
mod report;
mod running;
mod steering;
mod vigil;
mod warm;

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join};
use mpg_core::agent::AgentEvent;
use mpg_core::agent::Seq;
use mpg_core::config::Verbosity;
use mpg_core::event::{Event, RunEnd, RunId, RunTurn, Steer, TurnNotice};
use mpg_core::id::{ConversationId, RequestId, SessionId, SubmitId};
use mpg_core::live::LiveMessage;
use mpg_core::port::{
    AgentControl, AgentEvents, AgentRuntime, AgentSession, OpenError, Outbox, SessionSpec, Store,
};
use mpg_core::request::Answer;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use crate::clock::at;
use crate::edits::Edits;
use crate::files::Files;
use crate::show::Attempt;
use errands::Errands;
use report::{refusal, reported_end};
use running::{Progress, Running, progress};
use steering::Steering;

pub(crate) use warm::end_stray;

/// How long an agent gets to end what it does before it is made to.
const GRACE: Duration = Duration::from_secs(5);

/// How long an interrupted turn gets to end before its agent is ended.
const INTERRUPT_LIMIT: Duration = Duration::from_secs(10);

/// How many orders may wait for a session. The core gives one turn at a time, so this is never
/// reached.
const MAILBOX: usize = 64;

/// What a session is told.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Run(Box<RunTurn>),
    Stop(RunId),
    Steer(Box<Steer>),
    Withdraw(SubmitId),
    /// Show the turn in a message, if it runs.
    ShowIn(Box<LiveMessage>),
    /// Show more or less of the turn.
    ShowAs(Verbosity),
    Acknowledge(Seq),
    /// Tell the agent what people say to what it asked.
    Respond(RequestId, Answer),
    Close,
    /// Let go of the agent: a later gateway takes it over.
    Leave,
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
    pub(crate) files: Files,
    pub(crate) edits: Edits,
    /// The state, for as long as the engine has it: who runs it may want it back.
    pub(crate) store: Weak<dyn Store>,
    pub(crate) events: mpsc::Sender<Event>,
}

/// The task of a session that starts with `first`, and the handle to it. The task ends when the
/// agent is gone, or left to a later gateway.
pub(crate) fn session(
    first: Box<RunTurn>,
    surroundings: Surroundings,
) -> (SessionHandle, BoxFuture<'static, ()>) {
    let conversation = first.session.conversation.clone();
    let (handle, task) = task(conversation, surroundings);
    (handle, task.live(first).boxed())
}

/// The task of a session whose agent runs already and has nothing to do.
pub(crate) fn warm_session(
    conversation: ConversationId,
    session: SessionId,
    surroundings: Surroundings,
) -> (SessionHandle, BoxFuture<'static, ()>) {
    let (handle, task) = task(conversation, surroundings);
    (handle, task.stay_ready(session).boxed())
}

fn task(conversation: ConversationId, surroundings: Surroundings) -> (SessionHandle, Task) {
    let (sender, mailbox) = mpsc::channel(MAILBOX);
    let task = Task {
        conversation,
        surroundings,
        mailbox,
        errands: Errands::default(),
        steering: Steering::default(),
        live: None,
        replayed: Seq::default(),
        trailing: None,
    };
    (SessionHandle(sender), task)
}

struct Task {
    conversation: ConversationId,
    surroundings: Surroundings,
    mailbox: mpsc::Receiver<Order>,
    errands: Errands,
    steering: Steering,
    /// The message of the turn, where it was there before its agent.
    live: Option<Box<LiveMessage>>,
    /// Up to where the agent's reports are of before it was opened.
    replayed: Seq,
    /// What was still on its way to the message of a turn when that ended.
    trailing: Option<Attempt>,
}

/// How the task and its agent part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parting {
    /// The agent is gone.
    Gone,
    /// The agent is to go.
    Close,
    /// The agent goes on.
    Leave,
}

impl Task {
    async fn live(mut self, first: Box<RunTurn>) {
        let session = first.session.session;
        let mut next = Some(first);
        while let Some(turn) = next.take() {
            let run = turn.run;
            match self.open(turn.session.clone(), run).await {
                Ok(Some(agent)) => {
                    if agent.outdated {
                        self.notice(Some(run), TurnNotice::Outdated).await;
                    }
                    next = self.serve(agent, turn).await;
                }
                Ok(None) => self.ended(run, RunEnd::NotSubmitted).await,
                Err(error) => {
                    debug!(conversation = %self.conversation, %error, "agent not opened");
                    self.ended(run, refusal(&error)).await;
                }
            }
        }
        // Orders that came too late are answered, so that no run is left without an end.
        self.mailbox.close();
        while let Some(order) = self.mailbox.recv().await {
            match order {
                Order::Run(turn) => self.ended(turn.run, RunEnd::NotSubmitted).await,
                Order::Acknowledge(seq) => {
                    self.surroundings.runtime.acknowledge(session, seq).await;
                }
                Order::Stop(_)
                | Order::Steer(_)
                | Order::Withdraw(_)
                | Order::ShowIn(_)
                | Order::ShowAs(_)
                | Order::Respond(..)
                | Order::Close
                | Order::Leave => {}
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
                    None | Some(Order::Close | Order::Leave) => return Ok(None),
                    Some(Order::Stop(stopped)) if stopped == run => return Ok(None),
                    Some(Order::Steer(steer)) => self.steering.push(*steer),
                    Some(Order::ShowIn(live)) => self.live = Some(live),
                    Some(
                        Order::Stop(_)
                        | Order::Withdraw(_)
                        | Order::Acknowledge(_)
                        | Order::Respond(..)
                        | Order::ShowAs(_),
                    ) => {}
                    Some(Order::Run(turn)) => {
                        self.given_up(&turn).await;
                        return Ok(None);
                    }
                },
            }
        }
    }

    /// Says that a run was not begun which came although another one is with the agent. The gateway
    /// has given that one up, because it took in the end of this session's last task after it had
    /// asked for it: it begins anew once this task has ended too.
    async fn given_up(&mut self, next: &RunTurn) {
        debug!(conversation = %self.conversation, "a run came before the end of another");
        self.ended(next.run, RunEnd::NotSubmitted).await;
    }

    /// Serves the session until its agent is gone; gives back a turn that another agent has to take,
    /// because the session went on elsewhere.
    async fn serve(&mut self, agent: AgentSession, first: Box<RunTurn>) -> Option<Box<RunTurn>> {
        let AgentSession {
            control,
            mut events,
            replayed,
            ..
        } = agent;
        self.replayed = replayed;
        let mut running = self.begin(&control, *first).await;
        let mut next = None;
        let parting = loop {
            let stop_at = running.as_ref().and_then(|running| running.stop_at);
            let silent_at = running.as_ref().and_then(Running::silent_at);
            let with_agent = running.as_ref().filter(|running| running.is_with_agent());
            let with_agent = with_agent.map(|running| running.run);
            // Events come last: an agent that never stops talking is stopped all the same.
            tokio::select! {
                biased;
                order = self.mailbox.recv() => match order {
                    Some(Order::Run(turn)) if running.is_none() => {
                        if control.is_behind().await {
                            info!(conversation = %self.conversation, "the session went on elsewhere");
                            next = Some(turn);
                            break Parting::Close;
                        }
                        running = self.begin(&control, *turn).await;
                    }
                    Some(Order::Run(turn)) => {
                        self.given_up(&turn).await;
                        break Parting::Close;
                    }
                    Some(Order::Stop(run)) => {
                        if let Some(running) = running.as_mut().filter(|r| r.run == run) {
                            self.interrupt(&control, running);
                        }
                    }
                    Some(Order::Respond(request, answer)) => {
                        self.respond(&control, running.as_mut(), request, answer);
                    }
                    Some(Order::Acknowledge(seq)) => self.acknowledge(&control, seq),
                    Some(Order::Steer(steer)) => self.steering.push(*steer),
                    Some(Order::Withdraw(submit)) => {
                        if let Some(errand) = self.steering.withdraw(submit, &control) {
                            self.errands.push(errand);
                        }
                        for orphan in self.steering.take_orphans() {
                            self.deny(&control, orphan);
                        }
                    }
                    Some(order @ (Order::ShowIn(_) | Order::ShowAs(_))) => {
                        look(running.as_mut(), &order);
                    }
                    None | Some(Order::Close) => break Parting::Close,
                    Some(Order::Leave) => break Parting::Leave,
                },
                () = at(stop_at) => {
                    warn!(conversation = %self.conversation, "the turn did not end, ending its agent");
                    break Parting::Close;
                }
                progress = progress(running.as_mut()) => match progress {
                    Progress::Gathered(left_out) => {
                        let run = running.as_ref().map(|running| running.run);
                        self.notice(run, TurnNotice::FilesLeftOut(left_out)).await;
                    }
                    Progress::Told(notice) => {
                        let run = running.as_ref().map(|running| running.run);
                        self.notice(run, notice).await;
                    }
                    Progress::Submitted(submitted) => {
                        if self.submitted(&mut running, submitted).await {
                            break Parting::Close;
                        }
                    }
                },
                () = self.errands.advance() => {}
                handed = self.steering.advance(with_agent, &control, &self.surroundings) => {
                    self.handed(handed).await;
                }
                () = trail(&mut self.trailing) => {}
                event = events.next() => {
                    let Some((seq, event)) = event else { break Parting::Gone };
                    if self.reported(&control, &mut running, seq, event).await {
                        break Parting::Gone;
                    }
                }
                // After the events: who has something to say is not silent.
                () = at(silent_at) => {
                    let run = running.as_ref().map(|running| running.run);
                    let notice = running.as_mut().and_then(Running::falls_silent);
                    if let Some(notice) = notice {
                        self.notice(run, notice).await;
                    }
                }
            }
        };
        self.part_from(&control, events.as_mut(), parting, running.as_mut())
            .await;
        if let Some(running) = running {
            self.ended(running.run, RunEnd::NotSubmitted).await;
        }
        next
    }

    /// Parts with the agent. What is on its way to the turn's message, or still to be told to the
    /// agent, such as that its outcome is stored, comes first.
    async fn part_from(
        &mut self,
        control: &Arc<dyn AgentControl>,
        events: &mut dyn AgentEvents,
        parting: Parting,
        mut running: Option<&mut Running>,
    ) {
        let unfinished = running
            .as_mut()
            .and_then(|running| running.show.take_pending());
        let trailing = settled(self.trailing.take().or(unfinished));
        let told = timeout(GRACE, self.errands.finish());
        let trailing = async { drop(join(told, trailing).await) };
        match parting {
            Parting::Gone => trailing.await,
            Parting::Close => {
                // One that does not end its turn was asked already.
                let asks = running.is_some_and(|running| running.stop_at.is_none());
                join(part(close(control.as_ref(), asks), events), trailing).await;
            }
            Parting::Leave => {
                join(part(control.leave(GRACE), events), trailing).await;
            }
        }
        if parting != Parting::Leave {
            self.surroundings.files.leave(&self.conversation).await;
        }
    }

    fn interrupt(&mut self, control: &Arc<dyn AgentControl>, running: &mut Running) {
        running.stop(INTERRUPT_LIMIT);
        let control = Arc::clone(control);
        let errand = async move { control.interrupt().await };
        self.errands.push(errand.boxed());
    }

    fn acknowledge(&mut self, control: &Arc<dyn AgentControl>, seq: Seq) {
        let control = Arc::clone(control);
        let errand = async move { control.acknowledge(seq).await };
        self.errands.push(errand.boxed());
    }

    /// Begins a run; `None` if the agent has ended it already.
    async fn begin(&mut self, control: &Arc<dyn AgentControl>, turn: RunTurn) -> Option<Running> {
        if let Some((report, seq)) = self.steering.take(turn.submission.id) {
            self.ended(turn.run, reported_end(report, seq, None)).await;
            return None;
        }
        let run = turn.run;
        let mut running = Running::begin(control, turn, &self.surroundings);
        if let Some(live) = self.live.take() {
            running.show.show_in(&live);
        }
        for request in self.steering.take_asked() {
            let asked = AgentEvent::Requested(request.clone());
            running.show.apply(&asked);
            running.vigil.hear(&asked);
            self.requested(run, request).await;
        }
        Some(running)
    }
}

/// Takes in how the turn that runs is to be shown.
fn look(running: Option<&mut Running>, order: &Order) {
    let Some(running) = running else {
        return;
    };
    match order {
        Order::ShowIn(live) => running.show.show_in(live),
        Order::ShowAs(verbosity) => running.show.show_as(*verbosity),
        Order::Run(_)
        | Order::Stop(_)
        | Order::Acknowledge(_)
        | Order::Steer(_)
        | Order::Withdraw(_)
        | Order::Respond(..)
        | Order::Close
        | Order::Leave => {}
    }
}

/// Waits for what is still on its way to a message; for ever, if nothing is.
///
/// Cancel safe.
async fn trail(trailing: &mut Option<Attempt>) {
    match trailing {
        Some(attempt) => {
            attempt.await;
            *trailing = None;
        }
        None => std::future::pending().await,
    }
}

/// Waits until nothing is on its way to a message.
async fn settled(trailing: Option<Attempt>) {
    if let Some(attempt) = trailing {
        attempt.await;
    }
}

async fn close(control: &dyn AgentControl, interrupts: bool) {
    if interrupts {
        // An agent that does not take this is ended all the same.
        drop(timeout(GRACE, control.interrupt()).await);
    }
    control.close(GRACE).await;
}

/// Parts with an agent, and goes on reading meanwhile: one that nobody reads from cannot end.
async fn part(parting: impl Future<Output = ()>, events: &mut dyn AgentEvents) {
    let mut parting = pin!(parting);
    let mut ended = false;
    loop {
        tokio::select! {
            biased;
            () = &mut parting => return,
            event = events.next(), if !ended => ended = event.is_none(),
        }
    }
}
