//! Agents that an earlier gateway left running and that have nothing to do: kept ready, or ended.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use mpg_core::agent::{AgentEvent, Seq};
use mpg_core::event::RunTurn;
use mpg_core::id::SessionId;
use mpg_core::port::{AgentControl, AgentEvents, AgentRuntime, AgentSession};
use tokio::time::sleep;
use tracing::debug;

use super::{GRACE, Order, Task, close, part};

/// How long an agent that is gone may go on telling what it reported before.
const REST: Duration = Duration::from_secs(1);

impl Task {
    /// Keeps an agent ready until its conversation has a turn for it, or none any more.
    pub(super) async fn stay_ready(mut self, session: SessionId) {
        let attached = self
            .surroundings
            .runtime
            .attach(session, Seq::default())
            .await;
        match attached {
            Ok(agent) => {
                let mut told = None;
                let first = self.wait(agent, &mut told).await;
                // What was reported last may not have been acknowledged before the agent was gone.
                if let Some(seq) = told {
                    self.surroundings.runtime.acknowledge(session, seq).await;
                }
                if let Some(first) = first {
                    self.live(first).await;
                }
            }
            Err(error) => {
                debug!(conversation = %self.conversation, %error, "agent not taken over");
                // A turn may wait already.
                match self.mailbox.try_recv() {
                    Ok(Order::Run(first)) => self.live(first).await,
                    Ok(
                        Order::Stop(_)
                        | Order::Steer(_)
                        | Order::Withdraw(_)
                        | Order::ShowIn(_)
                        | Order::ShowAs(_)
                        | Order::Acknowledge(_)
                        | Order::Respond(..)
                        | Order::Close
                        | Order::Leave,
                    )
                    | Err(_) => {}
                }
            }
        }
    }

    /// Waits for the first turn. Its agent is let go and opened for that turn, so that its runtime
    /// sees whether it was started with the settings that are in force now.
    ///
    /// What it reports is of turns whose ends are stored; the last of it is left in `told`.
    async fn wait(&mut self, agent: AgentSession, told: &mut Option<Seq>) -> Option<Box<RunTurn>> {
        let AgentSession {
            control,
            mut events,
            ..
        } = agent;
        // What it still runs was stopped by a person, and the gateway died before it said so.
        let stopping = Arc::clone(&control);
        let errand = async move { stopping.interrupt().await };
        self.errands.push(Box::pin(errand));
        loop {
            tokio::select! {
                biased;
                order = self.mailbox.recv() => match order {
                    Some(Order::Run(first)) => {
                        part(control.leave(GRACE), events.as_mut()).await;
                        return Some(first);
                    }
                    Some(
                        Order::Stop(_)
                        | Order::Steer(_)
                        | Order::Withdraw(_)
                        | Order::ShowIn(_)
                        | Order::ShowAs(_)
                        | Order::Acknowledge(_)
                        | Order::Respond(..),
                    ) => {}
                    Some(Order::Leave) => {
                        part(control.leave(GRACE), events.as_mut()).await;
                        return None;
                    }
                    None | Some(Order::Close) => {
                        *told = end(control.as_ref(), events.as_mut()).await.or(*told);
                        return None;
                    }
                },
                () = self.errands.advance() => {}
                event = events.next() => match event {
                    Some((seq, AgentEvent::Ended(_))) => {
                        *told = Some(seq);
                        let control = Arc::clone(&control);
                        let errand = async move { control.acknowledge(seq).await };
                        self.errands.push(Box::pin(errand));
                    }
                    Some((_, AgentEvent::Exited(_))) | None => return None,
                    Some(_) => {}
                },
            }
        }
    }
}

/// Ends an agent of a session that nobody needs.
pub(crate) async fn end_stray(runtime: Arc<dyn AgentRuntime>, session: SessionId) {
    match runtime.attach(session, Seq::default()).await {
        Ok(AgentSession {
            control,
            mut events,
            ..
        }) => {
            if let Some(seq) = end(control.as_ref(), events.as_mut()).await {
                runtime.acknowledge(session, seq).await;
            }
        }
        Err(error) => debug!(%session, %error, "stray not ended"),
    }
}

/// Closes an agent, and returns the number of the last turn's end that it reported meanwhile.
async fn end(control: &dyn AgentControl, events: &mut dyn AgentEvents) -> Option<Seq> {
    let mut closing = pin!(close(control, false));
    let (mut closed, mut last) = (false, None);
    loop {
        let event = tokio::select! {
            biased;
            event = events.next() => event,
            () = &mut closing, if !closed => {
                closed = true;
                continue;
            }
            // Nothing is behind an end but what is on its way already.
            () = sleep(REST), if closed => None,
        };
        match event {
            Some((seq, AgentEvent::Ended(_))) => last = Some(seq),
            Some(_) => {}
            None => break,
        }
    }
    if !closed {
        closing.await;
    }
    last
}
