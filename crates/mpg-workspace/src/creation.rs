//! Making a thread's worktree, so that it is there as a whole or not at all.

use std::io;
use std::path::Path;

use tokio::fs;
use tracing::warn;

use crate::file;
use crate::git::{Git, GitError};
use crate::name::branch;
use crate::repository::Repository;
use crate::rescue::Rescue;
use crate::worktree::{Mark, Worktree};

/// What is at the place of a worktree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing.
    Free,
    /// A folder without anything of somebody's in it.
    Bare,
    /// A folder with something in it.
    Filled,
}

impl Repository {
    /// Makes sure that there is a worktree of this name, on its own branch.
    ///
    /// One that is there already costs no call of git.
    pub(crate) async fn ensure(
        &self,
        git: &Git,
        name: &str,
        installation: &str,
    ) -> Result<Worktree, GitError> {
        self.no_link().await?;
        let path = self.path_of(name);
        let place = place(&path).await?;
        let known = self.worktree(name).await?;
        let mark = match &known {
            Some(known) => known.mark().await?,
            None => None,
        };
        match (known, mark, place) {
            (Some(worktree), Some(mark), Place::Filled | Place::Bare) => {
                if !mark.ready {
                    worktree.check_out(git, mark).await?;
                }
                Ok(worktree)
            }
            (Some(worktree), None, Place::Filled) => Ok(worktree),
            (None, _, Place::Filled) => Err(GitError::Unexpected(format!(
                "{} is there, and is no worktree of this repository; move it away",
                path.display()
            ))),
            (Some(gone), mark, Place::Free | Place::Bare) => {
                self.forget(git, &gone, place).await?;
                self.make(git, name, installation, mark).await
            }
            (None, mark, Place::Free | Place::Bare) => {
                self.make(git, name, installation, mark).await
            }
        }
    }

    /// A folder of worktrees that leads elsewhere is none: a branch may bring such a link with it.
    async fn no_link(&self) -> Result<(), GitError> {
        let folder = self.worktrees();
        match fs::symlink_metadata(&folder).await {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(_) => Err(GitError::Unexpected(format!(
                "{} is no folder; move it away",
                folder.display()
            ))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(GitError::file(folder)(source)),
        }
    }

    /// Takes away what the repository knows about a worktree whose folder is gone, and keeps what is
    /// nowhere else.
    async fn forget(&self, git: &Git, gone: &Worktree, place: Place) -> Result<(), GitError> {
        let rescue = Rescue::without_folder(git, gone).await?;
        if let Some(saved) = rescue.keep(git).await? {
            warn!(worktree = %gone.path.display(), saved, "a worktree's folder was taken away");
        }
        if place == Place::Bare {
            let pointer = gone.path.join(".git");
            let removed = file::remove(&pointer).await;
            removed.map_err(GitError::file(pointer))?;
            let removed = fs::remove_dir(&gone.path).await;
            removed.map_err(GitError::file(&gone.path))?;
        }
        let lock = gone.admin.join("locked");
        let locked = file::read(&lock).await.map_err(GitError::file(&lock))?;
        if locked.is_some_and(|reason| reason.trim() == "initializing") {
            // What made it was killed, and nobody has worked in it.
            file::remove(&lock).await.map_err(GitError::file(&lock))?;
        }
        let path = gone.path.to_string_lossy();
        self.git(git)
            .run(&["worktree", "remove", "--", &path])
            .await?;
        Ok(())
    }

    async fn make(
        &self,
        git: &Git,
        name: &str,
        installation: &str,
        before: Option<Mark>,
    ) -> Result<Worktree, GitError> {
        if let Err(error) = self.exclude_worktrees().await {
            warn!(%error, "the folder of the worktrees is not kept out of `git status`");
        }
        let path = self.path_of(name);
        let branch = branch(name);
        let reference = format!("refs/heads/{branch}");
        let question = ["rev-parse", "--verify", "--quiet", &reference];
        let known = self.git(git).ask(&question).await?.status.success();
        let target = path.to_string_lossy();
        let mut arguments = vec!["worktree", "add", "--quiet", "--no-checkout"];
        if known {
            arguments.extend(["--", &target, &branch]);
        } else {
            arguments.extend(["--no-track", "-b", &branch, "--", &target, &self.head]);
        }
        // Git looks for the checkout's own repository by itself here, since it makes another one.
        git.at(&self.top).run(&arguments).await?;
        let made = self.worktree(name).await?;
        let made = made.ok_or_else(|| {
            GitError::Unexpected(format!("git made no worktree at {}", path.display()))
        })?;
        let mark = match before {
            Some(before) => Mark {
                ready: false,
                ..before
            },
            None => Mark {
                installation: installation.to_owned(),
                base: self.branch(git).await?.unwrap_or_default(),
                start: self.head.clone(),
                ready: false,
            },
        };
        made.check_out(git, mark).await?;
        Ok(made)
    }
}

impl Worktree {
    /// Writes the files of its commit, and says in the mark when that is done.
    ///
    /// What is cut short is begun again from the start: the index is not git's own until it is
    /// complete, so that no lock of a killed process is in the way.
    async fn check_out(&self, git: &Git, mark: Mark) -> Result<(), GitError> {
        let mark = Mark {
            ready: false,
            ..mark
        };
        self.set_mark(&mark).await?;
        let index = self.scratch("checkout").await?;
        let call = self.git(git).with("GIT_INDEX_FILE", &index).files();
        call.run(&["read-tree", "--reset", "-u", "HEAD"]).await?;
        let own = self.admin.join("index");
        let moved = fs::rename(&index, &own).await;
        moved.map_err(GitError::file(own))?;
        let ready = Mark {
            ready: true,
            ..mark
        };
        self.set_mark(&ready).await
    }

    /// The path of a file for an index of our own, with nothing there.
    pub(crate) async fn scratch(&self, purpose: &str) -> Result<std::path::PathBuf, GitError> {
        let process = std::process::id();
        let path = self.admin.join(format!("mpg-{purpose}-{process}"));
        for path in [path.with_extension("lock"), path.clone()] {
            let removed = file::remove(&path).await;
            removed.map_err(GitError::file(path))?;
        }
        Ok(path)
    }
}

async fn place(path: &Path) -> Result<Place, GitError> {
    match fs::symlink_metadata(path).await {
        Ok(found) if found.is_dir() => {}
        Ok(_) => {
            return Err(GitError::Unexpected(format!(
                "{} is no folder; move it away",
                path.display()
            )));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::Free),
        Err(source) => return Err(GitError::file(path)(source)),
    }
    let mut entries = fs::read_dir(path).await.map_err(GitError::file(path))?;
    while let Some(entry) = entries.next_entry().await.map_err(GitError::file(path))? {
        let kind = entry.file_type().await.map_err(GitError::file(path))?;
        if entry.file_name() != ".git" || !kind.is_file() {
            return Ok(Place::Filled);
        }
    }
    Ok(Place::Bare)
}
