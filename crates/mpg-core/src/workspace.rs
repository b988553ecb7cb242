//! What a workspace says about the work that is in it.

use std::fmt::{self, Display, Formatter};

/// How many names a [`Names`] holds.
const NAMED: usize = 100;

/// Names of files, the first 100 of them, and how many there are.
///
/// ```
/// use mpg_core::workspace::Names;
///
/// let names: Names = (0..103).map(|number| format!("file-{number}")).collect();
/// assert_eq!((names.shown().len(), names.total()), (100, 103));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    shown: Vec<String>,
    total: u64,
}

impl Names {
    /// The first of them, at most 100.
    pub fn shown(&self) -> &[String] {
        &self.shown
    }

    /// How many there are; at least as many, where more were there than could be read.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Adds one.
    pub fn push(&mut self, name: impl Into<String>) {
        self.total += 1;
        if self.shown.len() < NAMED {
            self.shown.push(name.into());
        }
    }
}

impl FromIterator<String> for Names {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        let mut this = Self::default();
        for name in names {
            this.push(name);
        }
        this
    }
}

/// The first five, and how many more there are. Control characters are shown as `?`.
impl Display for Names {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let shown = self.shown.iter().take(5);
        let mut written = 0;
        for name in shown {
            let name: String = name
                .chars()
                .map(|letter| if letter.is_control() { '?' } else { letter })
                .collect();
            let gap = if written == 0 { "" } else { ", " };
            write!(f, "{gap}{name}")?;
            written += 1;
        }
        match self.total - written {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What is in a thread's workspace, and what of it is nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceState {
    /// Its top: the directory that `prepare` gave may be below it.
    pub directory: String,
    /// The branch that is checked out; `None` where none is.
    pub branch: Option<String>,
    /// The branch that it grew from; `None` where it grew from none.
    pub base: Option<String>,
    /// Commits that the base does not have.
    pub ahead: u64,
    /// Commits that only the base has.
    pub behind: u64,
    /// Commits of it that are on no other branch, on no remote and under no tag.
    pub unsaved: u64,
    /// Changed, new and removed files that are not committed.
    pub dirty: Names,
    /// Files that are kept out of the repository. Caches that say that they are caches
    /// (`CACHEDIR.TAG`) are not among them.
    pub ignored: Names,
    /// Repositories of their own inside of it, whose work is theirs.
    pub nested: Names,
    /// What was begun and not ended, like a merge.
    pub unfinished: Option<String>,
}

impl WorkspaceState {
    /// Whether something is here that is nowhere else, so that it is not removed unasked.
    pub fn has_work(&self) -> bool {
        self.unsaved > 0
            || !self.dirty.is_empty()
            || !self.ignored.is_empty()
            || !self.nested.is_empty()
            || self.unfinished.is_some()
    }

    /// What would be lost without it, in words; `None` for nothing.
    pub fn lost(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.unsaved > 0 {
            parts.push(format!("commits that are nowhere else: {}", self.unsaved));
        }
        for (what, names) in [
            ("files that are not committed", &self.dirty),
            ("ignored files", &self.ignored),
            ("repositories inside of it", &self.nested),
        ] {
            if !names.is_empty() {
                parts.push(format!("{what}: {} ({names})", names.total()));
            }
        }
        if let Some(begun) = &self.unfinished {
            parts.push(format!("a {begun} that was not ended"));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// What a thread's workspace changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The branch that it is compared with; `None` where it grew from none.
    pub base: Option<String>,
    /// What was committed since it left the base.
    pub committed: Patch,
    /// What is not committed, new files too.
    pub uncommitted: Patch,
}

impl Diff {
    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.committed.is_empty() && self.uncommitted.is_empty()
    }
}

/// Changes of files, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// A line for each changed file and one for all of them, as git writes them.
    pub summary: String,
    /// The changes in the unified format, up to [`Patch::LONGEST`] bytes of them and ending with a
    /// whole line.
    pub text: String,
    /// Whether there is more than the text.
    pub cut: bool,
}

impl Patch {
    /// How long a text may be, in bytes.
    pub const LONGEST: usize = 256 << 10;

    /// Whether there are no changes.
    pub fn is_empty(&self) -> bool {
        self.summary.is_empty() && self.text.is_empty()
    }
}

/// What became of merging a thread's branch into its base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// The base has it now.
    Done {
        /// What was merged.
        branch: String,
        /// Into what.
        base: String,
        /// How many commits the base did not have.
        commits: u64,
        /// The commit that the base is at now.
        commit: String,
    },
    /// The base had everything before.
    Nothing {
        /// What would have been merged.
        branch: String,
        /// Into what.
        base: String,
    },
    /// Both changed the same places of these files. Nothing was touched.
    Conflicts {
        /// What would have been merged.
        branch: String,
        /// Into what.
        base: String,
        /// The files.
        files: Names,
    },
    /// It was not tried. Nothing was touched.
    Refused(MergeRefusal),
}

/// Why a merge is not tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeRefusal {
    /// The workspace has changes that are not committed.
    Uncommitted(Names),
    /// Something was begun in one of the two checkouts and not ended.
    Unfinished {
        /// Where.
        directory: String,
        /// What.
        what: String,
    },
    /// The workspace is on no branch.
    Detached,
    /// It grew from no branch.
    NoBase,
    /// The project's checkout is on another branch than the base.
    Elsewhere {
        /// What it should be on.
        base: String,
        /// What it is on.
        current: Option<String>,
    },
    /// The merge would write files that were changed in the project's checkout, or that are there
    /// and not part of its branch.
    InTheWay(Names),
}

impl Display for MergeRefusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uncommitted(files) => write!(
                f,
                "the thread has changes that are not committed ({files}); commit them first"
            ),
            Self::Unfinished { directory, what } => write!(
                f,
                "a {what} was begun in {directory} and not ended; end it first"
            ),
            Self::Detached => f.write_str("the thread's worktree is on no branch"),
            Self::NoBase => f.write_str("the thread's branch grew from no branch"),
            Self::Elsewhere { base, current } => {
                let current = current.as_deref().unwrap_or("no branch");
                write!(
                    f,
                    "the project's checkout is on {current}, and the thread grew from {base}; switch it to {base} first"
                )
            }
            Self::InTheWay(files) => write!(
                f,
                "the merge would overwrite files in the project's checkout that are not committed there ({files}); commit them or move them away first"
            ),
        }
    }
}

/// What became of discarding a thread's workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discarded {
    /// The directory that is gone.
    pub directory: String,
    /// The branch that is gone; `None` where there was none to remove, or it is checked out
    /// elsewhere.
    pub branch: Option<String>,
    /// Under what name of the repository everything is kept that would have been lost; `None` where
    /// nothing would have been.
    pub saved: Option<String>,
    /// Ignored files, which are gone for good.
    pub ignored: Names,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Names {
        (1..=count).map(|number| format!("f{number}")).collect()
    }

    #[test]
    fn names_say_how_many_are_left_out() {
        let said = [0, 1, 5, 6, 200].map(|count| names(count).to_string());
        insta::assert_debug_snapshot!(said);
        assert_eq!(
            Names::from_iter(["a\u{1b}[31m\nb".to_owned()]).to_string(),
            "a?[31m?b"
        );
    }

    #[test]
    fn so_many_names_are_kept_and_no_more() {
        let names = names(NAMED + 1);
        assert_eq!(names.shown().len(), NAMED);
        assert_eq!(names.shown()[NAMED - 1], "f100");
        assert_eq!(names.total(), 101);
    }

    #[test]
    fn a_patch_is_empty_without_a_line() {
        assert!(Patch::default().is_empty());
        for (summary, text) in [("a.rs | 1 +", ""), ("", "+a"), ("a.rs | 1 +", "+a")] {
            let patch = Patch {
                summary: summary.to_owned(),
                text: text.to_owned(),
                cut: false,
            };
            assert!(!patch.is_empty());
        }
    }

    #[test]
    fn what_would_be_lost_is_said() {
        assert_eq!(WorkspaceState::default().lost(), None);
        let state = WorkspaceState {
            unsaved: 2,
            dirty: names(7),
            ignored: names(1),
            nested: names(1),
            unfinished: Some("merge".to_owned()),
            ..WorkspaceState::default()
        };
        insta::assert_snapshot!(state.lost().unwrap_or_default());
    }

    #[test]
    fn work_is_what_would_be_lost() {
        assert!(!WorkspaceState::default().has_work());
        let whole = WorkspaceState {
            unsaved: 1,
            dirty: names(1),
            ignored: names(1),
            nested: names(1),
            unfinished: Some("merge".to_owned()),
            ..WorkspaceState::default()
        };
        for part in 0..5 {
            let mut state = WorkspaceState::default();
            match part {
                0 => state.unsaved = whole.unsaved,
                1 => state.dirty = whole.dirty.clone(),
                2 => state.ignored = whole.ignored.clone(),
                3 => state.nested = whole.nested.clone(),
                _ => state.unfinished.clone_from(&whole.unfinished),
            }
            assert!(state.has_work() && state.lost().is_some(), "{part}");
        }
    }

    #[test]
    fn refusals_say_what_to_do() {
        let refusals = [
            MergeRefusal::Uncommitted(names(2)),
            MergeRefusal::Unfinished {
                directory: "/work".to_owned(),
                what: "rebase".to_owned(),
            },
            MergeRefusal::Detached,
            MergeRefusal::NoBase,
            MergeRefusal::Elsewhere {
                base: "main".to_owned(),
                current: None,
            },
            MergeRefusal::InTheWay(names(1)),
        ];
        let said = refusals.map(|refusal| refusal.to_string());
        insta::assert_snapshot!(said.join("\n"));
    }
}
