//! The two halves of a scripted agent.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::{AgentEvent, PermissionAnswer, Seq};
use mpg_core::id::{RequestId, SubmitId};
use mpg_core::port::{AgentControl, AgentEvents, AgentSession, OpenError, Submission, Submitted};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Place;
use super::agent::{Agent, Ask, Told};

/// How many events may wait for whoever reads them.
const EVENTS: usize = 256;

/// How many submissions may wait in one session.
const SUBMISSIONS: usize = 64;

/// Starts an agent.
pub(super) fn start(place: Place) -> AgentSession {
    let (events, reported) = mpsc::channel(EVENTS);
    let (asks, queue) = mpsc::channel(SUBMISSIONS);
    let (tell, told) = watch::channel(Told::default());
    let (answers, answered) = mpsc::channel(1);
    let agent = Agent::new(place.clone(), events, queue, told, answered);
    let task = tokio::spawn(agent.live());
    let control = Control {
        place,
        tell,
        answers,
        state: Mutex::new(State {
            submits: BTreeSet::new(),
            asks: Some(asks),
            task: Some(task),
        }),
    };
    AgentSession {
        control: std::sync::Arc::new(control),
        events: Box::new(Events(reported)),
    }
}

#[derive(Debug)]
struct Control {
    place: Place,
    tell: watch::Sender<Told>,
    answers: mpsc::Sender<(RequestId, PermissionAnswer)>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What this agent was asked.
    submits: BTreeSet<SubmitId>,
    /// `None` once it is told to end.
    asks: Option<mpsc::Sender<Ask>>,
    task: Option<JoinHandle<()>>,
}

impl Control {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AgentControl for Control {
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError> {
        let Submission { id, prompt, repeat } = submission;
        let (asks, number) = {
            let mut state = self.state();
            let asks = state.asks.clone().ok_or(OpenError::NotRunning)?;
            if state.submits.contains(&id) {
                return Ok(Submitted::Known);
            }
            let was_read = |transcript: &mut super::Transcript| transcript.submits.contains(&id);
            if self.place.with_transcript(was_read) == Some(true) {
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
        let submitted = self.state().submits.len();
        self.tell.send_modify(|told| told.interrupted = submitted);
    }

    async fn respond(&self, request: &RequestId, answer: PermissionAnswer) {
        // Without an open request there is nobody to take it.
        drop(self.answers.try_send((request.clone(), answer)));
    }

    async fn close(&self, grace: Duration) {
        let task = {
            let mut state = self.state();
            state.asks = None;
            state.task.take()
        };
        if let Some(mut task) = task
            && timeout(grace, &mut task).await.is_err()
        {
            self.tell.send_modify(|told| told.ended = true);
            // It ends at the next moment at which it waits, and an agent that panicked is gone too.
            drop(task.await);
        }
        self.place.leave();
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Some(task) = self.state().task.take() {
            task.abort();
        }
        self.place.leave();
    }
}

#[derive(Debug)]
struct Events(mpsc::Receiver<(Seq, AgentEvent)>);

#[async_trait]
impl AgentEvents for Events {
    async fn next(&mut self) -> Option<(Seq, AgentEvent)> {
        self.0.recv().await
    }
}
