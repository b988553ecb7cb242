//! Repositories that want the gateway to do something else.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use mpg_core::port::Workspaces as _;
use mpg_core::workspace::Merged;
use mpg_workspace::{GitWorkspaces, Worktrees};

use crate::stage::{Repository, request, text, write};

/// Sets everything up by which a repository runs programs; each would leave a file.
fn arm(repository: &Repository, place: &Path, ran: &Path) {
    let set = |name: &str, value: &str| {
        repository.git_in(place, &["config", name, value]);
    };
    let touch = |name: &str| format!("touch {}/{name}; cat", ran.display());
    for name in [
        "core.fsmonitor",
        "core.editor",
        "core.pager",
        "core.askPass",
        "core.sshCommand",
    ] {
        set(name, &touch(name));
    }
    for name in [
        "gpg.program",
        "sequence.editor",
        "diff.external",
        "core.alternateRefsCommand",
    ] {
        set(name, &touch(name));
    }
    // A name that is itself like a setting.
    for filter in ["evil", "a=b"] {
        for name in ["clean", "smudge"] {
            set(&format!("filter.{filter}.{name}"), &touch(name));
        }
        set(&format!("filter.{filter}.required"), "true");
    }
    set("merge.evil.driver", &touch("driver"));
    set("merge.evil.recursive", "evil");
    set("merge.default", "evil");
    set("diff.evil.textconv", &touch("textconv"));
    set("diff.evil.command", &touch("command"));
    set("commit.gpgSign", "true");
    set("merge.verifySignatures", "true");
    set("log.showSignature", "true");
    set("merge.autoStash", "true");
    set("branch.main.mergeOptions", "--squash --verify-signatures");
    set("protocol.ext.allow", "always");
    set("protocol.file.allow", "always");
    for hook in [
        "post-checkout",
        "post-commit",
        "pre-commit",
        "post-merge",
        "pre-merge-commit",
        "commit-msg",
        "prepare-commit-msg",
        "post-index-change",
        "reference-transaction",
        "post-rewrite",
        "pre-auto-gc",
        "fsmonitor-watchman",
    ] {
        let common = repository.project().join(".git/hooks").join(hook);
        fs::create_dir_all(common.parent().unwrap()).unwrap();
        fs::write(
            &common,
            format!("#!/bin/sh\ntouch {}/hook-{hook}\n", ran.display()),
        )
        .unwrap();
        fs::set_permissions(&common, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Everything that can be done with a thread, once.
async fn everything(repository: &Repository, workspaces: &GitWorkspaces, ran: &Path) {
    let project = repository.project();
    let directory = repository.worktree(workspaces, "1").await;
    quietly(ran, || {
        write(&directory, "README", "changed\n");
        write(&directory, "odd/file", "x\n");
        repository.commit(&directory, "work");
        write(&project, "there", "x\n");
        repository.commit(&project, "there");
    });
    for file in ["README", "odd/file"] {
        write(&directory, file, "again\n");
    }
    write(&directory, "new", "x\n");
    workspaces.inspect(text(&directory)).await.unwrap();
    let diff = workspaces.diff(text(&directory)).await.unwrap();
    assert!(diff.uncommitted.text.contains("+again"), "{diff:?}");
    assert!(diff.committed.text.contains("+changed"), "{diff:?}");
    quietly(ran, || repository.commit(&directory, "more"));
    let merged = workspaces.merge(text(&directory)).await.unwrap();
    assert!(matches!(merged, Merged::Done { .. }), "{merged:?}");
    assert_eq!(
        fs::read_to_string(project.join("README")).unwrap(),
        "again\n"
    );
    quietly(ran, || {
        for place in [&directory, &project] {
            write(place, "README", &format!("{}\n", place.display()));
            repository.commit(place, "conflict");
        }
    });
    let merged = workspaces.merge(text(&directory)).await.unwrap();
    assert!(matches!(merged, Merged::Conflicts { .. }), "{merged:?}");
    write(&directory, "new", "y\n");
    let discarded = workspaces.discard(text(&directory)).await.unwrap();
    let saved = discarded.saved.unwrap();
    quietly(ran, || assert_eq!(repository.show(&saved, "new"), "y"));
    repository.worktree(workspaces, "2").await;
    let again = repository.workspaces(Worktrees::Auto);
    let leftovers = again.reconcile(&project, &[].into()).await.unwrap();
    assert_eq!(leftovers.len(), 1);
    assert_eq!(leftovers[0].kept, None);
}

/// What is done by the person's own git runs what the repository says, which does not count.
fn quietly(ran: &Path, act: impl FnOnce()) {
    let armed = fs::read_dir(ran).unwrap().count();
    assert_eq!(
        armed,
        0,
        "{:?}",
        fs::read_dir(ran).unwrap().collect::<Vec<_>>()
    );
    act();
    fs::remove_dir_all(ran).unwrap();
    fs::create_dir(ran).unwrap();
}

#[tokio::test]
async fn nothing_of_the_repository_is_run() {
    let repository = Repository::new();
    let project = repository.project();
    let ran = repository.home.path().join("ran");
    fs::create_dir(&ran).unwrap();
    write(
        &project,
        ".gitattributes",
        "* filter=evil diff=evil\nodd/* filter=a=b\n*.never merge=evil\n",
    );
    repository.commit(&project, "attributes");
    quietly(&ran, || arm(&repository, &project, &ran));
    let workspaces = repository.workspaces(Worktrees::Auto);
    everything(&repository, &workspaces, &ran).await;
    let found: Vec<_> = fs::read_dir(&ran).unwrap().collect();
    assert!(found.is_empty(), "{found:?}");
    // The same by the person's own git, to show that the trap works.
    write(&project, "README", "sprung\n");
    repository.commit(&project, "sprung");
    let found = fs::read_dir(&ran).unwrap().count();
    assert!(found > 3, "{found}");
}

#[tokio::test]
async fn a_filter_that_stays_is_not_started() {
    let repository = Repository::new();
    let ran = repository.home.path().join("ran");
    write(&repository.project(), ".gitattributes", "* filter=evil\n");
    repository.commit(&repository.project(), "attributes");
    let touch = format!("touch {}", ran.display());
    repository.git(&["config", "filter.evil.process", &touch]);
    repository.git(&["config", "filter.evil.required", "true"]);
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    write(&directory, "README", "changed\n");
    workspaces.diff(text(&directory)).await.unwrap();
    let discarded = workspaces.discard(text(&directory)).await.unwrap();
    let saved = discarded.saved.unwrap();
    assert_eq!(repository.show(&saved, "README"), "changed");
    assert!(!ran.exists());
}

#[tokio::test]
async fn a_merge_driver_is_a_conflict_and_not_run() {
    let repository = Repository::new();
    let project = repository.project();
    let ran = repository.home.path().join("ran");
    write(&project, ".gitattributes", "* merge=evil\n");
    write(&project, "list", "1\n2\n3\n4\n5\n6\n7\n8\n");
    repository.commit(&project, "list");
    let touch = format!("touch {}", ran.display());
    repository.git(&["config", "merge.evil.driver", &touch]);
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    write(&directory, "list", "one\n2\n3\n4\n5\n6\n7\n8\n");
    repository.commit(&directory, "begin");
    write(&project, "list", "1\n2\n3\n4\n5\n6\n7\neight\n");
    repository.commit(&project, "end");
    let merged = workspaces.merge(text(&directory)).await.unwrap();
    let Merged::Conflicts { files, .. } = merged else {
        panic!("{merged:?}");
    };
    assert_eq!(files.shown(), ["list"]);
    assert!(!ran.exists());
}

#[tokio::test]
async fn a_repository_inside_is_not_asked() {
    let repository = Repository::new();
    let ran = repository.home.path().join("ran");
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let inside = directory.join("inside");
    repository.git_in(&directory, &["init", "--quiet", "inside"]);
    write(&inside, ".gitattributes", "* filter=evil\n");
    write(&inside, "file", "x\n");
    repository.commit(&inside, "first");
    repository.commit(&directory, "with a repository inside");
    let touch = format!("touch {}; cat", ran.display());
    repository.git_in(&inside, &["config", "filter.evil.clean", &touch]);
    repository.git_in(&inside, &["config", "core.fsmonitor", &touch]);
    write(&inside, "file", "y\n");
    workspaces.inspect(text(&directory)).await.unwrap();
    workspaces.diff(text(&directory)).await.unwrap();
    workspaces.merge(text(&directory)).await.unwrap();
    workspaces.discard(text(&directory)).await.unwrap_err();
    let again = repository.workspaces(Worktrees::Auto);
    again
        .reconcile(&repository.project(), &[].into())
        .await
        .unwrap();
    assert!(!ran.exists());
    assert_eq!(fs::read_to_string(inside.join("file")).unwrap(), "y\n");
}

#[tokio::test]
async fn a_worktree_that_says_that_it_belongs_elsewhere_is_not_believed() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    write(&directory, "work", "x\n");
    // Seen from there, nothing was changed.
    let clean = repository.home.path().canonicalize().unwrap().join("clean");
    repository.git(&["clone", "--quiet", ".", text(&clean)]);
    let pointer = directory.join(".git");
    let real = fs::read_to_string(&pointer).unwrap();
    fs::write(&pointer, format!("gitdir: {}/.git\n", clean.display())).unwrap();
    let state = workspaces.inspect(text(&directory)).await.unwrap();
    assert_eq!(state.dirty.shown(), ["work"]);
    let again = repository.workspaces(Worktrees::Auto);
    again
        .reconcile(&repository.project(), &[].into())
        .await
        .unwrap();
    assert!(directory.join("work").exists());
    fs::write(&pointer, real).unwrap();
    // The same by a setting of the worktree.
    repository.git(&["config", "extensions.worktreeConfig", "true"]);
    repository.git_in(
        &directory,
        &["config", "--worktree", "core.worktree", text(&clean)],
    );
    let state = workspaces.inspect(text(&directory)).await.unwrap();
    assert_eq!(state.dirty.shown(), ["work"]);
    let again = repository.workspaces(Worktrees::Auto);
    again
        .reconcile(&repository.project(), &[].into())
        .await
        .unwrap();
    assert!(directory.join("work").exists());
    assert!(clean.join("README").exists());
}

#[tokio::test]
async fn links_lead_nowhere() {
    let repository = Repository::new();
    let elsewhere = repository
        .home
        .path()
        .canonicalize()
        .unwrap()
        .join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let folder = repository.project().join(".worktrees");
    let workspaces = repository.workspaces(Worktrees::Auto);
    symlink(&elsewhere, &folder).unwrap();
    let mut said = vec![repository.prepare(&workspaces, "1").await.unwrap_err()];
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    symlink(&elsewhere, folder.join("chat-7-1")).unwrap();
    said.push(repository.prepare(&workspaces, "1").await.unwrap_err());
    insta::assert_snapshot!(said.join("\n"));
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    // A project below the top whose folder is a link on the branch.
    fs::create_dir(repository.project().join("part")).unwrap();
    symlink(&elsewhere, repository.project().join("link")).unwrap();
    repository.commit(&repository.project(), "link");
    fs::remove_file(repository.project().join("link")).unwrap();
    fs::create_dir(repository.project().join("link")).unwrap();
    let below = request(&repository.project().join("link"), "2", None);
    let prepared = workspaces.prepare(below).await.unwrap();
    assert_eq!(prepared.directory, text(&repository.project().join("link")));
}

#[tokio::test]
async fn files_that_never_end_are_not_read() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let git = repository.project().join(".git");
    fs::create_dir_all(git.join("info")).unwrap();
    fs::remove_file(git.join("info/exclude")).ok();
    symlink("/dev/zero", git.join("info/exclude")).unwrap();
    let directory = repository.worktree(&workspaces, "1").await;
    let admin = git.join("worktrees/chat-7-1");
    fs::remove_file(admin.join("mpg")).unwrap();
    symlink("/dev/zero", admin.join("mpg")).unwrap();
    let refused = workspaces.inspect(text(&directory)).await.unwrap_err();
    insta::assert_snapshot!(repository.plain(&refused.message));
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
