//! Removing what nobody needs, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use mpg_core::port::Workspaces as _;
use mpg_workspace::{GitWorkspaces, Leftover, Worktrees};

use crate::stage::{Repository, request, text, thread, write};

#[tokio::test]
async fn only_what_is_ours_unused_and_saved_is_removed() {
    let repository = Repository::new();
    let project = repository.project();
    let workspaces = repository.workspaces(Worktrees::Auto);
    for message in ["live", "clean", "dirty", "ahead", "switched"] {
        repository.prepare(&workspaces, message).await.unwrap();
    }
    let other = repository.workspaces_of("installation-2", Worktrees::Auto);
    repository.prepare(&other, "foreign").await.unwrap();
    let own = project.join(".worktrees/own");
    repository.git(&[
        "worktree",
        "add",
        "--quiet",
        "-b",
        "mpg/own",
        own.to_str().unwrap(),
    ]);
    let at = |message: &str| project.join(format!(".worktrees/chat-7-{message}"));
    fs::write(at("dirty").join("draft"), "x").unwrap();
    fs::write(at("ahead").join("work"), "x").unwrap();
    repository.commit(&at("ahead"), "work");
    repository.git_in(&at("switched"), &["switch", "--quiet", "-c", "feature"]);
    fs::write(at("switched").join("other"), "y").unwrap();
    repository.commit(&at("switched"), "work");
    let live = BTreeSet::from([thread("live")]);
    let used = workspaces.reconcile(&project, &live).await.unwrap();
    assert_eq!(used, []);
    let workspaces = repository.workspaces(Worktrees::Auto);
    let leftovers = workspaces.reconcile(&project, &live).await.unwrap();
    let said: Vec<(String, Option<String>)> = leftovers
        .into_iter()
        .map(|Leftover { path, kept }| (path.file_name().unwrap().to_string_lossy().into(), kept))
        .collect();
    insta::assert_debug_snapshot!(said);
    for message in ["live", "dirty", "ahead", "foreign"] {
        assert!(at(message).is_dir(), "{message}");
    }
    assert!(own.is_dir());
    assert!(!at("clean").exists());
    let branches = repository.git(&["branch", "--format=%(refname:short)"]);
    insta::assert_snapshot!(branches);
}

/// Why the one worktree was kept after a restart; `None` if it was removed.
async fn reconciled(repository: &Repository) -> Option<String> {
    let workspaces = repository.workspaces(Worktrees::Auto);
    let leftovers = reconcile(repository, &workspaces).await;
    let [Leftover { path, kept }] = leftovers.as_slice() else {
        panic!("{leftovers:?}");
    };
    assert_eq!(path.exists(), kept.is_some());
    kept.as_deref().map(|kept| repository.plain(kept))
}

async fn reconcile(repository: &Repository, workspaces: &GitWorkspaces) -> Vec<Leftover> {
    let (project, live) = (repository.project(), BTreeSet::new());
    workspaces.reconcile(&project, &live).await.unwrap()
}

#[tokio::test]
async fn what_git_does_not_show_keeps_a_worktree_too() {
    type Change = fn(&Repository, &Path);
    let mut said = Vec::new();
    let cases: [(&str, Change); 6] = [
        ("an ignored file", |_, directory| {
            write(directory, "trace.log", "x");
        }),
        (
            "a file that git was told not to look at",
            |repository, directory| {
                repository.git_in(directory, &["update-index", "--assume-unchanged", "README"]);
                write(directory, "README", "mine\n");
            },
        ),
        (
            "a file that is said not to be there",
            |repository, directory| {
                repository.git_in(directory, &["update-index", "--skip-worktree", "README"]);
                write(directory, "README", "mine\n");
            },
        ),
        ("a repository inside", |repository, directory| {
            repository.git_in(directory, &["init", "--quiet", "inside"]);
        }),
        ("a committed repository inside", |repository, directory| {
            repository.git_in(directory, &["init", "--quiet", "inside"]);
            write(&directory.join("inside"), "work", "x");
            repository.commit(&directory.join("inside"), "work");
            repository.commit(directory, "inside");
            repository.git(&["merge", "--quiet", "mpg/chat-7-1"]);
            write(&directory.join("inside"), "work", "changed");
        }),
        (
            "commits that a replacement hides",
            |repository, directory| {
                write(directory, "work", "x");
                repository.commit(directory, "work");
                let head = repository.git_in(directory, &["rev-parse", "HEAD"]);
                repository.git(&["replace", "--graft", "main", &head]);
            },
        ),
    ];
    for (name, change) in cases {
        let repository = Repository::new();
        write(&repository.project(), ".gitignore", "*.log\n");
        repository.commit(&repository.project(), "ignore");
        let workspaces = repository.workspaces(Worktrees::Auto);
        let directory = repository.worktree(&workspaces, "1").await;
        change(&repository, &directory);
        let kept = reconciled(&repository).await;
        said.push(format!("{name}: {}", kept.unwrap_or_default()));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[tokio::test]
async fn what_was_committed_and_taken_back_is_kept_under_a_name() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let mut lost = Vec::new();
    for name in ["one", "two"] {
        write(&directory, name, name);
        repository.commit(&directory, name);
        lost.push(repository.git_in(&directory, &["rev-parse", "HEAD"]));
        repository.git_in(&directory, &["reset", "--quiet", "--hard", "HEAD~"]);
    }
    assert_eq!(reconciled(&repository).await, None);
    for commit in lost {
        let saved = "refs/mpg/discarded/chat-7-1-1";
        repository.git(&["merge-base", "--is-ancestor", &commit, saved]);
    }
}

#[tokio::test]
async fn every_agent_of_a_live_thread_is_left_alone() {
    let repository = Repository::new();
    let project = repository.project();
    let workspaces = repository.workspaces(Worktrees::Auto);
    for (message, agent) in [("1", Some("pm")), ("1", None), ("2", Some("pm"))] {
        let request = request(&project, message, agent);
        workspaces.prepare(request).await.unwrap();
    }
    let workspaces = repository.workspaces(Worktrees::Auto);
    let live = BTreeSet::from([thread("1")]);
    let leftovers = workspaces.reconcile(&project, &live).await.unwrap();
    let [only] = leftovers.as_slice() else {
        panic!("{leftovers:?}");
    };
    assert_eq!(only.path, project.join(".worktrees/chat-7-2+pm"));
    assert!(project.join(".worktrees/chat-7-1+pm").exists());
}

#[tokio::test]
async fn one_that_cannot_be_looked_at_keeps_nobody_else() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let broken = repository.worktree(&workspaces, "1").await;
    let whole = repository.worktree(&workspaces, "2").await;
    let admin = repository.project().join(".git/worktrees/chat-7-1");
    fs::write(admin.join("index"), "broken").unwrap();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let leftovers = reconcile(&repository, &workspaces).await;
    assert_eq!(leftovers.len(), 2);
    assert!(broken.join("README").exists() && !whole.exists());
}

#[tokio::test]
async fn what_was_pushed_is_saved() {
    let repository = Repository::new();
    let bare = repository.home.path().join("bare");
    repository.git(&["init", "--quiet", "--bare", text(&bare)]);
    repository.git(&["remote", "add", "origin", text(&bare)]);
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    write(&directory, "work", "x");
    repository.commit(&directory, "work");
    assert!(reconciled(&repository).await.is_some());
    repository.git_in(&directory, &["push", "--quiet", "origin", "HEAD"]);
    assert_eq!(reconciled(&repository).await, None);
    assert!(!repository.has_ref("refs/heads/mpg/chat-7-1"));
    assert!(repository.has_ref("refs/remotes/origin/mpg/chat-7-1"));
}

#[tokio::test]
async fn a_locked_worktree_stays() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    repository.git(&["worktree", "lock", text(&directory)]);
    assert!(reconciled(&repository).await.is_some());
    assert_eq!(
        fs::metadata(&directory).unwrap().permissions().mode() & 0o700,
        0o700
    );
}
