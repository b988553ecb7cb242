//! What goes wrong with git.

use std::io;
use std::path::PathBuf;

use mpg_core::port::WorkspaceError;
use thiserror::Error;

/// Why a call of git gave nothing.
#[derive(Debug, Error)]
pub enum GitError {
    /// The program is not there.
    #[error("git was not found; install it, or set `worktree = \"never\"`")]
    Missing,
    /// The program is older than what is asked of it.
    #[error("{found} is too old: 2.38 is needed; update it, or set `worktree = \"never\"`")]
    TooOld {
        /// What it says of itself.
        found: String,
    },
    /// The program does not start.
    #[error("git cannot be started: {0}")]
    Start(#[source] io::Error),
    /// A file of the repository cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It took too long, and was ended.
    #[error("git {command} did not end within {minutes} min and was stopped; nothing was removed")]
    TimedOut {
        /// What was asked.
        command: String,
        /// How long it had.
        minutes: u64,
    },
    /// It said no.
    #[error("git {command}: {complaint}")]
    Refused {
        /// What was asked.
        command: String,
        /// What it said.
        complaint: String,
    },
    /// It said more than is read.
    #[error("git {command} said more than {limit} bytes")]
    TooMuch {
        /// What was asked.
        command: String,
        /// How much is read.
        limit: usize,
    },
    /// Something is not as this crate makes it, and is left alone.
    #[error("{0}")]
    Unexpected(String),
}

impl GitError {
    /// For use with the files of a repository.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

impl From<GitError> for WorkspaceError {
    fn from(error: GitError) -> Self {
        Self {
            message: error.to_string(),
        }
    }
}
