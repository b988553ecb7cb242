//! What agents handed over to several at once, until somebody makes something of the answers.

use crate::id::{RootId, TurnId};
use crate::snapshot::{FanOut, Snapshot, Spent, Thread};

impl Snapshot {
    pub(super) fn fan_out(&mut self, root: &RootId, parent: TurnId, fan_out: &FanOut) {
        if let Some(thread) = self.threads.get_mut(root) {
            let chain = thread.chain.get_or_insert_default();
            chain.fan_outs.insert(parent, fan_out.clone());
        }
    }

    pub(super) fn join(&mut self, root: &RootId, parent: TurnId, turn: TurnId, answer: &str) {
        let thread = self.threads.get_mut(root);
        let chain = thread.and_then(|thread| thread.chain.as_mut());
        let branches = chain
            .and_then(|chain| chain.fan_outs.get_mut(&parent))
            .map(|fan_out| fan_out.branches.iter_mut());
        for branch in branches.into_iter().flatten() {
            if branch.turn == turn {
                branch.answer = Some(answer.to_owned());
            }
        }
    }

    pub(super) fn close_fan_out(&mut self, root: &RootId, parent: TurnId) {
        let thread = self.threads.get_mut(root);
        if let Some(thread) = thread
            && let Some(chain) = &mut thread.chain
        {
            chain.fan_outs.remove(&parent);
            drop_empty(thread);
        }
    }
}

/// A person wrote: handoffs are counted anew.
pub(super) fn calm(thread: &mut Thread) {
    if let Some(chain) = &mut thread.chain {
        chain.handoffs.clear();
        chain.spent = Spent::default();
        drop_empty(thread);
    }
}

fn drop_empty(thread: &mut Thread) {
    thread.chain.take_if(|chain| chain.is_empty());
}
