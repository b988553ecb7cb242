//! Agents that an earlier gateway left running and that have nothing to do: kept ready, or ended.

use std::sync::Arc;

use mpg_core::agent::{AgentEvent, Seq};
use mpg_core::event::RunTurn;
use mpg_core::id::SessionId;
use mpg_core::port::{AgentRuntime, AgentSession};
use tracing::debug;

use super::{GRACE, Order, Task, close, part};

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
                if let Some(first) = self.wait(agent).await {
                    self.live(first).await;
                }
            }
            Err(error) => {
                debug!(conversation = %self.conversation, %error, "agent not taken over");
                // A turn may wait already.
                match self.mailbox.try_recv() {
                    Ok(Order::Run(first)) => self.live(first).await,
                    Ok(Order::Stop(_) | Order::Acknowledge(_) | Order::Close | Order::Leave)
                    | Err(_) => {}
                }
            }
        }
    }

    /// Waits for the first turn. Its agent is let go and opened for that turn, so that its runtime
    /// sees whether it was started with the settings that are in force now.
    async fn wait(&mut self, agent: AgentSession) -> Option<Box<RunTurn>> {
        let AgentSession {
            control,
            mut events,
        } = agent;
        loop {
            tokio::select! {
                biased;
                order = self.mailbox.recv() => match order {
                    Some(Order::Run(first)) => {
                        part(control.leave(GRACE), events.as_mut()).await;
                        return Some(first);
                    }
                    Some(Order::Stop(_) | Order::Acknowledge(_)) => {}
                    Some(Order::Leave) => {
                        part(control.leave(GRACE), events.as_mut()).await;
                        return None;
                    }
                    None | Some(Order::Close) => {
                        part(close(control.as_ref(), false), events.as_mut()).await;
                        return None;
                    }
                },
                () = self.errands.advance() => {}
                event = events.next() => match event {
                    // What it reports is of turns whose ends are stored.
                    Some((seq, AgentEvent::Ended(_))) => {
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
        }) => part(close(control.as_ref(), false), events.as_mut()).await,
        Err(error) => debug!(%session, %error, "stray not ended"),
    }
}
