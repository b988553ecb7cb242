//! What would be lost with a worktree, and the name under which it is kept.

use std::collections::BTreeSet;
use std::ffi::OsString;

use crate::file;
use crate::git::{Call, Git, GitError};
use crate::name::branch;
use crate::worktree::Worktree;

/// Where that is kept, below the worktree's name and a number.
const KEPT: &str = "refs/mpg/discarded/";

/// How many entries of a history of moves are read.
const MOVES: usize = 10_000;

/// Commits that a worktree has names for beside its branch.
const NAMED: &[&str] = &[
    "HEAD",
    "ORIG_HEAD",
    "MERGE_HEAD",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "BISECT_HEAD",
];

/// Where its own names are.
const OWN: &[&str] = &["refs/worktree/", "refs/bisect/", "refs/rewritten/"];

/// What of a worktree is nowhere else.
#[derive(Clone, Debug)]
pub(crate) struct Rescue<'a> {
    worktree: &'a Worktree,
    /// The commit that is checked out; `None` before the first one.
    pub(crate) head: Option<String>,
    /// The commit of the worktree's own branch.
    pub(crate) tip: Option<String>,
    /// All of its files, as they are now; `None` where they are those of the commit.
    pub(crate) files: Option<String>,
    /// All of its files, as they were made ready for a commit; `None` where that is nothing else.
    staged: Option<String>,
    /// The newest commits that nothing but this worktree leads to.
    commits: Vec<String>,
}

impl<'a> Rescue<'a> {
    /// Looks through a worktree. All of its files that are not ignored are read.
    pub(crate) async fn of(git: &Git, worktree: &'a Worktree) -> Result<Self, GitError> {
        let mut this = Self::without_folder(git, worktree).await?;
        let call = worktree.git(git).files();
        let committed = this.tree_of_head(&call).await?;
        let files = this.snapshot(&call).await?;
        this.files = Some(files).filter(|files| Some(files) != committed.as_ref());
        if this.staged == this.files {
            this.staged = None;
        }
        Ok(this)
    }

    /// Looks through a worktree whose folder is gone.
    pub(crate) async fn without_folder(
        git: &Git,
        worktree: &'a Worktree,
    ) -> Result<Self, GitError> {
        let call = worktree.git_without_folder(git);
        let head = commit(&call, "HEAD").await?;
        let own = format!("refs/heads/{}", branch(&worktree.name));
        let tip = commit(&call, &own).await?;
        let mut this = Self {
            worktree,
            head,
            tip,
            files: None,
            staged: None,
            commits: Vec::new(),
        };
        let committed = this.tree_of_head(&call).await?;
        // An index in which a merge is not resolved is no tree; its sides are commits.
        let index = worktree.admin.join("index");
        if file::is_there(&index)
            .await
            .map_err(GitError::file(index))?
        {
            let staged = call.ask(&["write-tree"]).await?;
            let staged = staged.status.success().then(|| staged.line());
            this.staged = staged.filter(|staged| Some(staged) != committed.as_ref());
        }
        this.commits = this.lonely(&call, &own).await?;
        Ok(this)
    }

    /// Gives everything a name, and tells it; `None` if there is nothing.
    pub(crate) async fn keep(&self, git: &Git) -> Result<Option<String>, GitError> {
        let call = self.worktree.git_without_folder(git);
        let commit = match (&self.files, &self.staged, self.commits.as_slice()) {
            (None, None, []) => return Ok(None),
            (None, None, [only]) => only.clone(),
            (files, staged, commits) => {
                let call = with_identity(call.clone()).await?;
                let mut parents: Vec<&str> = self.head.as_deref().into_iter().collect();
                let name = &self.worktree.name;
                let index = match staged {
                    Some(tree) => {
                        let message = format!("what was staged in {name}");
                        Some(commit_tree(&call, tree, &parents, &message).await?)
                    }
                    None => None,
                };
                parents.extend(index.as_deref());
                for commit in commits {
                    if !parents.contains(&commit.as_str()) {
                        parents.push(commit);
                    }
                }
                let tree = match (files, &self.head) {
                    (Some(tree), _) => tree.clone(),
                    (None, Some(head)) => {
                        let tree = format!("{head}^{{tree}}");
                        call.line(&["rev-parse", "--verify", &tree]).await?
                    }
                    (None, None) => empty_tree(&call).await?,
                };
                let message = format!("what was in {name}");
                commit_tree(&call, &tree, &parents, &message).await?
            }
        };
        let name = self.next_name(&call).await?;
        // Nothing may be there yet.
        let nothing = "0".repeat(commit.len());
        call.run(&["update-ref", &name, &commit, &nothing]).await?;
        Ok(Some(name))
    }

    async fn next_name(&self, call: &Call<'_>) -> Result<String, GitError> {
        let first = format!("{KEPT}{}-", self.worktree.name);
        let pattern = format!("{first}*");
        let names = call
            .line(&["for-each-ref", "--format=%(refname)", &pattern])
            .await?;
        let numbers = names.lines().filter_map(|name| name.strip_prefix(&first));
        let last = numbers
            .filter_map(|number| number.parse::<u32>().ok())
            .max();
        Ok(format!("{first}{}", last.unwrap_or(0).saturating_add(1)))
    }

    async fn tree_of_head(&self, call: &Call<'_>) -> Result<Option<String>, GitError> {
        let Some(head) = &self.head else {
            return Ok(None);
        };
        let tree = format!("{head}^{{tree}}");
        let tree = call.line(&["rev-parse", "--verify", &tree]).await?;
        Ok(Some(tree))
    }

    /// The tree of all files as they are, whatever the index says about them.
    async fn snapshot(&self, call: &Call<'_>) -> Result<String, GitError> {
        let index = self.worktree.scratch("snapshot").await?;
        let call = call
            .clone()
            .with("GIT_INDEX_FILE", &index)
            .set("core.sparseCheckout", "false")
            .set("core.splitIndex", "false");
        let tree = async {
            if let Some(head) = &self.head {
                call.run(&["read-tree", head]).await?;
            }
            call.run(&["add", "--all", "--sparse", "--", "."]).await?;
            call.line(&["write-tree"]).await
        };
        let tree = tree.await;
        file::remove(&index).await.map_err(GitError::file(index))?;
        tree
    }

    /// The newest of the commits that the worktree was ever at, and that no other name leads to.
    async fn lonely(&self, call: &Call<'_>, own: &str) -> Result<Vec<String>, GitError> {
        let mut known: BTreeSet<String> = self.tip.iter().cloned().collect();
        let question: Vec<&str> = ["rev-parse", "--revs-only"]
            .into_iter()
            .chain(NAMED.iter().copied())
            .collect();
        let named = call.line(&question).await?;
        known.extend(named.lines().map(str::to_owned));
        let question: Vec<&str> = ["for-each-ref", "--format=%(objectname)"]
            .into_iter()
            .chain(OWN.iter().copied())
            .collect();
        let refs = call.line(&question).await?;
        known.extend(refs.lines().map(str::to_owned));
        for name in ["HEAD", own] {
            known.extend(moves(call, name).await?);
        }
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let mut arguments: Vec<OsString> = ["rev-list", "--parents", "--ignore-missing"]
            .map(OsString::from)
            .into();
        arguments.extend(known.iter().map(OsString::from));
        arguments.extend(elsewhere(&branch(&self.worktree.name)).map(OsString::from));
        let listed = call.line(&arguments).await?;
        let mut parents: BTreeSet<&str> = BTreeSet::new();
        let mut commits: Vec<&str> = Vec::new();
        for line in listed.lines() {
            let mut ids = line.split(' ');
            commits.extend(ids.next());
            parents.extend(ids);
        }
        let newest = commits.into_iter().filter(|id| !parents.contains(id));
        Ok(newest.map(str::to_owned).collect())
    }
}

/// What of `rev-list` leaves out all that has a name which stays when this branch is removed.
pub(crate) fn elsewhere(branch: &str) -> [String; 7] {
    [
        "--not".to_owned(),
        format!("--exclude={branch}"),
        "--branches".to_owned(),
        "--remotes".to_owned(),
        "--tags".to_owned(),
        "--glob=refs/mpg/".to_owned(),
        "--".to_owned(),
    ]
}

/// The commits that a name was ever at.
async fn moves(call: &Call<'_>, name: &str) -> Result<BTreeSet<String>, GitError> {
    let mut found = BTreeSet::new();
    let mut entries = 0;
    let mut take = |id: &[u8]| {
        entries += 1;
        found.insert(String::from_utf8_lossy(id).trim().to_owned());
        entries < MOVES
    };
    let question = ["log", "--walk-reflogs", "-z", "--format=%H", name, "--"];
    let exists = commit(call, name).await?.is_some();
    if exists && !call.each(&question, &mut take).await? {
        return Err(GitError::Unexpected(format!(
            "{name} was moved more than {MOVES} times; nothing was removed"
        )));
    }
    found.remove("");
    Ok(found)
}

/// The commit that a name stands for.
async fn commit(call: &Call<'_>, name: &str) -> Result<Option<String>, GitError> {
    let commit = format!("{name}^{{commit}}");
    let question = ["rev-parse", "--verify", "--quiet", &commit];
    let answer = call.ask(&question).await?;
    Ok(answer.status.success().then(|| answer.line()))
}

/// Makes a commit.
pub(crate) async fn commit_tree(
    call: &Call<'_>,
    tree: &str,
    parents: &[&str],
    message: &str,
) -> Result<String, GitError> {
    let mut arguments = vec!["commit-tree", tree, "-m", message];
    for parent in parents {
        arguments.extend(["-p", parent]);
    }
    call.line(&arguments).await
}

async fn empty_tree(call: &Call<'_>) -> Result<String, GitError> {
    call.line(&["hash-object", "-t", "tree", "-w", "/dev/null"])
        .await
}

/// The call, able to commit: as the person of the settings, or as `mpg` where they name none.
pub(crate) async fn with_identity(call: Call<'_>) -> Result<Call<'_>, GitError> {
    let mut call = call;
    for (setting, fallback, variables) in [
        (
            "user.name",
            "mpg",
            ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"],
        ),
        (
            "user.email",
            "mpg@localhost",
            ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"],
        ),
    ] {
        let set = call.ask(&["config", "--get", setting]).await?;
        if !set.status.success() || set.line().is_empty() {
            for variable in variables {
                call = call.with(variable, fallback);
            }
        }
    }
    Ok(call)
}
