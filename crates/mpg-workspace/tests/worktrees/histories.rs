//! Whatever was done in a worktree: nothing of it is lost by tidying up or by discarding it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use mpg_core::port::Workspaces as _;
use mpg_workspace::Worktrees;
use proptest::prelude::*;

use crate::stage::{Repository, text, write};

/// Something that an agent or a person does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Write(u8),
    Stage,
    Commit,
    Amend,
    TakeBack,
    Ignored,
    Hide,
    Detach,
    OwnBranch,
    OtherBranch,
    Merge,
    Push,
    Stash,
    Clean,
    CommitOnBase,
    Tag,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..4u8).prop_map(Act::Write),
        2 => Just(Act::Stage),
        6 => Just(Act::Commit),
        1 => Just(Act::Amend),
        2 => Just(Act::TakeBack),
        1 => Just(Act::Ignored),
        1 => Just(Act::Hide),
        2 => Just(Act::Detach),
        2 => Just(Act::OwnBranch),
        2 => Just(Act::OtherBranch),
        3 => Just(Act::Merge),
        2 => Just(Act::Push),
        1 => Just(Act::Stash),
        4 => Just(Act::Clean),
        1 => Just(Act::CommitOnBase),
        1 => Just(Act::Tag),
    ];
    prop::collection::vec(act, 0..12)
}

impl Act {
    /// Does it, and says whether it could be done just then.
    fn run(self, repository: &Repository, directory: &Path, step: usize) -> bool {
        let project = repository.project();
        let try_git = |arguments: &[&str]| repository.try_git_in(directory, arguments);
        match self {
            Self::Write(file) => {
                write(directory, &format!("dir/file-{file}"), &format!("{step}\n"));
                true
            }
            Self::Stage => try_git(&["add", "--all"]),
            Self::Commit => {
                write(directory, "log", &format!("{step}\n"));
                try_git(&["add", "--all"]) && try_git(&["commit", "--quiet", "-m", "work"])
            }
            Self::Amend => try_git(&["commit", "--quiet", "--amend", "-m", "amended"]),
            Self::TakeBack => try_git(&["reset", "--quiet", "--hard", "HEAD~"]),
            Self::Ignored => {
                write(directory, "trace.ignored", &format!("{step}\n"));
                true
            }
            Self::Hide => {
                let hidden = try_git(&["update-index", "--assume-unchanged", "README"]);
                write(directory, "README", &format!("{step}\n"));
                hidden
            }
            Self::Detach => try_git(&["switch", "--quiet", "--detach"]),
            Self::OwnBranch => try_git(&["switch", "--quiet", "mpg/chat-7-1"]),
            Self::OtherBranch => {
                try_git(&["switch", "--quiet", "other"])
                    || try_git(&["switch", "--quiet", "-c", "other"])
            }
            Self::Merge => {
                let head = repository.git_in(directory, &["rev-parse", "HEAD"]);
                repository.try_git_in(
                    &project,
                    &["merge", "--quiet", "--no-edit", "-Xours", &head],
                )
            }
            Self::Push => try_git(&["push", "--quiet", "origin", "HEAD"]),
            Self::Stash => try_git(&["stash", "--quiet", "--include-untracked"]),
            Self::Clean => try_git(&["reset", "--quiet", "--hard"]) && try_git(&["clean", "-dxfq"]),
            Self::CommitOnBase => {
                write(&project, &format!("base-{step}"), "x\n");
                repository.commit(&project, "on the base");
                true
            }
            Self::Tag => try_git(&["tag", &format!("tag-{step}")]),
        }
    }
}

/// Does them all, and tells those that could be done.
fn played(acts: &[Act], repository: &Repository, directory: &Path) -> Vec<Act> {
    let acts = acts.iter().copied().enumerate();
    acts.filter(|(step, act)| act.run(repository, directory, *step))
        .map(|(_, act)| act)
        .collect()
}

/// What is there, found without what is tested: the commits that any name or any history of moves
/// leads to, the blobs of the index, and the texts of all files.
struct Found {
    commits: BTreeSet<String>,
    staged: BTreeSet<String>,
    files: BTreeMap<String, String>,
}

fn find(repository: &Repository, directory: &Path) -> Found {
    let list = ["rev-list", "--all", "--reflog", "HEAD"];
    let mut commits: BTreeSet<String> = lines(&repository.git(&list));
    commits.extend(lines(&repository.git_in(directory, &list)));
    let staged = repository.git_in(directory, &["ls-files", "--stage"]);
    let staged = staged.lines().filter_map(|line| line.split(' ').nth(1));
    let mut files = BTreeMap::new();
    read(directory, directory, &mut files);
    Found {
        commits,
        staged: staged.map(str::to_owned).collect(),
        files,
    }
}

fn read(top: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(top, &path, files);
        } else if path.file_name().unwrap() != ".git" {
            let name = text(path.strip_prefix(top).unwrap()).to_owned();
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

/// All objects that names lead to, histories of moves left out: those end with what is removed.
fn kept(repository: &Repository) -> BTreeSet<String> {
    let objects = repository.git(&["rev-list", "--objects", "--all"]);
    let first = objects.lines().filter_map(|line| line.split(' ').next());
    first.map(str::to_owned).collect()
}

fn blob(repository: &Repository, text: &str) -> String {
    let file = repository.home.path().join("blob");
    fs::write(&file, text).unwrap();
    repository.git(&["hash-object", file.to_str().unwrap()])
}

/// What is gone that is nowhere else; `ignored` files are let go.
fn lost(repository: &Repository, before: &Found, ignored: bool) -> Vec<String> {
    let kept = kept(repository);
    let histories = lines(&repository.git(&["rev-list", "--reflog", "--all"]));
    let mut lost: Vec<String> = before
        .commits
        .iter()
        .filter(|commit| !kept.contains(*commit) && !histories.contains(*commit))
        .map(|commit| format!("commit {commit}"))
        .collect();
    for staged in before.staged.iter().filter(|blob| !kept.contains(*blob)) {
        lost.push(format!("staged {staged}"));
    }
    for (name, text) in &before.files {
        let let_go = ignored && name.ends_with(".ignored");
        if !let_go && !kept.contains(&blob(repository, text)) {
            lost.push(format!("file {name}"));
        }
    }
    lost
}

fn stage() -> Repository {
    let repository = Repository::new();
    write(&repository.project(), ".gitignore", "*.ignored\n");
    repository.commit(&repository.project(), "ignore");
    let bare = repository.home.path().join("bare");
    repository.git(&["init", "--quiet", "--bare", text(&bare)]);
    repository.git(&["remote", "add", "origin", text(&bare)]);
    repository
}

/// What became of a history.
#[derive(Debug)]
enum Outcome {
    Kept,
    Removed,
}

async fn reconciled(acts: &[Act]) -> Result<Outcome, TestCaseError> {
    let repository = stage();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let played = played(acts, &repository, &directory);
    let before = find(&repository, &directory);
    let restarted = repository.workspaces(Worktrees::Auto);
    let (project, live) = (repository.project(), BTreeSet::new());
    let leftovers = restarted.reconcile(&project, &live).await.unwrap();
    prop_assert_eq!(leftovers.len(), 1);
    prop_assert_eq!(directory.exists(), leftovers[0].kept.is_some());
    if directory.exists() {
        let after = find(&repository, &directory);
        prop_assert_eq!(&after.files, &before.files);
        prop_assert_eq!(&after.staged, &before.staged);
        prop_assert!(after.commits.is_superset(&before.commits));
        return Ok(Outcome::Kept);
    }
    let lost = lost(&repository, &before, false);
    prop_assert!(lost.is_empty(), "{:?} after {:?}", lost, played);
    Ok(Outcome::Removed)
}

async fn discarded(acts: &[Act]) -> Result<(), TestCaseError> {
    let repository = stage();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let played = played(acts, &repository, &directory);
    let before = find(&repository, &directory);
    let discarded = workspaces.discard(text(&directory)).await;
    prop_assert!(discarded.is_ok(), "{:?} after {:?}", discarded, played);
    prop_assert!(!directory.exists());
    let lost = lost(&repository, &before, true);
    prop_assert!(lost.is_empty(), "{:?} after {:?}", lost, played);
    Ok(())
}

/// How many histories of each kind are played: each takes some forty calls of git.
const HISTORIES: u32 = 24;

fn play<T>(
    histories: u32,
    mut case: impl AsyncFnMut(Vec<Act>) -> Result<T, TestCaseError>,
) -> Vec<T> {
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 60,
        ..ProptestConfig::with_cases(histories)
    };
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let outcomes = std::cell::RefCell::new(Vec::new());
    let case = std::cell::RefCell::new(&mut case);
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let result = runner.run(&acts(), |acts| {
        let outcome = runtime.block_on((case.borrow_mut())(acts))?;
        outcomes.borrow_mut().push(outcome);
        Ok(())
    });
    result.unwrap();
    outcomes.into_inner()
}

#[test]
fn tidying_up_removes_nothing_that_is_nowhere_else() {
    let outcomes = play(HISTORIES, async |acts| reconciled(&acts).await);
    // Both happen, or nothing was shown.
    assert!(outcomes.iter().any(|out| matches!(out, Outcome::Kept)));
    assert!(outcomes.iter().any(|out| matches!(out, Outcome::Removed)));
}

#[test]
fn discarding_loses_nothing_but_ignored_files() {
    play(HISTORIES, async |acts| discarded(&acts).await);
}
