//! Taking worktrees away: unasked where nothing is lost, asked where what would be lost is kept.

use mpg_core::workspace::Discarded;

use crate::git::{Git, GitError};
use crate::name::branch;
use crate::repository::Repository;
use crate::rescue::Rescue;
use crate::worktree::Worktree;

impl Repository {
    /// Removes a worktree and its branch if nothing is lost with them; says why it was kept if not.
    pub(crate) async fn retire(
        &self,
        git: &Git,
        worktree: &Worktree,
    ) -> Result<Result<(), String>, GitError> {
        let state = worktree.state(git).await?;
        if let Some(lost) = state.lost() {
            return Ok(Err(lost));
        }
        // The index may have been told not to look at a file, so all of them are read.
        let rescue = Rescue::of(git, worktree).await?;
        if rescue.files.is_some() {
            return Ok(Err("files that git was told not to look at".to_owned()));
        }
        // What was committed here once and taken back is in no branch; it is kept all the same.
        rescue.keep(git).await?;
        match self.remove(git, worktree, false).await {
            Ok(()) => {}
            Err(GitError::Refused { complaint, .. }) => return Ok(Err(complaint)),
            Err(error) => return Err(error),
        }
        self.remove_branch(git, worktree, rescue.tip.as_deref())
            .await?;
        Ok(Ok(()))
    }

    /// Removes a worktree and its branch, and keeps what would be lost.
    pub(crate) async fn discard(
        &self,
        git: &Git,
        worktree: &Worktree,
    ) -> Result<Discarded, GitError> {
        let state = worktree.state(git).await?;
        if !state.nested.is_empty() {
            return Err(GitError::Unexpected(format!(
                "{} has repositories inside of it ({}), which cannot be kept; move them away first",
                worktree.path.display(),
                state.nested
            )));
        }
        let rescue = Rescue::of(git, worktree).await?;
        let saved = rescue.keep(git).await?;
        self.remove(git, worktree, true).await?;
        let gone = self
            .remove_branch(git, worktree, rescue.tip.as_deref())
            .await?;
        Ok(Discarded {
            directory: state.directory,
            branch: gone.then(|| branch(&worktree.name)),
            saved,
            ignored: state.ignored,
        })
    }

    async fn remove(&self, git: &Git, worktree: &Worktree, force: bool) -> Result<(), GitError> {
        let path = worktree.path.to_string_lossy();
        let mut arguments = vec!["worktree", "remove"];
        if force {
            arguments.push("--force");
        }
        arguments.extend(["--", &path]);
        // Git looks at the files once more.
        let call = self.git(git).files_of(&worktree.git(git));
        call.run(&arguments).await?;
        Ok(())
    }

    /// Removes a worktree's own branch if it is still where it was, and checked out nowhere.
    async fn remove_branch(
        &self,
        git: &Git,
        worktree: &Worktree,
        tip: Option<&str>,
    ) -> Result<bool, GitError> {
        let Some(tip) = tip else {
            return Ok(false);
        };
        let call = self.git(git);
        let own = format!("refs/heads/{}", branch(&worktree.name));
        let mut elsewhere = false;
        let mut take = |record: &[u8]| {
            let branch = record.strip_prefix(b"branch ");
            elsewhere |= branch == Some(own.as_bytes());
            true
        };
        let question = ["worktree", "list", "--porcelain", "-z"];
        call.each(&question, &mut take).await?;
        if elsewhere {
            return Ok(false);
        }
        let removed = call.ask(&["update-ref", "-d", &own, tip]).await?;
        Ok(removed.status.success())
    }
}
