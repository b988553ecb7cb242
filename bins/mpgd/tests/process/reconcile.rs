//! Worktrees of threads that are forgotten, as a start of the daemon finds them.

use std::fs;
use std::path::{Path, PathBuf};

use mpg_core::id::RootId;
use mpg_core::port::Store as _;
use mpg_core::record::Record;
use mpg_core::snapshot::Snapshot;
use mpg_store::SqliteStore;
use mpg_testkit::discord::Snowflake;

use crate::home::Home;
use crate::workspaces::{commits, git, repository};

/// A thread with a worktree in which an agent committed something.
async fn worked(home: &Home, text: &str) -> (Snowflake, PathBuf) {
    let before = worktrees(home);
    let message = home.say(home.one, &commits(text));
    home.answers(message, 1).await;
    let mut new = worktrees(home);
    new.retain(|path| !before.contains(path));
    assert_eq!(new.len(), 1, "{new:?}");
    (message, new.remove(0))
}

fn worktrees(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.path("one/.worktrees"));
    let mut paths: Vec<PathBuf> = entries
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join(".git").exists())
        .collect();
    paths.sort();
    paths
}

/// Lets the state forget every thread but one, as time does.
async fn forget_all_but(home: &Home, kept: Snowflake) {
    let store = SqliteStore::open(&home.state()).await.unwrap();
    let snapshot: Snapshot = store.load().await.unwrap();
    let kept = kept.to_string();
    let forgotten = |root: &&RootId| !root.to_string().contains(&kept);
    let roots = snapshot.threads.keys().filter(forgotten).cloned();
    let records: Vec<Record> = roots.map(|root| Record::ThreadForgotten { root }).collect();
    assert_eq!(records.len() + 1, snapshot.threads.len());
    store.commit(&records).await.unwrap();
    store.close().await.unwrap();
}

fn head(worktree: &Path) -> String {
    git(worktree, &["rev-parse", "HEAD"])
}

#[tokio::test]
async fn a_start_removes_forgotten_worktrees_that_hold_nothing_and_no_other() {
    let home = Home::new("").await;
    home.configure("worktree = \"never\"\n", "");
    let project = repository(&home);
    let daemon = home.start().await;
    let (live, of_live) = worked(&home, "live\n").await;
    let (merged, of_merged) = worked(&home, "merged\n").await;
    home.say_in_thread_of(merged, "!merge").await;
    let posts = home.answers(merged, 2).await;
    assert!(posts[1].starts_with("merged 1 commit"), "{posts:?}");
    let (_, of_unmerged) = worked(&home, "unmerged\n").await;
    let (dirty, of_dirty) = worked(&home, "dirty\n").await;
    assert!(daemon.stop().await.success(), "{}", home.log());

    // What is committed here is elsewhere too, and yet there is a draft.
    let commit = head(&of_dirty);
    git(&project, &["branch", "kept", commit.trim()]);
    fs::write(of_dirty.join("draft"), "of nobody else\n").unwrap();
    // One that a person made, on a branch that looks like ours.
    let own = home.path("one/.worktrees/own");
    let path = own.to_str().unwrap().to_owned();
    git(&project, &["worktree", "add", "-q", "-b", "mpg/own", &path]);
    let unmerged = head(&of_unmerged);
    forget_all_but(&home, live).await;

    let daemon = home.start().await;
    home.logged("removed the worktree of a forgotten thread")
        .await;
    for kept in [&of_unmerged, &of_dirty] {
        let name = kept.file_name().unwrap().to_str().unwrap();
        let is_said = |log: &str| {
            let mut lines = log.lines();
            lines.any(|line| line.contains("kept the worktree") && line.contains(name))
        };
        home.logged_as(is_said).await;
    }
    assert!(!of_merged.exists(), "nothing is lost with it");
    for kept in [&of_live, &of_unmerged, &of_dirty, &own] {
        assert!(kept.join(".git").exists(), "{}", kept.display());
    }
    assert_eq!(head(&of_unmerged), unmerged);
    let draft = fs::read_to_string(of_dirty.join("draft")).unwrap();
    assert_eq!(draft, "of nobody else\n");

    // The thread that is remembered goes on in its worktree.
    home.say_in_thread_of(live, "!worktree").await;
    let posts = home.answers(live, 2).await;
    assert!(posts[1].contains("1 ahead"), "{posts:?}");
    // One that was forgotten finds what it left when somebody writes there again.
    home.say_in_thread_of(
        dirty,
        "TOOL:Bash:{\"command\":\"git status --short\"}\nSAY:back",
    )
    .await;
    home.answers(dirty, 2).await;
    assert!(of_dirty.join("draft").exists());
    assert!(daemon.stop().await.success(), "{}", home.log());
    home.assert_nothing_left();
}
