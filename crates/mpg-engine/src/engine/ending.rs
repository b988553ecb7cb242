//! The end of an engine that does not wait any more: agents are ended or left, never dropped.

use std::mem;
use std::time::Duration;

use mpg_core::event::Event;
use mpg_core::id::SessionId;
use mpg_core::port::StoreError;
use tokio::time::{Instant, sleep_until};
use tracing::{error, warn};

use super::{Ended, EngineError, Loop};
use crate::boards::Boards;
use crate::session::Order;
use crate::signs::Signs;

/// How long ending agents, and what is on its way to the store, are waited for.
const CUT_LIMIT: Duration = Duration::from_secs(8);

impl Loop {
    /// Leaves what still runs to the next start, and ends the rest. Nothing is recorded about it: what
    /// was started is taken up again. What is on its way to the store still gets there, and a post
    /// that is made meanwhile is noted.
    pub(super) async fn cut(mut self) -> Result<Ended, EngineError> {
        let turns = self.gateway.turns_in_progress();
        warn!(turns, "no longer waiting for what runs");
        self.part_with_agents(Storing::Works).await?;
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let threads = self.gateway.state().threads.values();
        let posts = threads.map(|thread| thread.deliveries.len()).sum();
        Ok(Ended::Cut { turns, posts })
    }

    /// Leaves the agents of turns that wait for people, when nothing else is left.
    pub(super) async fn leave_waiting(mut self) -> Result<Ended, EngineError> {
        if !self.sessions.is_empty() {
            self.part_with_agents(Storing::Works).await?;
        }
        self.failed.map_or(Ok(Ended::Drained), Err)
    }

    /// Leaves the agents after a commit that failed, and does nothing else any more: what they
    /// reported may not be stored, and then they alone still have it.
    pub(super) async fn abort(mut self, failure: StoreError) -> EngineError {
        self.give_up_acting(&failure);
        // There is nothing left that could fail.
        drop(self.part_with_agents(Storing::Failed).await);
        failure.into()
    }

    /// Lets every agent go within the limit, and gives back the first failure of the store meanwhile.
    /// One that does nothing is ended, once all that it reported is stored.
    async fn part_with_agents(&mut self, mut storing: Storing) -> Result<(), StoreError> {
        let deadline = Instant::now() + CUT_LIMIT;
        let mut result = Ok(());
        let busy = self.gateway.busy_sessions();
        self.tell_sessions(&Order::Leave, |session| {
            storing == Storing::Failed || busy.contains(session)
        });
        let mut idle_told = false;
        loop {
            let stored = storing == Storing::Failed || self.journal.is_idle();
            if stored && !mem::replace(&mut idle_told, stored) && storing == Storing::Works {
                self.tell_sessions(&Order::Close, |session| !busy.contains(session));
            }
            if stored && self.sessions.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                released = self.journal.committed(), if storing == Storing::Works => {
                    if let Err(failure) = released {
                        self.give_up_acting(&failure);
                        storing = Storing::Failed;
                        result = Err(failure);
                        self.tell_sessions(&Order::Leave, |_| true);
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
                    warn!(agents = self.sessions.len(), "no longer waiting for agents");
                    break;
                }
            }
        }
        result
    }

    /// Gives an order to the sessions that `is_meant` picks.
    fn tell_sessions(&self, order: &Order, is_meant: impl Fn(&SessionId) -> bool) {
        for (session, handle) in &self.sessions {
            if is_meant(session) {
                drop(handle.tell(order.clone()));
            }
        }
    }

    /// Stops everything that acts on the world, but for the agents.
    fn give_up_acting(&mut self, failure: &StoreError) {
        error!(error = %failure, "the state cannot be stored, leaving the agents");
        self.tasks.abort_all();
        self.signs = Signs::default();
        self.boards = Boards::new(self.edits.clone());
    }
}

/// Whether the store still takes something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Storing {
    Works,
    Failed,
}
