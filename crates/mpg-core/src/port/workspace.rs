//! What the engine needs from where conversations work.

use std::fmt::Debug;

use async_trait::async_trait;
use thiserror::Error;

use super::file::Download;
use crate::id::{AgentName, ProjectName, RootId};
use crate::workspace::{Diff, Discarded, Merged, WorkspaceState};

/// Where conversations work.
///
/// All but [`prepare`](Workspaces::prepare) are about a directory that it gave, and are refused
/// where a thread has no place of its own: by default everywhere.
#[async_trait]
pub trait Workspaces: Debug + Send + Sync {
    /// Makes sure that the thread has a directory to work in, and names it: the same one every time,
    /// with what was done in it, even where somebody took it away.
    async fn prepare(&self, request: WorkspaceRequest) -> Result<Workspace, WorkspaceError>;

    /// Where the thread's own directory is, if it has one; none is made.
    async fn locate(&self, request: &WorkspaceRequest) -> Result<Option<String>, WorkspaceError> {
        let _ = request;
        Ok(None)
    }

    /// What is there, and what of it is nowhere else.
    async fn inspect(&self, directory: &str) -> Result<WorkspaceState, WorkspaceError> {
        let _ = directory;
        Err(WorkspaceError::shared())
    }

    /// Opens a file of a workspace, to be handed to people: a path below its directory that leads to
    /// nothing outside of it.
    async fn open(&self, directory: &str, path: &str) -> Result<Box<dyn Download>, WorkspaceError> {
        let _ = (directory, path);
        Err(WorkspaceError {
            message: "files cannot be handed over here".to_owned(),
        })
    }

    /// What was changed.
    async fn diff(&self, directory: &str) -> Result<Diff, WorkspaceError> {
        let _ = directory;
        Err(WorkspaceError::shared())
    }

    /// Brings what is committed there to where the thread began from. It is done as a whole, or
    /// nothing is touched.
    async fn merge(&self, directory: &str) -> Result<Merged, WorkspaceError> {
        let _ = directory;
        Err(WorkspaceError::shared())
    }

    /// Removes it, and keeps what would be lost where it can be found again. Whoever asks for this
    /// has ended the sessions in it and has asked the person.
    async fn discard(&self, directory: &str) -> Result<Discarded, WorkspaceError> {
        let _ = directory;
        Err(WorkspaceError::shared())
    }
}

/// Where a conversation works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// The directory.
    pub directory: String,
    /// What the people of the thread should know about it.
    pub notice: Option<String>,
}

impl Workspace {
    /// A directory that nothing has to be said about.
    pub fn new(directory: impl Into<String>) -> Self {
        Self {
            directory: directory.into(),
            notice: None,
        }
    }
}

/// What a workspace is prepared for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceRequest {
    /// The project.
    pub project: ProjectName,
    /// The project's directory.
    pub directory: String,
    /// The thread.
    pub thread: RootId,
    /// The agent, where each agent of a thread has a workspace of its own; `None` where they share
    /// one.
    pub agent: Option<AgentName>,
}

/// Why there is no workspace.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct WorkspaceError {
    /// What happened and what to do.
    pub message: String,
}

impl WorkspaceError {
    /// The thread has no directory of its own just now.
    pub fn none() -> Self {
        Self {
            message: "this thread has no worktree".to_owned(),
        }
    }

    /// The thread works in the project's directory, as others do.
    pub fn shared() -> Self {
        Self {
            message: "this thread works in the project's directory and has no worktree".to_owned(),
        }
    }
}
