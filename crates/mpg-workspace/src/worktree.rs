//! The worktrees that threads work in: made when they are needed, kept for as long as something
//! would be lost with them.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs;

use crate::git::{Git, GitError};
use crate::name::{BRANCHES, branch};
use crate::repository::Repository;

/// The file, in a worktree's own part of the repository, that says whose it is.
const MARK: &str = "mpg";

/// How many changed files are named.
const NAMED: usize = 100;

/// What stands in the mark of a worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The installation that made it.
    pub(crate) installation: String,
    /// The branch that it grew from; empty where the checkout was on none.
    pub(crate) base: String,
}

/// A worktree, as its repository lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its branch, without `refs/heads/`; `None` where it is on none.
    pub(crate) branch: Option<String>,
}

/// What is in a worktree that is nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorktreeState {
    /// Its branch, where it is on one.
    pub branch: Option<String>,
    /// The branch that it grew from, where that is known.
    pub base: Option<String>,
    /// Commits that the base does not have.
    pub ahead: u64,
    /// Commits that only the base has.
    pub behind: u64,
    /// Commits that are on no other branch and on no remote.
    pub unsaved: u64,
    /// Changed and new files, at most 100 of them.
    pub dirty: Vec<String>,
}

impl WorktreeState {
    /// Why the worktree cannot be removed without losing something; `None` if it can.
    pub fn kept_for(&self) -> Option<String> {
        match (self.dirty.len(), self.unsaved) {
            (0, 0) => None,
            (0, commits) => Some(format!("commits that are nowhere else: {commits}")),
            (files, 0) => Some(format!("files that are not committed: {files}")),
            (files, commits) => Some(format!(
                "files that are not committed: {files}, commits that are nowhere else: {commits}"
            )),
        }
    }
}

impl Repository {
    /// Makes sure that there is a worktree of this name, on its own branch.
    pub(crate) async fn ensure(
        &self,
        git: &Git,
        name: &str,
        installation: &str,
    ) -> Result<PathBuf, GitError> {
        let path = self.worktree(name);
        let listed = self.list(git).await?.into_iter().any(|l| l.path == path);
        let exists = fs::symlink_metadata(&path).await.is_ok();
        match (listed, exists) {
            (true, true) => return Ok(path),
            (false, true) => {
                return Err(GitError::Refused {
                    command: "worktree add".to_owned(),
                    complaint: format!(
                        "{} is there, and is no worktree of this repository; move it away",
                        path.display()
                    ),
                });
            }
            (_, false) => {}
        }
        self.exclude_worktrees().await?;
        let branch = branch(name);
        let base = self.base(git).await?;
        let reference = format!("refs/heads/{branch}");
        let known = git
            .ask(&self.top, &["show-ref", "--verify", "--quiet", &reference])
            .await?;
        let target = path.to_string_lossy().into_owned();
        let mut arguments = vec!["worktree", "add", "--quiet"];
        if listed {
            // Its folder was taken away by somebody else: there is nothing left to overwrite.
            arguments.push("--force");
        }
        if known.status.success() {
            arguments.extend(["--", &target, &branch]);
        } else {
            arguments.extend(["--no-track", "-b", &branch, "--", &target, "HEAD"]);
        }
        git.run(&self.top, &arguments).await?;
        let mark = Mark {
            installation: installation.to_owned(),
            base: base.unwrap_or_default(),
        };
        write_mark(git, &path, &mark).await?;
        Ok(path)
    }

    /// All worktrees of the repository, its main one too.
    pub(crate) async fn list(&self, git: &Git) -> Result<Vec<Listed>, GitError> {
        let output = git
            .run(&self.top, &["worktree", "list", "--porcelain", "-z"])
            .await?;
        Ok(parse_list(&String::from_utf8_lossy(&output)))
    }

    /// Removes a worktree and its branch, if nothing is lost with them; says why it was kept if not.
    pub(crate) async fn retire(
        &self,
        git: &Git,
        listed: &Listed,
    ) -> Result<Result<(), String>, GitError> {
        let state = inspect(git, &listed.path).await?;
        if let Some(reason) = state.kept_for() {
            return Ok(Err(reason));
        }
        let target = listed.path.to_string_lossy().into_owned();
        git.run(&self.top, &["worktree", "remove", "--", &target])
            .await?;
        if let Some(branch) = listed.branch.as_ref().filter(|b| b.starts_with(BRANCHES)) {
            // A branch whose commits are all elsewhere may still be refused; then it stays.
            let _kept = git
                .run(&self.top, &["branch", "--quiet", "-d", "--", branch])
                .await;
        }
        Ok(Ok(()))
    }

    /// The branch of the checkout that the project works in.
    async fn base(&self, git: &Git) -> Result<Option<String>, GitError> {
        let answer = git
            .ask(&self.top, &["symbolic-ref", "--quiet", "--short", "HEAD"])
            .await?;
        let name = String::from_utf8_lossy(&answer.output).trim().to_owned();
        Ok((answer.status.success() && !name.is_empty()).then_some(name))
    }
}

/// What is in a worktree that is nowhere else.
pub(crate) async fn inspect(git: &Git, path: &Path) -> Result<WorktreeState, GitError> {
    let status = git
        .run(
            path,
            &[
                "status",
                "--porcelain=v1",
                "-z",
                "--untracked-files=all",
                "--ignore-submodules=none",
                "--no-renames",
            ],
        )
        .await?;
    let dirty = String::from_utf8_lossy(&status);
    let dirty = dirty.split('\0').filter_map(|entry| entry.get(3..));
    let dirty = dirty.take(NAMED).map(str::to_owned).collect();
    let head = git
        .ask(path, &["symbolic-ref", "--quiet", "--short", "HEAD"])
        .await?;
    let branch = head
        .status
        .success()
        .then(|| String::from_utf8_lossy(&head.output).trim().to_owned());
    let mark = read_mark(git, path).await?;
    let base = mark.map(|mark| mark.base).filter(|base| !base.is_empty());
    let (ahead, behind) = match &base {
        Some(base) => distance(git, path, base).await?,
        None => (0, 0),
    };
    Ok(WorktreeState {
        unsaved: unsaved(git, path, branch.as_deref()).await?,
        branch,
        base,
        ahead,
        behind,
        dirty,
    })
}

/// Commits that would be lost with the worktree and its branch.
async fn unsaved(git: &Git, path: &Path, branch: Option<&str>) -> Result<u64, GitError> {
    // The thread's own branch goes with the worktree; any other one stays.
    let own = branch.filter(|branch| branch.starts_with(BRANCHES));
    let exclude = format!("--exclude={}", own.unwrap_or_default());
    let arguments = [
        "rev-list",
        "--count",
        "HEAD",
        "--not",
        &exclude,
        "--branches",
        "--remotes",
        "--tags",
    ];
    let count = git.line(path, &arguments).await?;
    Ok(count.parse().unwrap_or(u64::MAX))
}

async fn distance(git: &Git, path: &Path, base: &str) -> Result<(u64, u64), GitError> {
    let range = format!("refs/heads/{base}...HEAD");
    let answer = git
        .ask(path, &["rev-list", "--left-right", "--count", &range])
        .await?;
    // A base that was deleted has no distance.
    let text = String::from_utf8_lossy(&answer.output);
    let mut counts = text.split_whitespace().map(|count| count.parse().ok());
    let (behind, ahead) = (counts.next().flatten(), counts.next().flatten());
    Ok((ahead.unwrap_or(0), behind.unwrap_or(0)))
}

pub(crate) async fn read_mark(git: &Git, path: &Path) -> Result<Option<Mark>, GitError> {
    let file = mark_file(git, path).await?;
    match fs::read_to_string(&file).await {
        Ok(text) => {
            let mut lines = text.lines();
            Ok(lines.next().map(|installation| Mark {
                installation: installation.to_owned(),
                base: lines.next().unwrap_or_default().to_owned(),
            }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(GitError::File { path: file, source }),
    }
}

async fn write_mark(git: &Git, path: &Path, mark: &Mark) -> Result<(), GitError> {
    let file = mark_file(git, path).await?;
    let text = format!("{}\n{}\n", mark.installation, mark.base);
    let written = fs::write(&file, text).await;
    written.map_err(|source| GitError::File { path: file, source })
}

async fn mark_file(git: &Git, path: &Path) -> Result<PathBuf, GitError> {
    let own = git
        .line(path, &["rev-parse", "--path-format=absolute", "--git-dir"])
        .await?;
    Ok(Path::new(&own).join(MARK))
}

fn parse_list(text: &str) -> Vec<Listed> {
    let mut worktrees = Vec::new();
    for entry in text.split('\0') {
        match entry.split_once(' ') {
            Some(("worktree", path)) => worktrees.push(Listed {
                path: path.into(),
                branch: None,
            }),
            Some(("branch", name)) => {
                if let Some(last) = worktrees.last_mut() {
                    let name = name.strip_prefix("refs/heads/").unwrap_or(name);
                    last.branch = Some(name.to_owned());
                }
            }
            Some(_) | None => {}
        }
    }
    worktrees
}
