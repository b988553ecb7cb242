//! What an agent is told besides turns: one thing after the other, without holding up what it
//! reports. An agent that hangs may never take it.

use std::collections::VecDeque;

use futures_util::future::BoxFuture;
use tracing::warn;

/// How many things may wait to be told. An agent that takes none of so many hangs.
const MAX_WAITING: usize = 64;

/// What is still to be told.
#[derive(Default)]
pub(super) struct Errands(VecDeque<BoxFuture<'static, ()>>);

impl Errands {
    /// Tells one thing more, after the others.
    pub(super) fn push(&mut self, errand: BoxFuture<'static, ()>) {
        if self.0.len() < MAX_WAITING {
            self.0.push_back(errand);
        } else {
            warn!("an agent does not take what it is told");
        }
    }

    /// Waits until everything is told.
    pub(super) async fn finish(&mut self) {
        while !self.0.is_empty() {
            self.advance().await;
        }
    }

    /// Waits until one thing more is told; pending while there is nothing to tell.
    ///
    /// Cancel safe.
    pub(super) async fn advance(&mut self) {
        let Some(errand) = self.0.front_mut() else {
            return std::future::pending().await;
        };
        errand.await;
        self.0.pop_front();
    }
}
