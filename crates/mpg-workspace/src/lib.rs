//! Where a conversation's agent works.
//!
//! In a git worktree of its thread where the project is a repository, else in the project's own
//! directory, as it is.

mod creation;
mod diff;
mod file;
mod git;
mod git_workspaces;
mod handed;
mod merge;
mod name;
mod plain;
mod removal;
mod repository;
mod rescue;
mod state;
mod worktree;

pub use git::GitError;
pub use git_workspaces::{GitWorkspaces, Leftover, Worktrees};
pub use plain::PlainDirectories;
