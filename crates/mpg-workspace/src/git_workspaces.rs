//! A worktree of its own for every thread, where the project is a repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use mpg_core::id::{ProjectName, RootId};
use mpg_core::port::{Download, Workspace, WorkspaceError, WorkspaceRequest, Workspaces};
use mpg_core::workspace::{Diff, Discarded, Merged, WorkspaceState};
use tokio::fs;
use tokio::sync::Mutex;
use tracing::{info, warn};

use crate::git::{Git, GitError};
use crate::handed::open_below;
use crate::name::{thread_of, worktree_name};
use crate::plain::PlainDirectories;
use crate::repository::{Repository, Unversioned, WORKTREES};
use crate::worktree::Worktree;

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
    modes: RwLock<BTreeMap<ProjectName, Worktrees>>,
    /// One change of a repository at a time, by what its worktrees share; with the worktrees that
    /// were handed out since the start.
    repositories: Mutex<BTreeMap<PathBuf, Arc<Mutex<HandedOut>>>>,
    /// The projects whose people were told that they have no worktrees.
    told: Mutex<BTreeSet<ProjectName>>,
    /// What is never handed over, wherever it is.
    protected: Vec<PathBuf>,
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
            modes: RwLock::new(modes),
            repositories: Mutex::default(),
            told: Mutex::default(),
            protected: Vec::new(),
        }
    }

    /// Hands nothing over of these files and folders, even where a workspace has them in it.
    #[must_use]
    pub fn protect(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.protected.extend(paths);
        self
    }

    /// Goes by other modes from now on. Worktrees that there are stay.
    pub fn reconfigure(&self, modes: BTreeMap<ProjectName, Worktrees>) {
        *self.modes.write().unwrap_or_else(PoisonError::into_inner) = modes;
    }

    fn mode(&self, project: &ProjectName) -> Worktrees {
        let modes = self.modes.read().unwrap_or_else(PoisonError::into_inner);
        modes.get(project).copied().unwrap_or_default()
    }

    /// Says nothing to projects whose people were told before that they have no worktrees.
    #[must_use]
    pub fn told(mut self, projects: impl IntoIterator<Item = ProjectName>) -> Self {
        self.told.get_mut().extend(projects);
        self
    }

    /// Removes the worktrees below a project's repository that this installation made, that belong
    /// to none of the `live` threads, and with which nothing would be lost.
    ///
    /// What was committed in them and taken back again is kept below `refs/mpg/discarded/`.
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
        let live: BTreeSet<String> = live
            .iter()
            .filter_map(|thread| worktree_name(thread, None))
            .collect();
        let repository_lock = self.lock(&repository).await;
        let handed_out = repository_lock.lock().await;
        let mut leftovers = Vec::new();
        for worktree in repository.known().await? {
            let used = live.contains(thread_of(&worktree.name));
            if used || handed_out.contains(&worktree.path) || !is_folder(&worktree.path).await {
                continue;
            }
            let mark = worktree.mark().await?;
            if mark.is_none_or(|mark| mark.installation != self.installation) {
                continue;
            }
            // One that cannot be looked at is no reason to leave the others.
            let kept = match repository.retire(&self.git, &worktree).await {
                Ok(retired) => retired.err(),
                Err(error) => Some(error.to_string()),
            };
            leftovers.push(Leftover {
                path: worktree.path,
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
        let name = worktree_name(&request.thread, request.agent.as_ref());
        let name = name.ok_or_else(|| WorkspaceError {
            message: "the thread's id is too long for a folder's name".to_owned(),
        })?;
        let repository_lock = self.lock(repository).await;
        let mut handed_out = repository_lock.lock().await;
        let worktree = repository
            .ensure(&self.git, &name, &self.installation)
            .await
            .map_err(|error| unusable(request, &error))?;
        info!(project = %request.project, worktree = %worktree.path.display(), "a worktree is ready");
        handed_out.insert(worktree.path.clone());
        // Joining nothing would add a slash.
        Ok(worktree
            .path
            .join(&repository.prefix)
            .components()
            .collect())
    }

    /// The worktree that a directory is in, if it was made here.
    async fn find(&self, directory: &str) -> Result<(Repository, Worktree), WorkspaceError> {
        let directory = Path::new(directory);
        let place = directory.ancestors().find_map(|path| {
            let folder = path.parent()?;
            let is_ours = folder.file_name()? == WORKTREES;
            is_ours.then_some((folder.parent()?, path.file_name()?.to_str()?))
        });
        let Some((top, name)) = place else {
            return Err(WorkspaceError::shared());
        };
        let Ok(repository) = Repository::find(&self.git, top).await? else {
            return Err(WorkspaceError::shared());
        };
        let Some(worktree) = repository.worktree(name).await? else {
            return Err(WorkspaceError {
                message: format!("git knows no worktree at {}", directory.display()),
            });
        };
        if worktree.mark().await?.is_none() {
            return Err(WorkspaceError::shared());
        }
        if !is_folder(&worktree.path).await {
            return Err(WorkspaceError {
                message: format!(
                    "{} was taken away; the next session of the thread makes it again from its branch",
                    worktree.path.display()
                ),
            });
        }
        Ok((repository, worktree))
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
        let mode = self.mode(&request.project);
        let plain = PlainDirectories.prepare(request.clone()).await?;
        if mode == Worktrees::Never {
            return Ok(plain);
        }
        let found = Repository::find(&self.git, Path::new(&request.directory)).await;
        let reason = match (found, mode) {
            (Ok(Ok(repository)), _) => {
                let directory = self.worktree(&repository, &request).await?;
                if is_itself(&directory).await {
                    return Ok(Workspace::new(directory.to_string_lossy()));
                }
                "its directory is not committed".to_owned()
            }
            (Ok(Err(Unversioned::NoRepository)), _) => "it is no git repository".to_owned(),
            (Ok(Err(Unversioned::NoCommit)), _) => "nothing is committed there yet".to_owned(),
            (Err(GitError::Missing), Worktrees::Auto | Worktrees::Never) => {
                "git was not found".to_owned()
            }
            (Err(error @ GitError::TooOld { .. }), Worktrees::Auto | Worktrees::Never) => {
                warn!(project = %request.project, %error, "no worktrees");
                "git is too old".to_owned()
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

    async fn locate(&self, request: &WorkspaceRequest) -> Result<Option<String>, WorkspaceError> {
        let Some(name) = worktree_name(&request.thread, request.agent.as_ref()) else {
            return Ok(None);
        };
        let found = Repository::find(&self.git, Path::new(&request.directory)).await?;
        let Ok(repository) = found else {
            return Ok(None);
        };
        let worktree = repository.worktree(&name).await?;
        Ok(worktree.map(|worktree| worktree.path.to_string_lossy().into_owned()))
    }

    async fn open(&self, directory: &str, path: &str) -> Result<Box<dyn Download>, WorkspaceError> {
        open_below(directory, path, &self.protected).await
    }

    async fn inspect(&self, directory: &str) -> Result<WorkspaceState, WorkspaceError> {
        let (_, worktree) = self.find(directory).await?;
        Ok(worktree.state(&self.git).await?)
    }

    async fn diff(&self, directory: &str) -> Result<Diff, WorkspaceError> {
        let (_, worktree) = self.find(directory).await?;
        Ok(worktree.diff(&self.git).await?)
    }

    async fn merge(&self, directory: &str) -> Result<Merged, WorkspaceError> {
        let (repository, _) = self.find(directory).await?;
        let repository_lock = self.lock(&repository).await;
        let _alone = repository_lock.lock().await;
        // It may have changed while others were waited for.
        let (repository, worktree) = self.find(directory).await?;
        let merged = repository.merge(&self.git, &worktree).await?;
        if let Merged::Done { commit, .. } = &merged {
            info!(worktree = %worktree.path.display(), commit, "a thread's branch was merged");
        }
        Ok(merged)
    }

    async fn discard(&self, directory: &str) -> Result<Discarded, WorkspaceError> {
        let (repository, _) = self.find(directory).await?;
        let repository_lock = self.lock(&repository).await;
        let mut handed_out = repository_lock.lock().await;
        let (repository, worktree) = self.find(directory).await?;
        let discarded = repository.discard(&self.git, &worktree).await?;
        handed_out.remove(&worktree.path);
        info!(worktree = %worktree.path.display(), saved = discarded.saved, "a worktree was discarded");
        Ok(discarded)
    }
}

async fn is_folder(path: &Path) -> bool {
    let found = fs::symlink_metadata(path).await;
    found.is_ok_and(|found| found.is_dir())
}

/// Whether a directory is there, and no link leads elsewhere on the way to it.
async fn is_itself(directory: &Path) -> bool {
    let real = fs::canonicalize(directory).await;
    real.is_ok_and(|real| real == directory) && is_folder(directory).await
}

fn unusable(request: &WorkspaceRequest, error: &GitError) -> WorkspaceError {
    WorkspaceError {
        message: format!(
            "no worktree for this thread of {}: {error}",
            request.project
        ),
    }
}
