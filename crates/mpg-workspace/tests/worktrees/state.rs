//! What a worktree says about itself.

use std::fs;

use mpg_core::port::Workspaces as _;
use mpg_core::workspace::WorkspaceState;
use mpg_workspace::{PlainDirectories, Worktrees};

use crate::stage::{Repository, text, write};

#[tokio::test]
async fn what_a_worktree_has_that_is_nowhere_else() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let clean = workspaces.inspect(text(&directory)).await.unwrap();
    assert_eq!(clean.lost(), None);
    write(&directory, "new", "x");
    let dirty = workspaces.inspect(text(&directory)).await.unwrap();
    insta::assert_snapshot!(dirty.lost().unwrap());
    repository.commit(&directory, "new");
    write(&repository.project(), "other", "x");
    repository.commit(&repository.project(), "other");
    let ahead = workspaces.inspect(text(&directory)).await.unwrap();
    let plain = WorkspaceState {
        directory: repository.plain(&ahead.directory),
        ..ahead
    };
    insta::assert_debug_snapshot!(plain);
    insta::assert_snapshot!(plain.lost().unwrap());
    repository.git(&["merge", "--quiet", "--no-edit", "mpg/chat-7-1"]);
    let merged = workspaces.inspect(text(&directory)).await.unwrap();
    assert_eq!(merged.lost(), None);
    assert_eq!((merged.ahead, merged.behind), (0, 2));
}

#[tokio::test]
async fn everything_that_is_nowhere_else_counts() {
    let repository = Repository::new();
    write(&repository.project(), ".gitignore", "*.log\ncache/\n");
    repository.commit(&repository.project(), "ignore");
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n";
    write(&directory, "cache/CACHEDIR.TAG", tag);
    write(&directory, "cache/object", "made again");
    let cached = workspaces.inspect(text(&directory)).await.unwrap();
    assert_eq!(cached.lost(), None);
    write(&directory, "notes.log", "mine");
    repository.git_in(&directory, &["init", "--quiet", "inside"]);
    repository.git_in(&directory, &["switch", "--quiet", "--detach"]);
    write(&directory, "README", "changed\n");
    repository.git_in(&directory, &["commit", "--quiet", "--all", "-m", "alone"]);
    write(&directory, "README", "half\n");
    write(&directory, "space and ü", "new\n");
    let state = workspaces.inspect(text(&directory)).await.unwrap();
    assert_eq!(state.branch, None);
    insta::assert_snapshot!(state.lost().unwrap());
}

#[tokio::test]
async fn a_merge_that_was_not_ended_is_said() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    repository.git(&["commit", "--quiet", "--allow-empty", "-m", "there"]);
    repository.git_in(
        &directory,
        &["commit", "--quiet", "--allow-empty", "-m", "here"],
    );
    repository.git_in(&directory, &["merge", "--quiet", "--no-commit", "main"]);
    let state = workspaces.inspect(text(&directory)).await.unwrap();
    assert_eq!(state.unfinished.as_deref(), Some("merge"));
}

#[tokio::test]
async fn very_many_new_files_are_counted_and_some_are_named() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let long = "x".repeat(200);
    for number in 0..30_000 {
        fs::write(directory.join(format!("{long}-{number}")), "").unwrap();
    }
    let state = workspaces.inspect(text(&directory)).await.unwrap();
    assert_eq!(state.dirty.total(), 30_000);
    assert_eq!(state.dirty.shown().len(), 100);
}

#[tokio::test]
async fn a_directory_that_is_shared_is_nobodys_to_look_at() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let project = repository.project();
    let own = project.join(".worktrees/own");
    repository.git(&["worktree", "add", "--quiet", text(&own)]);
    let mut said = Vec::new();
    for directory in [project.as_path(), &own] {
        let directory = text(directory);
        said.push(workspaces.inspect(directory).await.unwrap_err().message);
        said.push(workspaces.diff(directory).await.unwrap_err().message);
        said.push(workspaces.merge(directory).await.unwrap_err().message);
        said.push(workspaces.discard(directory).await.unwrap_err().message);
        said.push(
            PlainDirectories
                .discard(directory)
                .await
                .unwrap_err()
                .message,
        );
    }
    said.dedup();
    insta::assert_debug_snapshot!(said);
    assert!(own.join("README").exists());
    let missing = project.join(".worktrees/chat-7-1");
    let missing = workspaces.inspect(text(&missing)).await.unwrap_err();
    insta::assert_snapshot!(repository.plain(&missing.message));
}
