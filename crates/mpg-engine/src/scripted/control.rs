//! The two halves of a scripted agent.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::{AgentEvent, Seq};
use mpg_core::id::{RequestId, SubmitId};
use mpg_core::port::{AgentControl, AgentEvents, AgentSession, OpenError, Submission, Submitted};
use mpg_core::request::Answer;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Place;
use super::agent::{Agent, Ask, Begun, Told};

/// How many events may wait for whoever reads them.
const EVENTS: usize = 256;

/// How many submissions may wait in one session.
const SUBMISSIONS: usize = 64;

/// How many events are kept that were read and not acknowledged; beyond this the oldest are lost.
const UNREAD: usize = 10_000;

/// How many answers may wait for an agent, those to nothing that it asks included.
const ANSWERS: usize = 64;

/// Starts an agent.
pub(super) fn start(place: &Place) -> AgentSession {
    let (events, reported) = mpsc::channel(EVENTS);
    let (asks, queue) = mpsc::channel(SUBMISSIONS);
    let (tell, told) = watch::channel(Told::default());
    let (answers, answered) = mpsc::channel(ANSWERS);
    let begun = Begun::default();
    let agent = Agent::new(place.clone(), events, queue, told, answered, begun.clone());
    let task = tokio::spawn(agent.live());
    let process = Arc::new(Process {
        place: place.clone(),
        tell,
        answers,
        begun,
        state: Mutex::new(State {
            submits: BTreeSet::new(),
            asks: Some(asks),
            task: Some(task),
            outlet: Some(reported),
            unread: VecDeque::new(),
        }),
    });
    if place.runtime.survives {
        let kept = Arc::clone(&process);
        place.with_transcript(|transcript| transcript.kept = Some(kept));
    }
    // Nobody else has it yet.
    attach(&process).unwrap_or_else(|| unreachable!("a new agent has both of its halves"))
}

/// The two halves of an agent that runs, unless somebody has them.
pub(super) fn attach(process: &Arc<Process>) -> Option<AgentSession> {
    let mut state = process.state();
    let outlet = state.outlet.take()?;
    let again = state.unread.clone();
    let replayed = again.back().map_or_else(Seq::default, |(seq, _)| *seq);
    drop(state);
    Some(AgentSession {
        control: Arc::new(Control(Arc::clone(process))),
        events: Box::new(Events {
            process: Arc::clone(process),
            again,
            outlet: Some(outlet),
        }),
        outdated: false,
        replayed,
    })
}

/// A running agent, seen from outside.
#[derive(Debug)]
pub(super) struct Process {
    place: Place,
    tell: watch::Sender<Told>,
    answers: mpsc::Sender<(RequestId, Answer)>,
    begun: Begun,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What this agent was asked.
    submits: BTreeSet<SubmitId>,
    /// `None` once it is told to end.
    asks: Option<mpsc::Sender<Ask>>,
    task: Option<JoinHandle<()>>,
    /// What it reports, while nobody has it.
    outlet: Option<mpsc::Receiver<(Seq, AgentEvent)>>,
    /// What was read and not acknowledged, if it survives whoever read it.
    unread: VecDeque<(Seq, AgentEvent)>,
}

impl Process {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it runs and nobody listens to it.
    pub(super) fn is_stray(&self) -> bool {
        self.is_alive() && self.state().outlet.is_some()
    }

    /// Whether it runs. One whose executor was dropped does not.
    pub(super) fn is_alive(&self) -> bool {
        let state = self.state();
        state.task.as_ref().is_some_and(|task| !task.is_finished())
    }
}

#[derive(Debug)]
struct Control(Arc<Process>);

#[async_trait]
impl AgentControl for Control {
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError> {
        let Submission {
            id,
            prompt,
            images: _,
            repeat,
        } = submission;
        let (asks, number) = {
            let mut state = self.0.state();
            let asks = state.asks.clone().ok_or(OpenError::NotRunning)?;
            if state.submits.contains(&id) {
                return Ok(Submitted::Known);
            }
            let was_read = |transcript: &mut super::Transcript| transcript.submits.contains(&id);
            if self.0.place.with_transcript(was_read) == Some(true) {
                return Ok(if repeat {
                    Submitted::InterruptedBefore
                } else {
                    Submitted::Known
                });
            }
            state.submits.insert(id);
            (asks, state.submits.len())
        };
        let ask = Ask { number, id, prompt };
        let sent = asks.send(ask).await;
        sent.map_err(|_| OpenError::NotRunning)?;
        Ok(Submitted::New)
    }

    async fn interrupt(&self) {
        let submitted = self.0.state().submits.len();
        let interrupted = self.0.begun.interrupted().min(submitted);
        self.0
            .tell
            .send_modify(|told| told.interrupted = interrupted.max(told.interrupted));
    }

    async fn withdraw(&self, id: SubmitId) {
        if self.0.state().submits.contains(&id) {
            self.0.tell.send_modify(|told| {
                told.withdrawn.insert(id);
            });
        }
    }

    async fn respond(&self, request: &RequestId, answer: Answer) {
        // Whoever comes next is not asked again.
        self.0.state().unread.retain(
            |(_, event)| !matches!(event, AgentEvent::Requested(asked) if asked.id == *request),
        );
        // Without an open request there is nobody to take it.
        drop(self.0.answers.try_send((request.clone(), answer)));
    }

    async fn acknowledge(&self, seq: Seq) {
        self.0.state().unread.retain(|(read, _)| *read > seq);
    }

    async fn leave(&self, grace: Duration) {
        if !self.0.place.runtime.survives {
            self.close(grace).await;
        }
    }

    async fn close(&self, grace: Duration) {
        let task = {
            let mut state = self.0.state();
            state.asks = None;
            state.task.take()
        };
        if let Some(mut task) = task
            && timeout(grace, &mut task).await.is_err()
        {
            self.0.tell.send_modify(|told| told.ended = true);
            // It ends at the next moment at which it waits, and an agent that panicked is gone too.
            drop(task.await);
        }
        self.0.place.leave();
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if self.0.place.runtime.survives {
            return;
        }
        if let Some(task) = self.0.state().task.take() {
            task.abort();
        }
        self.0.place.leave();
    }
}

#[derive(Debug)]
struct Events {
    process: Arc<Process>,
    /// What an earlier reader did not acknowledge.
    again: VecDeque<(Seq, AgentEvent)>,
    /// Taken when this is dropped.
    outlet: Option<mpsc::Receiver<(Seq, AgentEvent)>>,
}

#[async_trait]
impl AgentEvents for Events {
    async fn next(&mut self) -> Option<(Seq, AgentEvent)> {
        if let Some(again) = self.again.pop_front() {
            return Some(again);
        }
        let event = self.outlet.as_mut()?.recv().await?;
        if self.process.place.runtime.survives {
            let mut state = self.process.state();
            if state.unread.len() >= UNREAD {
                state.unread.pop_front();
            }
            state.unread.push_back(event.clone());
        }
        Some(event)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.process.state().outlet = self.outlet.take();
    }
}
