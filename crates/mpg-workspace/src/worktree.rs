//! A worktree that a thread works in, and the mark that says whose it is.

use std::path::PathBuf;

use crate::file;
use crate::git::{Call, Git, GitError};

/// The file, in a worktree's own part of the repository, that says whose it is.
const MARK: &str = "mpg";

/// What git leaves in a worktree's own part of the repository while something is not ended.
const UNFINISHED: &[(&str, &str)] = &[
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("BISECT_LOG", "bisect"),
];

/// A worktree below the checkout that a project is in, as the repository knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Worktree {
    /// The name of its folder.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) path: PathBuf,
    /// Its own part of the repository.
    pub(crate) admin: PathBuf,
    /// What all worktrees share.
    pub(crate) common: PathBuf,
}

/// What stands in the mark of a worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The installation that made it.
    pub(crate) installation: String,
    /// The branch that it grew from; empty where the checkout was on none.
    pub(crate) base: String,
    /// The commit that it began at.
    pub(crate) start: String,
    /// Whether its files were all checked out: nobody works in it before.
    pub(crate) ready: bool,
}

impl Worktree {
    /// A call in it, whatever its files say about where it belongs.
    pub(crate) fn git<'a>(&'a self, git: &'a Git) -> Call<'a> {
        git.at(&self.path)
            .with("GIT_DIR", &self.admin)
            .with("GIT_COMMON_DIR", &self.common)
            .with("GIT_WORK_TREE", &self.path)
    }

    /// A call about it that does not need its folder.
    pub(crate) fn git_without_folder<'a>(&'a self, git: &'a Git) -> Call<'a> {
        git.at(&self.admin)
            .with("GIT_DIR", &self.admin)
            .with("GIT_COMMON_DIR", &self.common)
    }

    /// The mark; `None` where it was not made here.
    pub(crate) async fn mark(&self) -> Result<Option<Mark>, GitError> {
        let path = self.admin.join(MARK);
        let text = file::read(&path).await.map_err(GitError::file(path))?;
        Ok(text.as_deref().and_then(Mark::parse))
    }

    /// Writes the mark.
    pub(crate) async fn set_mark(&self, mark: &Mark) -> Result<(), GitError> {
        let path = self.admin.join(MARK);
        let written = file::write(&path, &mark.text()).await;
        written.map_err(GitError::file(path))
    }

    /// What was begun in it and not ended.
    pub(crate) async fn unfinished(&self) -> Result<Option<String>, GitError> {
        unfinished(&self.admin).await
    }
}

/// What was begun in the checkout whose own part of the repository this is, and not ended.
pub(crate) async fn unfinished(admin: &std::path::Path) -> Result<Option<String>, GitError> {
    for (name, what) in UNFINISHED {
        let path = admin.join(name);
        if file::is_there(&path).await.map_err(GitError::file(path))? {
            return Ok(Some((*what).to_owned()));
        }
    }
    Ok(None)
}

impl Mark {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split('\n').map(str::to_owned);
        Some(Self {
            installation: lines.next().filter(|line| !line.is_empty())?,
            base: lines.next().unwrap_or_default(),
            start: lines.next().unwrap_or_default(),
            ready: lines.next().unwrap_or_default() != "making",
        })
    }

    fn text(&self) -> String {
        let Self {
            installation,
            base,
            start,
            ready,
        } = self;
        let state = if *ready { "ready" } else { "making" };
        format!("{installation}\n{base}\n{start}\n{state}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        for ready in [true, false] {
            let mark = Mark {
                installation: "one".to_owned(),
                base: "main".to_owned(),
                start: "0a".to_owned(),
                ready,
            };
            assert_eq!(Mark::parse(&mark.text()), Some(mark));
        }
        assert_eq!(Mark::parse(""), None);
    }
}
