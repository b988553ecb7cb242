//! What a worktree changes, as text.

use std::ffi::OsString;

use mpg_core::workspace::{Diff, Patch};
use tokio::fs;

use crate::file;
use crate::git::{Call, Git, GitError};
use crate::worktree::Worktree;

/// How much of a comparison is read, in bytes: the text and the lines before it.
const READ: usize = Patch::LONGEST + (64 << 10);

/// How changes are written, whatever the settings say.
const FORM: &[&str] = &[
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-relative",
    "--unified=3",
    "--inter-hunk-context=0",
    "--diff-algorithm=histogram",
    "--find-renames",
    "--submodule=short",
    "--ignore-submodules=dirty",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--stat=80",
    "--stat-count=100",
    "--patch",
];

impl Worktree {
    /// What was committed since it left its base, and what is not committed.
    pub(crate) async fn diff(&self, git: &Git) -> Result<Diff, GitError> {
        let call = self.git(git).files().set("diff.orderFile", "/dev/null");
        let mark = self.mark().await?;
        let (base, start) = mark.map_or_else(Default::default, |mark| (mark.base, mark.start));
        let base = Some(base).filter(|base| !base.is_empty());
        let from = match &base {
            Some(base) => {
                let base = format!("refs/heads/{base}");
                let common = call.ask(&["merge-base", &base, "HEAD"]).await?;
                common.status.success().then(|| common.line())
            }
            None => None,
        };
        // Where the base is gone, or has nothing in common any more, it is compared with where it
        // began.
        let from = from.or_else(|| Some(start).filter(|start| !start.is_empty()));
        let committed = match from {
            Some(from) => patch(&call, &[&from, "HEAD", "--"]).await?,
            None => Patch::default(),
        };
        let uncommitted = self.uncommitted(&call).await?;
        Ok(Diff {
            base,
            committed,
            uncommitted,
        })
    }

    /// New files are shown by an index of our own in which they are to be added.
    async fn uncommitted(&self, call: &Call<'_>) -> Result<Patch, GitError> {
        let index = self.scratch("diff").await?;
        let own = self.admin.join("index");
        if file::is_there(&own).await.map_err(GitError::file(&own))? {
            fs::copy(&own, &index).await.map_err(GitError::file(&own))?;
        }
        let call = call.clone().with("GIT_INDEX_FILE", &index);
        let shown = async {
            let mut arguments: Vec<OsString> = ["add", "--intent-to-add", "--ignore-errors"]
                .map(OsString::from)
                .into();
            arguments.extend(["--".into(), ".".into()]);
            // Adding would ask a repository inside what it has, with the settings that it has.
            for name in self.embedded(&call).await? {
                arguments.push(format!(":(exclude,literal){name}").into());
            }
            // A repository inside without a commit cannot be added; the rest is shown.
            let _partly = call.ask(&arguments).await?;
            patch(&call, &["HEAD", "--"]).await
        };
        let shown = shown.await;
        file::remove(&index).await.map_err(GitError::file(index))?;
        shown
    }
}

async fn patch(call: &Call<'_>, what: &[&str]) -> Result<Patch, GitError> {
    let arguments: Vec<OsString> = FORM.iter().chain(what).map(OsString::from).collect();
    let answer = call.start_of(&arguments, READ).await?;
    if !answer.cut && !answer.status.success() {
        return Err(answer.refused("diff"));
    }
    Ok(split(&answer.output, answer.cut))
}

/// The lines about files, which begin with a space, and after an empty line the changes.
fn split(output: &[u8], cut: bool) -> Patch {
    let output = String::from_utf8_lossy(output);
    let (summary, text) = match output.split_once("\n\n") {
        Some((summary, text)) if summary.starts_with(' ') => (summary, text),
        Some(_) | None if output.starts_with(' ') => (output.trim_end_matches('\n'), ""),
        Some(_) | None => ("", output.as_ref()),
    };
    let mut text = text;
    let mut cut = cut;
    if text.len() > Patch::LONGEST {
        text = &text[..text.floor_char_boundary(Patch::LONGEST)];
        cut = true;
    }
    if cut {
        text = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
    }
    Patch {
        summary: summary.to_owned(),
        text: text.to_owned(),
        cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_and_the_changes_are_told_apart() {
        for (output, cut, expected) in [
            ("", false, ("", "", false)),
            (
                " a | 1 +\n 1 file\n\ndiff\n+x\n",
                false,
                (" a | 1 +\n 1 file", "diff\n+x\n", false),
            ),
            (
                " a | 1 +\n 1 file\n\ndiff\n+x",
                true,
                (" a | 1 +\n 1 file", "diff\n", true),
            ),
            (" a | 0\n 1 file\n", false, (" a | 0\n 1 file", "", false)),
            ("diff\n\n+x\n", false, ("", "diff\n\n+x\n", false)),
        ] {
            let patch = split(output.as_bytes(), cut);
            let found = (patch.summary.as_str(), patch.text.as_str(), patch.cut);
            assert_eq!(found, expected, "{output:?}");
        }
    }

    #[test]
    fn a_long_text_ends_with_a_whole_line() {
        let lines = "+ä line\n".repeat(Patch::LONGEST / 4);
        let patch = split(format!(" a | 1 +\n\n{lines}").as_bytes(), false);
        assert!(patch.cut && patch.text.ends_with('\n'));
        assert!(patch.text.len() <= Patch::LONGEST);
        assert!(patch.text.len() > Patch::LONGEST - 10);
    }
}
