//! What an operator wants done in a thread, from outside of every platform.

use std::mem;

use jiff::Timestamp;

use crate::command::Scope;
use crate::event::Step;
use crate::gateway::Gateway;
use crate::id::RootId;

/// What is done in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Stop what runs.
    Stop,
    /// Begin fresh sessions; what waits is kept.
    Restart,
    /// End the sessions with everything that waits.
    Kill,
}

impl Gateway {
    /// Does in a thread what the command of the same name does there, and says what a person would
    /// be told. `None` if there is no such thread.
    #[must_use = "a record that is dropped is a fact that is lost, an effect an action that never happens"]
    pub fn order(&mut self, now: Timestamp, root: &RootId, order: Order) -> Option<(String, Step)> {
        if self.thread(root).is_none() {
            self.acts_by_itself();
            return None;
        }
        self.now = self.now.max(now);
        let ids = self.active_in(root);
        let said = match order {
            Order::Stop => self.stop_turns(&ids, &Scope::Here),
            Order::Restart => self.restart(&ids, &Scope::Here),
            Order::Kill => self.kill(&ids, &Scope::Here),
        };
        self.acts_by_itself();
        self.settle();
        Some((said, mem::take(&mut self.step)))
    }
}
