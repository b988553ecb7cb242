//! A worktree of its own for every thread, where the project is a repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use mpg_core::id::{ProjectName, RootId};
use mpg_core::port::{Workspace, WorkspaceError, WorkspaceRequest, Workspaces};
use tokio::sync::Mutex;
use tracing::{info, warn};

use crate::git::{Git, GitError};
use crate::name::worktree_name;
use crate::plain::PlainDirectories;
use crate::repository::{Repository, Unversioned};
use crate::worktree::{WorktreeState, inspect, read_mark};

/// Whether the threads of a project have worktrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Worktrees {
    /// Where the project is a repository with a commit.
    #[default]
    Auto,
    /// Always; a project that is no such repository is an error.
    Always,
    /// Never: they work in the project's directory.
    Never,
}

/// Gives every thread a git worktree of its own, on a branch of its own, below the project's
/// repository.
///
/// Nothing is ever removed by force: a worktree with something that is nowhere else stays.
#[derive(Debug)]
pub struct GitWorkspaces {
    git: Git,
    installation: String,
    modes: BTreeMap<ProjectName, Worktrees>,
    /// One change of a repository at a time, by what its worktrees share; with the worktrees that
    /// were handed out since the start.
    repositories: Mutex<BTreeMap<PathBuf, Arc<Mutex<HandedOut>>>>,
    /// The projects whose people were told that they have no worktrees.
    told: Mutex<BTreeSet<ProjectName>>,
}

type HandedOut = BTreeSet<PathBuf>;

/// A worktree that belongs to no thread any more, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Where it is, or was.
    pub path: PathBuf,
    /// Why it was kept; `None` if it was removed.
    pub kept: Option<String>,
}

impl GitWorkspaces {
    /// Workspaces of the installation of this name, calling git with what of `environment` it needs.
    /// A project that is not in `modes` is [`Worktrees::Auto`].
    pub fn new(
        installation: impl Into<String>,
        environment: &BTreeMap<String, String>,
        modes: BTreeMap<ProjectName, Worktrees>,
    ) -> Self {
        Self {
            git: Git::new(environment),
            installation: installation.into(),
            modes,
            repositories: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// Says nothing to projects whose people were told before that they have no worktrees.
    #[must_use]
    pub fn told(mut self, projects: impl IntoIterator<Item = ProjectName>) -> Self {
        self.told.get_mut().extend(projects);
        self
    }

    /// What is in the worktree of a directory that is nowhere else.
    ///
    /// # Errors
    ///
    /// If it is no worktree, or git does not work there.
    pub async fn inspect(&self, directory: &Path) -> Result<WorktreeState, GitError> {
        inspect(&self.git, directory).await
    }

    /// Removes the worktrees below a project's repository that this installation made, that belong
    /// to none of the `live` threads, and with which nothing would be lost.
    ///
    /// # Errors
    ///
    /// If git does not work there. What was removed until then is gone.
    pub async fn reconcile(
        &self,
        directory: &Path,
        live: &BTreeSet<RootId>,
    ) -> Result<Vec<Leftover>, GitError> {
        let Ok(repository) = Repository::find(&self.git, directory).await? else {
            return Ok(Vec::new());
        };
        let live: BTreeSet<PathBuf> = live
            .iter()
            .filter_map(worktree_name)
            .map(|name| repository.worktree(&name))
            .collect();
        let own = repository.worktrees();
        let repository_lock = self.lock(&repository).await;
        let handed_out = repository_lock.lock().await;
        let mut leftovers = Vec::new();
        for listed in repository.list(&self.git).await? {
            let ours = listed.path.parent() == Some(&own);
            let used = live.contains(&listed.path) || handed_out.contains(&listed.path);
            if !ours || used || !listed.path.is_dir() {
                continue;
            }
            let mark = read_mark(&self.git, &listed.path).await?;
            if mark.is_none_or(|mark| mark.installation != self.installation) {
                continue;
            }
            let kept = repository.retire(&self.git, &listed).await?.err();
            leftovers.push(Leftover {
                path: listed.path,
                kept,
            });
        }
        Ok(leftovers)
    }

    async fn worktree(
        &self,
        repository: &Repository,
        request: &WorkspaceRequest,
    ) -> Result<PathBuf, WorkspaceError> {
        let name = worktree_name(&request.thread).ok_or_else(|| WorkspaceError {
            message: "the thread's id is too long for a folder's name".to_owned(),
        })?;
        let repository_lock = self.lock(repository).await;
        let mut handed_out = repository_lock.lock().await;
        let worktree = repository
            .ensure(&self.git, &name, &self.installation)
            .await
            .map_err(|error| unusable(request, &error))?;
        info!(project = %request.project, worktree = %worktree.display(), "a worktree is ready");
        handed_out.insert(worktree.clone());
        // Joining nothing would add a slash.
        Ok(worktree.join(&repository.prefix).components().collect())
    }

    async fn lock(&self, repository: &Repository) -> Arc<Mutex<HandedOut>> {
        let mut repositories = self.repositories.lock().await;
        Arc::clone(repositories.entry(repository.common.clone()).or_default())
    }

    /// The project's own directory, with a word about it for the first thread that gets it.
    async fn plain(
        &self,
        request: WorkspaceRequest,
        why: &str,
    ) -> Result<Workspace, WorkspaceError> {
        let first = self.told.lock().await.insert(request.project.clone());
        let notice = first.then(|| {
            format!(
                "{why}, so the threads of {} share its directory",
                request.project
            )
        });
        let workspace = PlainDirectories.prepare(request).await?;
        Ok(Workspace {
            notice,
            ..workspace
        })
    }
}

#[async_trait]
impl Workspaces for GitWorkspaces {
    /// Makes the thread's worktree, or names the project's directory where there are none.
    ///
    /// # Errors
    ///
    /// If the directory is not there, git does not work in it, or `worktree = "always"` and it is
    /// no repository with a commit.
    async fn prepare(&self, request: WorkspaceRequest) -> Result<Workspace, WorkspaceError> {
        let mode = self
            .modes
            .get(&request.project)
            .copied()
            .unwrap_or_default();
        let plain = PlainDirectories.prepare(request.clone()).await?;
        if mode == Worktrees::Never {
            return Ok(plain);
        }
        let found = Repository::find(&self.git, Path::new(&request.directory)).await;
        let reason = match (found, mode) {
            (Ok(Ok(repository)), _) => {
                let directory = self.worktree(&repository, &request).await?;
                if directory.is_dir() {
                    return Ok(Workspace {
                        directory: directory.to_string_lossy().into_owned(),
                        notice: None,
                    });
                }
                "its directory is not committed".to_owned()
            }
            (Ok(Err(Unversioned::NoRepository)), _) => "it is no git repository".to_owned(),
            (Ok(Err(Unversioned::NoCommit)), _) => "nothing is committed there yet".to_owned(),
            (Err(error @ GitError::Start(_)), Worktrees::Auto | Worktrees::Never) => {
                warn!(project = %request.project, %error, "no worktrees");
                "git cannot be started".to_owned()
            }
            (Err(error), _) => return Err(unusable(&request, &error)),
        };
        match mode {
            Worktrees::Always => Err(WorkspaceError {
                message: format!(
                    "{} has no worktrees: {reason}; set `worktree = \"never\"` to work in it",
                    request.directory
                ),
            }),
            Worktrees::Auto | Worktrees::Never => self.plain(request, &reason).await,
        }
    }
}

fn unusable(request: &WorkspaceRequest, error: &GitError) -> WorkspaceError {
    WorkspaceError {
        message: format!(
            "no worktree for this thread of {}: {error}",
            request.project
        ),
    }
}
