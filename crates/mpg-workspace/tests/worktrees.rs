//! Worktrees on real repositories.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mpg_core::id::{ChannelId, ChannelKey, MessageId, PlatformId, ProjectName, RootId};
use mpg_core::port::{Workspace, WorkspaceRequest, Workspaces as _};
use mpg_workspace::{GitWorkspaces, Leftover, Worktrees};
use tempfile::TempDir;

/// A repository with one commit, in a home of its own.
struct Repository {
    home: TempDir,
}

impl Repository {
    fn empty() -> Self {
        let home = tempfile::tempdir().unwrap();
        let this = Self { home };
        fs::create_dir(this.project()).unwrap();
        this
    }

    fn new() -> Self {
        let this = Self::empty();
        this.git(&["init", "--quiet", "--initial-branch=main"]);
        fs::write(this.project().join("README"), "hello\n").unwrap();
        this.commit(&this.project(), "first");
        this
    }

    fn project(&self) -> PathBuf {
        self.home.path().canonicalize().unwrap().join("project")
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let path = std::env::var("PATH").unwrap();
        let home = self.home.path().display().to_string();
        [("PATH", path), ("HOME", home)]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.project(), arguments)
    }

    fn git_in(&self, directory: &Path, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"])
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .envs(self.environment())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, directory: &Path, message: &str) {
        self.git_in(directory, &["add", "--all"]);
        self.git_in(directory, &["commit", "--quiet", "-m", message]);
    }

    fn workspaces(&self, mode: Worktrees) -> GitWorkspaces {
        self.workspaces_of("installation-1", mode)
    }

    fn workspaces_of(&self, installation: &str, mode: Worktrees) -> GitWorkspaces {
        let modes = BTreeMap::from([(ProjectName::new("demo"), mode)]);
        GitWorkspaces::new(installation, &self.environment(), modes)
    }

    async fn prepare(
        &self,
        workspaces: &GitWorkspaces,
        message: &str,
    ) -> Result<Workspace, String> {
        self.prepare_in(&self.project(), workspaces, message).await
    }

    async fn prepare_in(
        &self,
        directory: &Path,
        workspaces: &GitWorkspaces,
        message: &str,
    ) -> Result<Workspace, String> {
        let request = WorkspaceRequest {
            project: ProjectName::new("demo"),
            directory: directory.display().to_string(),
            thread: thread(message),
            agent: None,
        };
        let prepared = workspaces.prepare(request).await;
        // Paths of a run say nothing.
        let home = self.home.path().canonicalize().unwrap();
        let home = home.display().to_string();
        prepared.map_err(|error| error.message.replace(&home, "[home]"))
    }
}

fn thread(message: &str) -> RootId {
    let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("7"));
    RootId::of_message(channel, MessageId::new(message))
}

fn branch_of(repository: &Repository, directory: &str) -> String {
    repository.git_in(Path::new(directory), &["branch", "--show-current"])
}

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
async fn what_is_in_the_way_is_left_alone() {
    let repository = Repository::new();
    let path = repository.project().join(".worktrees/chat-7-1");
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("mine"), "x").unwrap();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let refused = repository.prepare(&workspaces, "1").await.unwrap_err();
    insta::assert_snapshot!(refused);
    assert!(path.join("mine").exists());
}

#[tokio::test]
async fn nothing_of_the_repository_is_run() {
    let repository = Repository::new();
    let ran = repository.home.path().join("ran");
    let touch = format!("touch {}", ran.display());
    let hook = repository.project().join(".git/hooks/post-checkout");
    fs::write(&hook, format!("#!/bin/sh\n{touch}\n")).unwrap();
    Command::new("chmod").arg("+x").arg(&hook).status().unwrap();
    repository.git(&["config", "core.fsmonitor", &touch]);
    fs::write(
        repository.project().join(".gitattributes"),
        "* filter=evil\n",
    )
    .unwrap();
    repository.commit(&repository.project(), "attributes");
    repository.git(&["config", "filter.evil.smudge", &format!("{touch}; cat")]);
    repository.git(&["config", "filter.evil.clean", &format!("{touch}; cat")]);
    repository.git(&["config", "filter.evil.required", "true"]);
    fs::remove_file(&ran).ok();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let workspace = repository.prepare(&workspaces, "1").await.unwrap();
    let directory = Path::new(&workspace.directory);
    fs::write(directory.join("README"), "changed\n").unwrap();
    let state = workspaces.inspect(directory).await.unwrap();
    assert_eq!(state.dirty, ["README"]);
    assert!(!ran.exists());
}

#[tokio::test]
async fn what_a_worktree_has_that_is_nowhere_else() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let workspace = repository.prepare(&workspaces, "1").await.unwrap();
    let directory = Path::new(&workspace.directory);
    let clean = workspaces.inspect(directory).await.unwrap();
    assert_eq!(clean.kept_for(), None);
    fs::write(directory.join("new"), "x").unwrap();
    let dirty = workspaces.inspect(directory).await.unwrap();
    insta::assert_snapshot!(dirty.kept_for().unwrap());
    repository.commit(directory, "new");
    fs::write(repository.project().join("other"), "x").unwrap();
    repository.commit(&repository.project(), "other");
    let ahead = workspaces.inspect(directory).await.unwrap();
    insta::assert_debug_snapshot!(ahead);
    insta::assert_snapshot!(ahead.kept_for().unwrap());
    repository.git(&["merge", "--quiet", "--no-edit", "mpg/chat-7-1"]);
    let merged = workspaces.inspect(directory).await.unwrap();
    assert_eq!(merged.kept_for(), None);
}

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
