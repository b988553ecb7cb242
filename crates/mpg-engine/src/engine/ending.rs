//! The end of an engine that does not wait any more: agents are ended, never dropped.

use std::time::Duration;

use mpg_core::event::Event;
use mpg_core::port::StoreError;
use tokio::time::{Instant, sleep_until};
use tracing::{error, warn};

use super::{Ended, EngineError, Loop};
use crate::session::Order;
use crate::signs::Signs;

/// How long ending agents, and what is on its way to the store, are waited for.
const CUT_LIMIT: Duration = Duration::from_secs(8);

impl Loop {
    /// Ends what still runs. Nothing is recorded about it: what was started is started again. What
    /// is on its way to the store still gets there, and a post that is made meanwhile is noted.
    pub(super) async fn cut(mut self) -> Result<Ended, EngineError> {
        let turns = self.gateway.turns_in_progress();
        warn!(turns, "no longer waiting for what runs");
        self.end_agents(Storing::Works).await?;
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let threads = self.gateway.state().threads.values();
        let posts = threads.map(|thread| thread.deliveries.len()).sum();
        Ok(Ended::Cut { turns, posts })
    }

    /// Ends the agents after a commit that failed, and does nothing else any more.
    pub(super) async fn abort(mut self, failure: StoreError) -> EngineError {
        self.give_up_acting(&failure);
        // There is nothing left that could fail.
        drop(self.end_agents(Storing::Failed).await);
        failure.into()
    }

    /// Ends every agent as it wants to be ended, within the limit, and gives back the first failure
    /// of the store meanwhile.
    async fn end_agents(&mut self, mut storing: Storing) -> Result<(), StoreError> {
        let deadline = Instant::now() + CUT_LIMIT;
        let mut result = Ok(());
        for handle in self.sessions.values() {
            drop(handle.tell(Order::Close));
        }
        while !self.sessions.is_empty() || (storing == Storing::Works && !self.journal.is_idle()) {
            tokio::select! {
                biased;
                released = self.journal.committed(), if storing == Storing::Works => {
                    if let Err(failure) = released {
                        self.give_up_acting(&failure);
                        storing = Storing::Failed;
                        result = Err(failure);
                    }
                }
                Some(done) = self.agents.join_next() => {
                    if let Ok(Event::SessionClosed { session, .. }) = done {
                        self.sessions.remove(&session);
                    }
                }
                Some(done) = self.tasks.join_next() => {
                    if let (Ok(event @ Event::Delivered { .. }), Storing::Works) = (done, storing) {
                        self.handle(event);
                    }
                }
                _ = self.reported.recv() => {}
                () = sleep_until(deadline) => {
                    warn!(agents = self.sessions.len(), "no longer waiting for agents to end");
                    break;
                }
            }
        }
        result
    }

    /// Stops everything that acts on the world, but for the agents.
    fn give_up_acting(&mut self, failure: &StoreError) {
        error!(error = %failure, "the state cannot be stored, ending the agents");
        self.tasks.abort_all();
        self.signs = Signs::default();
    }
}

/// Whether the store still takes something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Storing {
    Works,
    Failed,
}
