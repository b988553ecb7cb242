//! A repository as a project's directory sees it.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs;
use tokio::io::AsyncWriteExt as _;

use crate::git::{Git, GitError};

/// The folder of the worktrees, in the main worktree of their repository.
const WORKTREES: &str = ".worktrees";

/// What the repository's own list of ignored files says about that folder.
const EXCLUDED: &str = "/.worktrees/";

/// A repository that has something to check out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    /// The top of the worktree that the project is in.
    pub(crate) top: PathBuf,
    /// What all worktrees share.
    pub(crate) common: PathBuf,
    /// Where the project is below the top; empty at the top.
    pub(crate) prefix: PathBuf,
}

/// Why a directory has no worktrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unversioned {
    /// It is in no repository.
    NoRepository,
    /// Nothing was committed yet.
    NoCommit,
}

impl Repository {
    /// The repository that `directory` is in.
    pub(crate) async fn find(
        git: &Git,
        directory: &Path,
    ) -> Result<Result<Self, Unversioned>, GitError> {
        let question = [
            "rev-parse",
            "--path-format=absolute",
            "--show-toplevel",
            "--git-common-dir",
            "--show-prefix",
        ];
        let answer = git.ask(directory, &question).await?;
        if !answer.status.success() {
            return if answer.says_no_repository() {
                Ok(Err(Unversioned::NoRepository))
            } else {
                Err(answer.refused("rev-parse"))
            };
        }
        let text = String::from_utf8_lossy(&answer.output).into_owned();
        let mut lines = text.lines();
        let (Some(top), Some(common)) = (lines.next(), lines.next()) else {
            return Ok(Err(Unversioned::NoRepository));
        };
        let repository = Self {
            top: top.into(),
            common: common.into(),
            prefix: lines
                .next()
                .unwrap_or_default()
                .trim_end_matches('/')
                .into(),
        };
        let head = git
            .ask(directory, &["rev-parse", "--verify", "--quiet", "HEAD"])
            .await?;
        Ok(if head.status.success() {
            Ok(repository)
        } else {
            Err(Unversioned::NoCommit)
        })
    }

    /// Where the worktree of this name is, or will be.
    pub(crate) fn worktree(&self, name: &str) -> PathBuf {
        self.worktrees().join(name)
    }

    pub(crate) fn worktrees(&self) -> PathBuf {
        self.top.join(WORKTREES)
    }

    /// Keeps the folder of the worktrees out of what git shows, for this clone alone.
    pub(crate) async fn exclude_worktrees(&self) -> Result<(), GitError> {
        let path = self.common.join("info").join("exclude");
        let excluded = exclude(&path).await;
        excluded.map_err(|source| GitError::File { path, source })
    }
}

async fn exclude(path: &Path) -> io::Result<()> {
    let listed = match fs::read_to_string(path).await {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    if listed.lines().any(|line| line.trim() == EXCLUDED) {
        return Ok(());
    }
    if let Some(info) = path.parent() {
        fs::create_dir_all(info).await?;
    }
    let mut file = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .await?;
    let gap = if listed.is_empty() || listed.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let line = format!("{gap}{EXCLUDED}\n");
    file.write_all(line.as_bytes()).await?;
    file.flush().await
}
