//! Making a thread's worktree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use mpg_core::port::Workspaces as _;
use mpg_workspace::{GitWorkspaces, Worktrees};

use crate::stage::{Repository, branch_of, request, text, write};

#[tokio::test]
async fn each_thread_works_on_a_branch_of_its_own() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let first = repository.prepare(&workspaces, "1").await.unwrap();
    let second = repository.prepare(&workspaces, "2").await.unwrap();
    let project = repository.project();
    assert_eq!(
        first.directory,
        project.join(".worktrees/chat-7-1").display().to_string()
    );
    assert_eq!(first.notice, None);
    assert_ne!(first.directory, second.directory);
    assert_eq!(branch_of(&repository, &first.directory), "mpg/chat-7-1");
    assert_eq!(branch_of(&repository, &second.directory), "mpg/chat-7-2");
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    assert_eq!(repository.git(&["branch", "--show-current"]), "main");
}

#[tokio::test]
async fn a_thread_comes_back_to_its_worktree_with_what_is_in_it() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let first = repository.prepare(&workspaces, "1").await.unwrap();
    fs::write(Path::new(&first.directory).join("draft"), "half").unwrap();
    let again = repository
        .prepare(&repository.workspaces(Worktrees::Auto), "1")
        .await
        .unwrap();
    assert_eq!(again, first);
    assert!(Path::new(&again.directory).join("draft").exists());
}

#[tokio::test]
async fn a_worktree_that_somebody_took_away_is_made_again_from_its_branch() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let first = repository.prepare(&workspaces, "1").await.unwrap();
    let directory = Path::new(&first.directory);
    fs::write(directory.join("work"), "done").unwrap();
    repository.commit(directory, "work");
    fs::remove_dir_all(directory).unwrap();
    let again = repository.prepare(&workspaces, "1").await.unwrap();
    assert_eq!(again, first);
    assert!(directory.join("work").exists());
}

#[tokio::test]
async fn many_threads_may_begin_at_once() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let names: Vec<String> = (0..12).map(|number| number.to_string()).collect();
    let prepared = names
        .iter()
        .map(|name| repository.prepare(&workspaces, name));
    let prepared = futures_util::future::join_all(prepared).await;
    let directories: BTreeSet<String> = prepared
        .into_iter()
        .map(|workspace| workspace.unwrap().directory)
        .collect();
    assert_eq!(directories.len(), names.len());
}

#[tokio::test]
async fn a_project_below_the_top_works_below_the_worktrees_top() {
    let repository = Repository::new();
    let part = repository.project().join("part");
    fs::create_dir(&part).unwrap();
    let workspaces = repository.workspaces(Worktrees::Auto);
    // Nothing of it is committed yet.
    let shared = repository
        .prepare_in(&part, &workspaces, "1")
        .await
        .unwrap();
    assert_eq!(shared.directory, part.display().to_string());
    fs::write(part.join("file"), "x").unwrap();
    repository.commit(&part, "part");
    let own = repository
        .prepare_in(&part, &workspaces, "2")
        .await
        .unwrap();
    let expected = repository.project().join(".worktrees/chat-7-2/part");
    assert_eq!(own.directory, expected.display().to_string());
}

#[tokio::test]
async fn where_there_are_no_worktrees_the_directory_is_shared_and_that_is_said_once() {
    let repository = Repository::empty();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let first = repository.prepare(&workspaces, "1").await.unwrap();
    let second = repository.prepare(&workspaces, "2").await.unwrap();
    let project = repository.project().display().to_string();
    assert_eq!([&first.directory, &second.directory], [&project, &project]);
    insta::assert_snapshot!(first.notice.unwrap());
    assert_eq!(second.notice, None);
    repository.git(&["init", "--quiet"]);
    let workspaces = repository.workspaces(Worktrees::Auto);
    let third = repository.prepare(&workspaces, "3").await.unwrap();
    insta::assert_snapshot!(third.notice.unwrap());
}

#[tokio::test]
async fn always_means_always_and_never_never() {
    let repository = Repository::empty();
    let always = repository.workspaces(Worktrees::Always);
    let refused = repository.prepare(&always, "1").await.unwrap_err();
    insta::assert_snapshot!(refused);
    let repository = Repository::new();
    let never = repository.workspaces(Worktrees::Never);
    let plain = repository.prepare(&never, "1").await.unwrap();
    assert_eq!(plain.directory, repository.project().display().to_string());
    assert!(!repository.project().join(".worktrees").exists());
}

#[tokio::test]
async fn a_large_repository_is_no_reason_to_wait_for_the_others() {
    let repository = Repository::new();
    let folders = 500;
    for folder in 0..folders {
        let path = repository.project().join(format!("folder-{folder}"));
        fs::create_dir(&path).unwrap();
        for file in 0..100 {
            fs::write(path.join(format!("file-{file}")), "x").unwrap();
        }
    }
    repository.commit(&repository.project(), "large");
    let workspaces = repository.workspaces(Worktrees::Auto);
    let small = Repository::new();
    let slow = repository.prepare(&workspaces, "1");
    let fast = async {
        let mut prepared = 0;
        for message in ["1", "2", "3"] {
            small.prepare(&workspaces, message).await.unwrap();
            prepared += 1;
        }
        prepared
    };
    tokio::pin!(slow, fast);
    // The large one is begun first, and the small ones are done before it.
    let first = futures_util::future::select(slow, fast).await;
    let futures_util::future::Either::Right((prepared, slow)) = first else {
        panic!("fifty thousand files were checked out before three");
    };
    assert_eq!(prepared, 3);
    let workspace = slow.await.unwrap();
    let last = Path::new(&workspace.directory).join(format!("folder-{}/file-99", folders - 1));
    assert!(last.exists());
}

#[tokio::test]
async fn each_agent_may_have_a_worktree_of_its_own() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let project = repository.project();
    let mut names = Vec::new();
    for agent in [None, Some("pm"), Some("qa")] {
        let request = request(&project, "1", agent);
        let prepared = workspaces.prepare(request).await.unwrap().directory;
        let name = prepared.replace(text(&project), "");
        names.push((name, branch_of(&repository, &prepared)));
    }
    insta::assert_debug_snapshot!(names);
}

#[tokio::test]
async fn a_worktree_that_was_not_finished_is_finished() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let admin = repository.project().join(".git/worktrees/chat-7-1");
    // As a gateway leaves it that was killed while files were written.
    let mark = fs::read_to_string(admin.join("mpg")).unwrap();
    fs::write(admin.join("mpg"), mark.replace("ready", "making")).unwrap();
    fs::remove_file(admin.join("index")).unwrap();
    fs::write(admin.join("index.lock"), "").unwrap();
    fs::write(directory.join("README"), "hal").unwrap();
    repository.worktree(&workspaces, "1").await;
    assert_eq!(
        fs::read_to_string(directory.join("README")).unwrap(),
        "hello\n"
    );
    fs::remove_file(admin.join("index.lock")).unwrap();
    assert_eq!(
        repository.git_in(&directory, &["status", "--porcelain"]),
        ""
    );
}

#[tokio::test]
async fn a_worktree_that_was_only_begun_is_begun_again() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let admin = repository.project().join(".git/worktrees/chat-7-1");
    fs::remove_file(admin.join("mpg")).unwrap();
    fs::remove_file(admin.join("index")).unwrap();
    fs::remove_file(directory.join("README")).unwrap();
    fs::write(admin.join("locked"), "initializing").unwrap();
    repository.worktree(&workspaces, "1").await;
    assert!(directory.join("README").exists());
    assert!(!admin.join("locked").exists());
    // What git made no note of is in the way only if something is in it.
    let second = repository.project().join(".worktrees/chat-7-2");
    fs::create_dir(&second).unwrap();
    repository.worktree(&workspaces, "2").await;
    assert!(second.join("README").exists());
}

#[tokio::test]
async fn what_an_agent_left_in_its_worktree_is_never_made_again() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let admin = repository.project().join(".git/worktrees/chat-7-1");
    fs::remove_file(admin.join("index")).unwrap();
    write(&directory, "README", "mine\n");
    repository.worktree(&workspaces, "1").await;
    assert_eq!(
        fs::read_to_string(directory.join("README")).unwrap(),
        "mine\n"
    );
}

#[tokio::test]
async fn what_only_a_lost_worktree_knew_is_kept_when_it_is_made_again() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    repository.git_in(&directory, &["switch", "--quiet", "--detach"]);
    write(&directory, "alone", "on no branch\n");
    repository.commit(&directory, "alone");
    let alone = repository.git_in(&directory, &["rev-parse", "HEAD"]);
    write(&directory, "staged", "staged\n");
    repository.git_in(&directory, &["add", "staged"]);
    fs::remove_dir_all(&directory).unwrap();
    repository.git(&["switch", "--quiet", "-c", "other"]);
    repository.worktree(&workspaces, "1").await;
    let saved = "refs/mpg/discarded/chat-7-1-1";
    repository.git(&["merge-base", "--is-ancestor", &alone, saved]);
    assert_eq!(repository.show(&format!("{saved}^2"), "staged"), "staged");
    // It still belongs to the branch that it once grew from.
    let state = workspaces.inspect(text(&directory)).await.unwrap();
    assert_eq!(state.base.as_deref(), Some("main"));
}

#[tokio::test]
async fn a_branch_that_is_checked_out_elsewhere_is_not_checked_out_twice() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    fs::remove_dir_all(&directory).unwrap();
    repository.git(&["worktree", "prune"]);
    repository.git(&["switch", "--quiet", "mpg/chat-7-1"]);
    let refused = repository.prepare(&workspaces, "1").await.unwrap_err();
    insta::assert_snapshot!(refused);
}

/// A `git` that writes down what it is asked, or says what it is told.
fn workspaces_with(repository: &Repository, script: &str) -> GitWorkspaces {
    let bin = repository.home.path().join("bin");
    fs::create_dir_all(&bin).unwrap();
    let git = bin.join("git");
    fs::write(&git, script).unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    let mut environment = repository.environment();
    let path = format!("{}:{}", bin.display(), environment["PATH"]);
    environment.insert("PATH".to_owned(), path);
    GitWorkspaces::new("installation-1", &environment, BTreeMap::new())
}

#[tokio::test]
async fn coming_back_to_a_worktree_takes_one_call_of_git() {
    let repository = Repository::new();
    let calls = repository.home.path().join("calls");
    let real = std::env::var("PATH").unwrap();
    let script = format!(
        "#!/bin/sh\necho \"$1 $2\" >> {}\nPATH={real} exec git \"$@\"\n",
        calls.display()
    );
    let workspaces = workspaces_with(&repository, &script);
    let counted = async |message: &str| {
        fs::write(&calls, "").unwrap();
        repository.worktree(&workspaces, message).await;
        fs::read_to_string(&calls).unwrap()
    };
    insta::assert_snapshot!("calls_for_the_first", counted("1").await);
    insta::assert_snapshot!("calls_for_the_next", counted("2").await);
    insta::assert_snapshot!("calls_for_one_that_is_there", counted("1").await);
}

#[tokio::test]
async fn a_git_that_is_too_old_or_missing_is_said() {
    let repository = Repository::new();
    let old = workspaces_with(&repository, "#!/bin/sh\necho git version 2.30.2\n");
    let mut said = Vec::new();
    let prepared = repository.prepare(&old, "1").await.unwrap();
    assert_eq!(prepared.directory, text(&repository.project()));
    said.extend(prepared.notice);
    let nowhere = BTreeMap::from([("PATH".to_owned(), text(repository.home.path()).to_owned())]);
    let missing = GitWorkspaces::new("installation-1", &nowhere, BTreeMap::new());
    let prepared = repository.prepare(&missing, "1").await.unwrap();
    said.extend(prepared.notice);
    let directory = repository.project().join(".worktrees/chat-7-1");
    for workspaces in [old, missing] {
        let refused = workspaces.inspect(text(&directory)).await.unwrap_err();
        said.push(refused.message);
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[tokio::test]
async fn a_checkout_that_is_a_worktree_itself_has_worktrees_too() {
    let repository = Repository::new();
    let linked = repository
        .home
        .path()
        .canonicalize()
        .unwrap()
        .join("linked");
    repository.git(&["worktree", "add", "--quiet", "-b", "side", text(&linked)]);
    let workspaces = repository.workspaces(Worktrees::Auto);
    let prepared = repository.prepare_in(&linked, &workspaces, "1").await;
    let directory = prepared.unwrap().directory;
    assert_eq!(directory, text(&linked.join(".worktrees/chat-7-1")));
    write(Path::new(&directory), "work", "x\n");
    repository.commit(Path::new(&directory), "work");
    let merged = workspaces.merge(&directory).await.unwrap();
    assert!(linked.join("work").exists(), "{merged:?}");
    assert!(!repository.project().join("work").exists());
}
