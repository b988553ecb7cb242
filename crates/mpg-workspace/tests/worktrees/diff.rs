//! What was changed, as text.

use std::fs;

use mpg_core::port::Workspaces as _;
use mpg_core::workspace::Patch;
use mpg_workspace::Worktrees;

use crate::stage::{Repository, text, write};

#[tokio::test]
async fn what_is_committed_and_what_is_not() {
    let repository = Repository::new();
    write(&repository.project(), "old", "one\ntwo\nthree\n");
    repository.commit(&repository.project(), "old");
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let nothing = workspaces.diff(text(&directory)).await.unwrap();
    assert!(nothing.is_empty());
    assert_eq!(nothing.base.as_deref(), Some("main"));
    write(&directory, "done", "committed\n");
    repository.git_in(&directory, &["mv", "old", "moved"]);
    repository.commit(&directory, "done");
    // What happens on the base meanwhile is not the thread's.
    write(&repository.project(), "elsewhere", "x\n");
    repository.commit(&repository.project(), "elsewhere");
    write(&directory, "README", "hello again\n");
    write(&directory, "new/file", "untracked\n");
    write(&directory, "staged", "staged\n");
    repository.git_in(&directory, &["add", "staged"]);
    fs::remove_file(directory.join("moved")).unwrap();
    fs::write(directory.join("binary"), [0, 1, 2]).unwrap();
    let before = repository.git_in(&directory, &["status", "--porcelain"]);
    let diff = workspaces.diff(text(&directory)).await.unwrap();
    for (name, patch) in [
        ("committed", &diff.committed),
        ("uncommitted", &diff.uncommitted),
    ] {
        insta::assert_snapshot!(name, format!("{}\n---\n{}", patch.summary, patch.text));
        assert!(!patch.cut);
    }
    let after = repository.git_in(&directory, &["status", "--porcelain"]);
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_huge_change_is_cut_and_its_summary_is_whole() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    write(&directory, "large", &"a line\n".repeat(2_000_000));
    write(&directory, "wide", &"w".repeat(1_000_000));
    let diff = workspaces.diff(text(&directory)).await.unwrap();
    insta::assert_snapshot!(diff.uncommitted.summary);
    assert!(diff.uncommitted.cut);
    assert!(diff.uncommitted.text.len() <= Patch::LONGEST);
    assert!(diff.uncommitted.text.ends_with("+a line\n"));
}

#[tokio::test]
async fn a_base_that_is_gone_is_where_the_thread_began() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    write(&directory, "done", "x\n");
    repository.commit(&directory, "done");
    repository.git(&["branch", "--move", "main", "trunk"]);
    let diff = workspaces.diff(text(&directory)).await.unwrap();
    assert!(diff.committed.summary.contains("done"));
    // A new repository inside cannot be compared; the rest is.
    repository.git_in(&directory, &["init", "--quiet", "inside"]);
    write(&directory, "beside", "x\n");
    let diff = workspaces.diff(text(&directory)).await.unwrap();
    assert!(diff.uncommitted.summary.contains("beside"));
}
