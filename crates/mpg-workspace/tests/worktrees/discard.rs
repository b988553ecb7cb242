//! Taking a worktree away when somebody asks for it.

use std::fs;
use std::path::Path;

use mpg_core::port::Workspaces as _;
use mpg_core::workspace::{Discarded, Names};
use mpg_workspace::Worktrees;

use crate::stage::{Repository, text, write};

#[tokio::test]
async fn nothing_is_kept_of_what_is_elsewhere() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let discarded = workspaces.discard(text(&directory)).await.unwrap();
    assert_eq!(
        discarded,
        Discarded {
            directory: text(&directory).to_owned(),
            branch: Some("mpg/chat-7-1".to_owned()),
            saved: None,
            ignored: Names::default(),
        }
    );
    assert!(!directory.exists());
    assert_eq!(repository.git(&["for-each-ref"]).lines().count(), 1);
    let again = repository.worktree(&workspaces, "1").await;
    assert_eq!(again, directory);
    assert!(directory.join("README").exists());
}

#[tokio::test]
async fn everything_that_would_be_lost_can_be_had_again() {
    let repository = Repository::new();
    write(&repository.project(), ".gitignore", "*.log\n");
    repository.commit(&repository.project(), "ignore");
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    write(&directory, "taken-back", "committed and taken back\n");
    repository.commit(&directory, "taken back");
    let taken_back = repository.git_in(&directory, &["rev-parse", "HEAD"]);
    repository.git_in(&directory, &["reset", "--quiet", "--hard", "HEAD~"]);
    write(&directory, "work", "committed\n");
    repository.commit(&directory, "work");
    let head = repository.git_in(&directory, &["rev-parse", "HEAD"]);
    write(&directory, "staged", "staged\n");
    repository.git_in(&directory, &["add", "staged"]);
    write(&directory, "staged", "and changed\n");
    write(&directory, "new/file", "untracked\n");
    write(&directory, "trace.log", "ignored\n");
    repository.git_in(
        &directory,
        &["update-index", "--assume-unchanged", "README"],
    );
    write(&directory, "README", "hidden\n");
    let discarded = workspaces.discard(text(&directory)).await.unwrap();
    assert_eq!(discarded.ignored.shown(), ["trace.log"]);
    assert!(!directory.exists());
    assert!(!repository.has_ref("refs/heads/mpg/chat-7-1"));
    let saved = discarded.saved.unwrap();
    assert_eq!(saved, "refs/mpg/discarded/chat-7-1-1");
    for (file, expected) in [
        ("work", "committed"),
        ("staged", "and changed"),
        ("new/file", "untracked"),
        ("README", "hidden"),
    ] {
        assert_eq!(repository.show(&saved, file), expected);
    }
    assert_eq!(repository.show(&format!("{saved}^2"), "staged"), "staged");
    for commit in [head, taken_back] {
        repository.git(&["merge-base", "--is-ancestor", &commit, &saved]);
    }
    // The next one gets another name.
    let directory = repository.worktree(&workspaces, "1").await;
    write(&directory, "more", "x\n");
    let discarded = workspaces.discard(text(&directory)).await.unwrap();
    let second = discarded.saved.unwrap();
    assert_eq!(second, "refs/mpg/discarded/chat-7-1-2");
    assert_eq!(repository.show(&saved, "work"), "committed");
}

#[tokio::test]
async fn commits_alone_are_kept_as_they_are() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    write(&directory, "work", "x\n");
    repository.commit(&directory, "work");
    let head = repository.git_in(&directory, &["rev-parse", "HEAD"]);
    let discarded = workspaces.discard(text(&directory)).await.unwrap();
    let saved = repository.git(&["rev-parse", &discarded.saved.unwrap()]);
    assert_eq!(saved, head);
}

#[tokio::test]
async fn a_merge_that_was_not_ended_is_kept_with_both_sides() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    repository.git_in(&directory, &["switch", "--quiet", "--detach"]);
    write(&directory, "README", "side\n");
    repository.commit(&directory, "side");
    let side = repository.git_in(&directory, &["rev-parse", "HEAD"]);
    repository.git_in(&directory, &["switch", "--quiet", "mpg/chat-7-1"]);
    write(&directory, "README", "here\n");
    repository.commit(&directory, "here");
    let merge = repository.try_git_in(&directory, &["merge", "--quiet", &side]);
    assert!(!merge);
    let discarded = workspaces.discard(text(&directory)).await.unwrap();
    let saved = discarded.saved.unwrap();
    assert!(repository.show(&saved, "README").contains("<<<<<<<"));
    repository.git(&["merge-base", "--is-ancestor", &side, &saved]);
}

#[tokio::test]
async fn a_branch_that_is_used_elsewhere_stays() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    repository.git_in(&directory, &["switch", "--quiet", "-c", "feature"]);
    repository.git(&["switch", "--quiet", "mpg/chat-7-1"]);
    let discarded = workspaces.discard(text(&directory)).await.unwrap();
    assert_eq!(discarded.branch, None);
    assert!(repository.has_ref("refs/heads/mpg/chat-7-1"));
    assert!(repository.has_ref("refs/heads/feature"));
}

#[tokio::test]
async fn a_repository_inside_cannot_be_kept_so_nothing_is_discarded() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let inside = directory.join("inside");
    repository.git_in(&directory, &["init", "--quiet", "inside"]);
    write(&inside, "work", "x\n");
    let new = workspaces.discard(text(&directory)).await.unwrap_err();
    insta::assert_snapshot!(repository.plain(&new.message));
    repository.commit(&inside, "work");
    repository.commit(&directory, "with a repository inside");
    write(&inside, "work", "changed\n");
    let known = workspaces.discard(text(&directory)).await.unwrap_err();
    insta::assert_snapshot!(repository.plain(&known.message));
    assert_eq!(
        fs::read_to_string(inside.join("work")).unwrap(),
        "changed\n"
    );
}

#[tokio::test]
async fn a_worktree_before_its_first_commit_is_kept_too() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    repository.git_in(&directory, &["switch", "--quiet", "--orphan", "fresh"]);
    write(&directory, "draft", "x\n");
    let state = workspaces.inspect(text(&directory)).await.unwrap();
    assert_eq!(state.dirty.shown(), ["draft"]);
    let discarded = workspaces.discard(text(&directory)).await.unwrap();
    assert_eq!(repository.show(&discarded.saved.unwrap(), "draft"), "x");
    assert!(!Path::new(&discarded.directory).exists());
}
