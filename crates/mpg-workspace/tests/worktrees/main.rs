//! Worktrees on real repositories.

#![expect(clippy::unwrap_used, reason = "test helpers")]

mod diff;
mod discard;
mod histories;
mod hostile;
mod merge;
mod prepare;
mod reconcile;
mod stage;
mod state;
