//! Bringing a thread's branch into its base, as a whole or not at all.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, FileType};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use mpg_core::workspace::{MergeRefusal, Merged, Names};
use tokio::task;

use crate::git::{Git, GitError};
use crate::repository::Repository;
use crate::rescue::{commit_tree, with_identity};
use crate::state::status;
use crate::worktree::{Worktree, unfinished};

/// How many changed files the project's checkout may have, and a merge may add.
const FILES: usize = 200_000;

/// What is merged into what.
struct Sides {
    branch: String,
    base: String,
    /// The commit of the branch.
    theirs: String,
    /// The commit of the base.
    ours: String,
}

impl Repository {
    /// Merges what is committed in a worktree into its base, in the project's checkout.
    ///
    /// The result is computed without touching a file, and then the checkout is moved forward to it,
    /// which git does only if no uncommitted change is in the way.
    pub(crate) async fn merge(&self, git: &Git, worktree: &Worktree) -> Result<Merged, GitError> {
        let sides = match self.sides(git, worktree).await? {
            Ok(sides) => sides,
            Err(refusal) => return Ok(Merged::Refused(refusal)),
        };
        let call = self.git(git).files();
        let range = format!("{}..{}", sides.ours, sides.theirs);
        let commits = call.line(&["rev-list", "--count", &range, "--"]).await?;
        let Sides {
            branch,
            base,
            theirs,
            ours,
        } = sides;
        let commits = commits.parse().unwrap_or(0);
        if commits == 0 {
            return Ok(Merged::Nothing { branch, base });
        }
        let ancestor = ["merge-base", "--is-ancestor", &ours, &theirs];
        let commit = if call.ask(&ancestor).await?.status.success() {
            theirs
        } else {
            match self.joined(git, &ours, &theirs, &branch).await? {
                Ok(commit) => commit,
                Err(files) => {
                    return Ok(Merged::Conflicts {
                        branch,
                        base,
                        files,
                    });
                }
            }
        };
        let in_the_way = self.in_the_way(git, &ours, &commit).await?;
        if !in_the_way.is_empty() {
            return Ok(Merged::Refused(MergeRefusal::InTheWay(in_the_way)));
        }
        // The branch's own options are for merges by hand.
        let options = format!("branch.{base}.mergeOptions");
        let forward = [
            "merge",
            "--ff-only",
            "--quiet",
            "--no-stat",
            "--no-autostash",
            "--no-verify-signatures",
            "--no-overwrite-ignore",
            &commit,
        ];
        call.set(options, "").run(&forward).await?;
        Ok(Merged::Done {
            branch,
            base,
            commits,
            commit,
        })
    }

    /// What would be merged, or why nothing is.
    async fn sides(
        &self,
        git: &Git,
        worktree: &Worktree,
    ) -> Result<Result<Sides, MergeRefusal>, GitError> {
        for (admin, directory) in [(&worktree.admin, &worktree.path), (&self.admin, &self.top)] {
            if let Some(what) = unfinished(admin).await? {
                let directory = directory.to_string_lossy().into_owned();
                return Ok(Err(MergeRefusal::Unfinished { directory, what }));
            }
        }
        let theirs = status(&worktree.git(git), false).await?;
        if !theirs.dirty.is_empty() {
            return Ok(Err(MergeRefusal::Uncommitted(theirs.dirty)));
        }
        let (Some(branch), Some(theirs)) = (theirs.branch, theirs.head) else {
            return Ok(Err(MergeRefusal::Detached));
        };
        let mark = worktree.mark().await?;
        let Some(base) = mark.map(|mark| mark.base).filter(|base| !base.is_empty()) else {
            return Ok(Err(MergeRefusal::NoBase));
        };
        let current = self.branch(git).await?;
        if current.as_ref() != Some(&base) {
            return Ok(Err(MergeRefusal::Elsewhere { base, current }));
        }
        Ok(Ok(Sides {
            branch,
            base,
            theirs,
            ours: self.head.clone(),
        }))
    }

    /// The commit that joins the two, or the files in which they do not fit together.
    async fn joined(
        &self,
        git: &Git,
        ours: &str,
        theirs: &str,
        branch: &str,
    ) -> Result<Result<String, Names>, GitError> {
        let call = self.git(git).files();
        let question = [
            "merge-tree",
            "--write-tree",
            "--name-only",
            "--no-messages",
            "-z",
            ours,
            theirs,
        ];
        let answer = call.ask(&question).await?;
        let said = String::from_utf8_lossy(&answer.output).into_owned();
        let mut said = said.split('\0').filter(|part| !part.is_empty());
        let tree = said.next().unwrap_or_default().trim();
        match answer.status.code() {
            Some(0) => {
                let call = with_identity(call).await?;
                let message = format!("Merge branch '{branch}'");
                let commit = commit_tree(&call, tree, &[ours, theirs], &message).await?;
                Ok(Ok(commit))
            }
            Some(1) => Ok(Err(said.map(str::to_owned).collect())),
            Some(_) | None => Err(answer.refused("merge-tree")),
        }
    }

    /// Files of the checkout that going from one commit to another would write, and that are changed
    /// or not part of the branch.
    async fn in_the_way(&self, git: &Git, from: &str, to: &str) -> Result<Names, GitError> {
        let call = self.git(git);
        let mut changed = BTreeSet::new();
        let mut take = |record: &[u8]| {
            changed.extend(record.get(3..).map(<[u8]>::to_vec));
            changed.len() < FILES
        };
        let question = [
            "status",
            "--porcelain=v1",
            "-z",
            "--untracked-files=no",
            "--ignore-submodules=dirty",
            "--no-renames",
        ];
        let whole = call.clone().files().each(&question, &mut take).await?;
        let mut written = Written::default();
        let mut in_the_way = Names::default();
        let mut kind = None;
        let mut take = |record: &[u8]| {
            // What was done and the name take turns.
            let Some(done) = kind.take() else {
                kind = record.first().copied();
                return true;
            };
            match done {
                b'A' => written.added.push(record.to_vec()),
                b'D' => {
                    written.removed.insert(record.to_vec());
                }
                _ => {}
            }
            if changed.contains(record) {
                in_the_way.push(String::from_utf8_lossy(record));
            }
            written.added.len() + written.removed.len() < FILES
        };
        let question = [
            "diff-tree",
            "-r",
            "--name-status",
            "--no-renames",
            "-z",
            from,
            to,
        ];
        let whole = call.each(&question, &mut take).await? && whole;
        if !whole {
            return Err(GitError::Unexpected(format!(
                "more than {FILES} files are changed; merge by hand; nothing was touched"
            )));
        }
        let top = self.top.clone();
        let occupied = task::spawn_blocking(move || written.occupied(&top)).await;
        let occupied = occupied.map_err(|error| GitError::Start(error.into()))?;
        for name in occupied.map_err(GitError::file(&self.top))? {
            in_the_way.push(name);
        }
        Ok(in_the_way)
    }
}

/// The files that a merge makes and removes.
#[derive(Debug, Default)]
struct Written {
    added: Vec<Vec<u8>>,
    removed: BTreeSet<Vec<u8>>,
}

impl Written {
    /// What is at the places of new files: git would overwrite it silently where it is ignored.
    fn occupied(&self, top: &Path) -> io::Result<Vec<String>> {
        let mut occupied = Vec::new();
        let mut folders: BTreeSet<&[u8]> = BTreeSet::new();
        for name in &self.added {
            if kind(top, name)?.is_some() {
                occupied.push(String::from_utf8_lossy(name).into_owned());
                continue;
            }
            for (end, _) in name.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
                let above = &name[..end];
                if self.removed.contains(above) || !folders.insert(above) {
                    continue;
                }
                match kind(top, above)? {
                    Some(kind) if !kind.is_dir() => {
                        occupied.push(String::from_utf8_lossy(above).into_owned());
                    }
                    Some(_) | None => {}
                }
            }
        }
        Ok(occupied)
    }
}

fn kind(top: &Path, name: &[u8]) -> io::Result<Option<FileType>> {
    match fs::symlink_metadata(top.join(OsStr::from_bytes(name))) {
        Ok(found) => Ok(Some(found.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
        Err(error) => Err(error),
    }
}
