//! Scripted agents that answer at once, and tell when they were asked and when they were heard.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use mpg_core::agent::{AgentEvent, Seq};
use mpg_core::id::RequestId;
use mpg_core::port::{
    AgentControl, AgentEvents, AgentRuntime, AgentSession, OpenError, SessionSpec, Submission,
    Submitted,
};
use mpg_core::request::Answer;
use mpg_engine::{ScriptStep, ScriptedRuntime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// One moment of a turn. A benchmark has as many as it has turns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// The gateway submitted it.
    Submitted(Instant),
    /// The gateway was told its end.
    Ended(Instant),
}

/// Agents that answer at once.
pub(crate) fn instant() -> ScriptedRuntime {
    ScriptedRuntime::new(|prompt| vec![ScriptStep::Say(format!("re: {}", prompt.text))])
}

/// The same with a clock.
pub(crate) fn clocked() -> (Clocked, UnboundedReceiver<Moment>) {
    let (moments, told) = unbounded_channel();
    let runtime = instant();
    (Clocked { runtime, moments }, told)
}

#[derive(Debug)]
pub(crate) struct Clocked {
    runtime: ScriptedRuntime,
    moments: UnboundedSender<Moment>,
}

#[async_trait]
impl AgentRuntime for Clocked {
    async fn open(&self, spec: SessionSpec) -> Result<AgentSession, OpenError> {
        let AgentSession {
            control,
            events,
            outdated,
            replayed,
        } = self.runtime.open(spec).await?;
        Ok(AgentSession {
            control: Arc::new(Control {
                control,
                moments: self.moments.clone(),
            }),
            events: Box::new(Events {
                events,
                moments: self.moments.clone(),
            }),
            outdated,
            replayed,
        })
    }
}

#[derive(Debug)]
struct Control {
    control: Arc<dyn AgentControl>,
    moments: UnboundedSender<Moment>,
}

#[async_trait]
impl AgentControl for Control {
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError> {
        // Nobody listens any more while the gateway stops.
        let _ = self.moments.send(Moment::Submitted(Instant::now()));
        self.control.submit(submission).await
    }

    async fn interrupt(&self) {
        self.control.interrupt().await;
    }

    async fn respond(&self, request: &RequestId, answer: Answer) {
        self.control.respond(request, answer).await;
    }

    async fn close(&self, grace: Duration) {
        self.control.close(grace).await;
    }
}

#[derive(Debug)]
struct Events {
    events: Box<dyn AgentEvents>,
    moments: UnboundedSender<Moment>,
}

#[async_trait]
impl AgentEvents for Events {
    async fn next(&mut self) -> Option<(Seq, AgentEvent)> {
        let next = self.events.next().await;
        if let Some((_, AgentEvent::Ended(_))) = &next {
            let _ = self.moments.send(Moment::Ended(Instant::now()));
        }
        next
    }
}
