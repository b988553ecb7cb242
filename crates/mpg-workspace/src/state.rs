//! What is in a worktree, and what of it is nowhere else.

use std::path::Path;

use mpg_core::workspace::{Names, WorkspaceState};
use tokio::fs;
use tokio::io::AsyncReadExt as _;

use crate::file;
use crate::git::{Call, Git, GitError};
use crate::name::branch;
use crate::rescue::elsewhere;
use crate::worktree::Worktree;

/// How a folder begins to say that it is a cache and can be made again
/// (the Cache Directory Tagging Specification, bford.info/cachedir).
const CACHE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// How many repositories inside of a worktree are looked for.
const NESTED: usize = 1_000;

/// What `git status` says of a checkout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// The branch, without `refs/heads/`.
    pub(crate) branch: Option<String>,
    /// The commit; `None` before the first one.
    pub(crate) head: Option<String>,
    /// Changed and new files.
    pub(crate) dirty: Names,
    /// Files and folders that are ignored.
    pub(crate) ignored: Names,
    /// New folders that are repositories.
    pub(crate) nested: Vec<String>,
}

/// Reads what git says of a worktree, or of another checkout.
pub(crate) async fn status(call: &Call<'_>, ignored: bool) -> Result<Status, GitError> {
    let mut status = Status::default();
    let mut take = |record: &[u8]| {
        status.take(&String::from_utf8_lossy(record));
        true
    };
    let ignored = if ignored {
        "--ignored=matching"
    } else {
        "--ignored=no"
    };
    let question = [
        "status",
        "--porcelain=v2",
        "--branch",
        "--no-ahead-behind",
        "-z",
        "--untracked-files=all",
        // A repository inside of this one has settings of its own, which are not looked at.
        "--ignore-submodules=dirty",
        "--no-renames",
        ignored,
    ];
    call.clone().files().each(&question, &mut take).await?;
    Ok(status)
}

impl Status {
    fn take(&mut self, record: &str) {
        let Some((kind, rest)) = record.split_once(' ') else {
            return;
        };
        match kind {
            "#" => {
                if let Some(head) = rest.strip_prefix("branch.oid ") {
                    self.head = Some(head.to_owned()).filter(|head| head != "(initial)");
                } else if let Some(name) = rest.strip_prefix("branch.head ") {
                    self.branch = Some(name.to_owned()).filter(|name| name != "(detached)");
                }
            }
            "?" => {
                if rest.ends_with('/') && self.nested.len() < NESTED {
                    self.nested.push(rest.to_owned());
                }
                self.dirty.push(rest);
            }
            "!" => self.ignored.push(rest),
            // The name is what stands behind so many other fields.
            "1" => self.dirty.push(behind(rest, 7)),
            "u" => self.dirty.push(behind(rest, 9)),
            _ => self.dirty.push(rest),
        }
    }
}

fn behind(fields: &str, count: usize) -> &str {
    fields.splitn(count + 1, ' ').last().unwrap_or(fields)
}

impl Worktree {
    /// What is in it, and what of it is nowhere else.
    pub(crate) async fn state(&self, git: &Git) -> Result<WorkspaceState, GitError> {
        let call = self.git(git);
        let status = status(&call, true).await?;
        let mark = self.mark().await?;
        let base = mark.map(|mark| mark.base).filter(|base| !base.is_empty());
        let (ahead, behind) = match &base {
            Some(base) => distance(&call, base).await?,
            None => (0, 0),
        };
        let mut nested: Names = status.nested.into_iter().collect();
        for name in self.embedded(&call).await? {
            nested.push(name);
        }
        Ok(WorkspaceState {
            directory: self.path.to_string_lossy().into_owned(),
            unsaved: self.unsaved(&call, status.head.as_deref()).await?,
            branch: status.branch,
            base,
            ahead,
            behind,
            dirty: status.dirty,
            ignored: self.without_caches(&status.ignored).await,
            nested,
            unfinished: self.unfinished().await?,
        })
    }

    /// How many commits would be lost with it and its branch.
    async fn unsaved(&self, call: &Call<'_>, head: Option<&str>) -> Result<u64, GitError> {
        let branch = branch(&self.name);
        let own = format!("refs/heads/{branch}");
        let question = ["rev-parse", "--verify", "--quiet", &own];
        let tip = call.ask(&question).await?;
        let tip = tip.status.success().then(|| tip.line());
        let mut arguments = vec!["rev-list", "--count"];
        arguments.extend(head);
        arguments.extend(tip.as_deref());
        if arguments.len() == 2 {
            return Ok(0);
        }
        let elsewhere = elsewhere(&branch);
        arguments.extend(elsewhere.iter().map(String::as_str));
        let count = call.line(&arguments).await?;
        count
            .parse()
            .map_err(|_| GitError::Unexpected(format!("git counted commits and said {count}")))
    }

    /// The repositories inside that are part of what is committed, and are there.
    pub(crate) async fn embedded(&self, call: &Call<'_>) -> Result<Vec<String>, GitError> {
        let mut listed = Vec::new();
        let mut take = |record: &[u8]| {
            if let Some(name) = record
                .starts_with(b"160000 ")
                .then(|| String::from_utf8_lossy(record))
                .as_deref()
                .and_then(|record| record.split_once('\t'))
            {
                listed.push(name.1.to_owned());
            }
            listed.len() < NESTED
        };
        let question = ["ls-files", "--stage", "-z"];
        if !call.each(&question, &mut take).await? {
            return Err(GitError::Unexpected(format!(
                "{} has {NESTED} repositories inside of it and more",
                self.path.display()
            )));
        }
        let mut there = Vec::new();
        for name in listed {
            let path = self.path.join(&name).join(".git");
            if file::is_there(&path).await.map_err(GitError::file(path))? {
                there.push(name);
            }
        }
        Ok(there)
    }

    /// Leaves out the folders that say that they can be made again.
    async fn without_caches(&self, ignored: &Names) -> Names {
        let mut kept = Names::default();
        for name in ignored.shown() {
            if !(name.ends_with('/') && is_cache(&self.path.join(name)).await) {
                kept.push(name);
            }
        }
        for _ in ignored.shown().len() as u64..ignored.total() {
            kept.push("…");
        }
        kept
    }
}

async fn is_cache(folder: &Path) -> bool {
    let tag = folder.join("CACHEDIR.TAG");
    let Ok(found) = fs::symlink_metadata(&tag).await else {
        return false;
    };
    if !found.is_file() {
        return false;
    }
    let Ok(mut file) = fs::File::open(&tag).await else {
        return false;
    };
    let mut start = vec![0; CACHE.len()];
    file.read_exact(&mut start).await.is_ok() && start == CACHE
}

/// How many commits are only here, and only on the base.
async fn distance(call: &Call<'_>, base: &str) -> Result<(u64, u64), GitError> {
    let range = format!("refs/heads/{base}...HEAD");
    let question = ["rev-list", "--left-right", "--count", &range, "--"];
    let answer = call.ask(&question).await?;
    // A base that was deleted has no distance.
    let text = answer.line();
    let mut counts = text.split_whitespace().map(|count| count.parse().ok());
    let (behind, ahead) = (counts.next().flatten(), counts.next().flatten());
    Ok((ahead.unwrap_or(0), behind.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_read() {
        let mut status = Status::default();
        for record in [
            "# branch.oid 1f0c",
            "# branch.head mpg/chat-7-1",
            "1 .M N... 100644 100644 100644 1f 1f a name with  spaces",
            "u UU N... 100644 100644 100644 100644 1f 1f 1f both",
            "? new",
            "? inside/",
            "! target/",
            "",
        ] {
            status.take(record);
        }
        insta::assert_debug_snapshot!(status);
        status.take("# branch.oid (initial)");
        status.take("# branch.head (detached)");
        assert_eq!((status.head, status.branch), (None, None));
    }
}
