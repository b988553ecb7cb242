//! Where a conversation's agent works.
//!
//! In a git worktree of its thread where the project is a repository, else in the project's own
//! directory, as it is.

mod git;
mod git_workspaces;
mod name;
mod plain;
mod repository;
mod worktree;

pub use git::GitError;
pub use git_workspaces::{GitWorkspaces, Leftover, Worktrees};
pub use plain::PlainDirectories;
pub use worktree::WorktreeState;
