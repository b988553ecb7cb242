//! A repository as a project's directory sees it.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs;
use tokio::io::AsyncWriteExt as _;

use crate::file;
use crate::git::{Call, Git, GitError};
use crate::worktree::Worktree;

/// The folder of the worktrees, in the checkout that the project is in.
pub(crate) const WORKTREES: &str = ".worktrees";

/// What the repository's own list of ignored files says about that folder.
const EXCLUDED: &str = "/.worktrees/";

/// How many worktrees of a repository are looked at.
const LISTED: usize = 10_000;

/// A repository that has something to check out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    /// The top of the checkout that the project is in.
    pub(crate) top: PathBuf,
    /// What all worktrees share.
    pub(crate) common: PathBuf,
    /// What belongs to that checkout alone.
    pub(crate) admin: PathBuf,
    /// Where the project is below the top; empty at the top.
    pub(crate) prefix: PathBuf,
    /// The commit that is checked out.
    pub(crate) head: String,
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
            "--git-dir",
            "--show-prefix",
            "--revs-only",
            "HEAD",
        ];
        let answer = git.at(directory).ask(&question).await?;
        if !answer.status.success() {
            return if answer.says_no_repository() {
                Ok(Err(Unversioned::NoRepository))
            } else {
                Err(answer.refused("rev-parse"))
            };
        }
        let text = answer.line();
        let lines: Vec<&str> = text.split('\n').collect();
        let [top, common, admin, prefix, rest @ ..] = lines.as_slice() else {
            // Nothing but a repository without a checkout says less.
            return Ok(Err(if lines.len() == 3 {
                Unversioned::NoCommit
            } else {
                Unversioned::NoRepository
            }));
        };
        let [head] = rest else {
            return Ok(Err(Unversioned::NoCommit));
        };
        let repository = Self {
            top: top.into(),
            common: common.into(),
            admin: admin.into(),
            prefix: prefix.trim_end_matches('/').into(),
            head: (*head).to_owned(),
        };
        // A setting may name another place as the checkout; nothing is made or written there.
        let own = file::is_there(&repository.top.join(".git")).await;
        if !own.map_err(GitError::file(&repository.top))? {
            return Ok(Err(Unversioned::NoRepository));
        }
        Ok(Ok(repository))
    }

    /// A call in the checkout that the project is in.
    pub(crate) fn git<'a>(&'a self, git: &'a Git) -> Call<'a> {
        git.at(&self.top)
            .with("GIT_DIR", &self.admin)
            .with("GIT_COMMON_DIR", &self.common)
            .with("GIT_WORK_TREE", &self.top)
    }

    /// The branch of that checkout, without `refs/heads/`; `None` where it is on none.
    pub(crate) async fn branch(&self, git: &Git) -> Result<Option<String>, GitError> {
        let question = ["symbolic-ref", "--quiet", "HEAD"];
        let answer = self.git(git).ask(&question).await?;
        let name = answer.line();
        let name = name.strip_prefix("refs/heads/").map(str::to_owned);
        Ok(name.filter(|_| answer.status.success()))
    }

    /// Where the worktree of this name is, or will be.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.worktrees().join(name)
    }

    pub(crate) fn worktrees(&self) -> PathBuf {
        self.top.join(WORKTREES)
    }

    /// All that the repository knows in the folder of the worktrees, whether they are there or not.
    pub(crate) async fn known(&self) -> Result<Vec<Worktree>, GitError> {
        let folder = self.common.join("worktrees");
        let mut entries = match fs::read_dir(&folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(GitError::file(folder)(source)),
        };
        let mut known = Vec::new();
        let mut seen = 0;
        while let Some(entry) = entries
            .next_entry()
            .await
            .map_err(GitError::file(&folder))?
        {
            seen += 1;
            if seen > LISTED {
                return Err(GitError::Unexpected(format!(
                    "the repository has more than {LISTED} worktrees; remove some"
                )));
            }
            let admin = entry.path();
            // What is no worktree's is not ours either.
            let Ok(Some(text)) = file::read(&admin.join("gitdir")).await else {
                continue;
            };
            let pointed = file::cleaned(&admin.join(text.trim_end()));
            let Some(path) = pointed.parent() else {
                continue;
            };
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some(name) = name.filter(|_| path.parent() == Some(&self.worktrees())) {
                known.push(Worktree {
                    name: name.to_owned(),
                    path: path.to_owned(),
                    admin,
                    common: self.common.clone(),
                });
            }
        }
        known.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(known)
    }

    /// What the repository knows at the place of this name.
    pub(crate) async fn worktree(&self, name: &str) -> Result<Option<Worktree>, GitError> {
        // It is nearly always called like its folder.
        let likely = Worktree {
            name: name.to_owned(),
            path: self.path_of(name),
            admin: self.common.join("worktrees").join(name),
            common: self.common.clone(),
        };
        if let Ok(Some(text)) = file::read(&likely.admin.join("gitdir")).await {
            let pointed = file::cleaned(&likely.admin.join(text.trim_end()));
            if pointed == likely.path.join(".git") {
                return Ok(Some(likely));
            }
        }
        let known = self.known().await?;
        Ok(known.into_iter().find(|worktree| worktree.name == name))
    }

    /// Keeps the folder of the worktrees out of what git shows, for this clone alone.
    pub(crate) async fn exclude_worktrees(&self) -> Result<(), GitError> {
        let path = self.common.join("info").join("exclude");
        let excluded = exclude(&path).await;
        excluded.map_err(GitError::file(path))
    }
}

async fn exclude(path: &Path) -> io::Result<()> {
    let listed = file::read(path).await?.unwrap_or_default();
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
