//! Agents in their walls: what the real CLI's own shell and tools get at, and what survives them.

use std::fs;
use std::path::Path;
use std::process::Command;

use mpg_core::agent::{AgentSpec, PermissionMode};
use mpg_core::port::{AgentRuntime as _, SessionStart};
use serde_json::json;

use crate::fixture::{Fixture, Running, new_session, tool, write};
use crate::permissions::call;

/// A path on which there is everything but what makes walls.
pub(crate) fn path_without_bubblewrap() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    for directory in std::env::split_paths(&path) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name != "bwrap" {
                drop(std::os::unix::fs::symlink(
                    entry.path(),
                    folder.path().join(name),
                ));
            }
        }
    }
    let path = folder.path().display().to_string();
    (folder, path)
}

fn unlimited() -> AgentSpec {
    AgentSpec {
        permission_mode: PermissionMode::BypassPermissions,
        ..AgentSpec::default()
    }
}

/// Runs a command in the agent's shell, and tells what it said and whether it failed.
pub(crate) async fn shell(
    fixture: &Fixture,
    running: &mut Running,
    command: &str,
) -> (String, bool) {
    let attempt = tool("Bash", &json!({ "command": command }));
    let (_, output, is_error) = call(fixture, running, &attempt).await;
    (output, is_error)
}

fn repository(fixture: &Fixture) {
    for arguments in [
        &["init", "-q"][..],
        &[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b.c",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "x",
        ],
    ] {
        let status = Command::new("git")
            .arg("-C")
            .arg(fixture.project())
            .args(arguments)
            .status();
        assert!(status.unwrap().success());
    }
}

/// What holds whatever makes the walls.
async fn stays_inside(fixture: &Fixture, running: &mut Running) {
    let (outside, project) = (fixture.outside(), fixture.project());
    fs::write(outside.join("plan.txt"), "of another project").unwrap();
    let show = |path: &Path| path.display().to_string();

    let (output, is_error) = shell(fixture, running, "echo in > in.txt && cat in.txt").await;
    assert!(!is_error && output.contains("in"), "{output}");
    let temporary = "f=$(mktemp) && echo there > $f && cat $f";
    let (output, is_error) = shell(fixture, running, temporary).await;
    assert!(!is_error && output.contains("there"), "{output}");
    let git =
        "git -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m y && git log --oneline";
    let (output, is_error) = shell(fixture, running, git).await;
    assert!(!is_error && output.lines().count() == 2, "{output}");

    std::os::unix::fs::symlink(fixture.secret(), project.join("link")).unwrap();
    let gateway = std::process::id();
    for attempt in [
        format!("cat {}", show(&fixture.secret())),
        "cat link".to_owned(),
        format!("cat {}", show(&outside.join("plan.txt"))),
        format!("ls {}", show(&fixture.sessions())),
        format!("cat /proc/{gateway}/environ"),
        format!("cat /proc/{gateway}/root{}", show(&fixture.secret())),
        format!("kill -0 {gateway}"),
        format!("echo x > {}", show(&outside.join("in.txt"))),
        format!("mkdir {}", show(&outside.join("in"))),
        "echo x > /usr/local/bin/mpg-was-here".to_owned(),
        "echo 'alias ls=true' >> ~/.bashrc".to_owned(),
        format!("git -c alias.x='!cat {}' x", show(&fixture.secret())),
        format!(
            "git -c alias.x='!echo x > {}' x",
            show(&outside.join("in.txt"))
        ),
    ] {
        let (output, is_error) = shell(fixture, running, &attempt).await;
        assert!(is_error, "{attempt}: {output}");
        assert!(!output.contains("the token"), "{attempt}: {output}");
    }
    // In folders of its own it may believe that it did.
    for attempt in [
        format!("rm -f {}", show(&outside.join("plan.txt"))),
        format!("echo x > {}", show(&project.join("../beside.txt"))),
    ] {
        shell(fixture, running, &attempt).await;
    }
    assert!(!project.join("../beside.txt").exists());
    let escaped = outside.join("written.txt");
    let (_, output, is_error) = call(fixture, running, &write(&escaped, "x")).await;
    assert!(is_error && !escaped.exists(), "{output}");
    let names: Vec<_> = fs::read_dir(&outside).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(
        fs::read_to_string(outside.join("plan.txt")).unwrap(),
        "of another project"
    );

    let child = "setsid sleep 300 > /dev/null 2>&1 & echo started";
    let (output, is_error) = shell(fixture, running, child).await;
    assert!(!is_error && output.contains("started"), "{output}");
}

/// A fork that works elsewhere knows what was said before, whatever makes the walls.
async fn goes_on_elsewhere(fixture: &Fixture) {
    let mut source = fixture.open(AgentSpec::default()).await;
    assert_eq!(source.answer("SAY:one").await, "one");
    let (id, start) = (new_session(), SessionStart::Fork(source.id));
    // All of it is written down then.
    source.close().await;
    let mut spec = fixture.session_spec(id, start, AgentSpec::default());
    spec.directory = fixture.outside().display().to_string();
    let opened = fixture.runtime.open(spec).await.unwrap();
    let mut fork = Running::of(id, opened);
    assert_eq!(fork.answer("SAY:two").await, "two");
    let asked = fixture.api.asked("SAY:two").await;
    assert_eq!(asked.answers(), ["one"]);
    fork.close().await;
}

#[tokio::test]
async fn a_fork_goes_on_in_the_walls_of_landlock() {
    let (_folder, path) = path_without_bubblewrap();
    goes_on_elsewhere(&Fixture::walled(&path).await).await;
}

#[tokio::test]
async fn an_agent_stays_in_the_walls_of_landlock() {
    let (_folder, path) = path_without_bubblewrap();
    let fixture = Fixture::walled(&path).await;
    repository(&fixture);
    let mut running = fixture.open(unlimited()).await;
    stays_inside(&fixture, &mut running).await;
    running.close().await;
}

#[cfg(feature = "system-tests")]
pub(crate) mod bubblewrap {
    use super::*;

    pub(crate) fn path() -> String {
        let path = std::env::var("PATH").unwrap();
        let mut folders = std::env::split_paths(&path);
        assert!(
            folders.any(|folder| folder.join("bwrap").is_file()),
            "bubblewrap is missing; install it, as the package `bubblewrap` of most systems"
        );
        path
    }

    #[tokio::test]
    async fn a_fork_goes_on_in_its_walls() {
        goes_on_elsewhere(&Fixture::walled(&path()).await).await;
    }

    #[tokio::test]
    async fn an_agent_stays_in_its_walls() {
        let fixture = Fixture::walled(&path()).await;
        repository(&fixture);
        let mut running = fixture.open(unlimited()).await;
        stays_inside(&fixture, &mut running).await;
        for attempt in [
            "echo '[alias] x = !true' >> .git/config",
            "echo '#!/bin/sh' > .git/hooks/pre-commit",
            "ls /run/user /run/systemd/private",
            "mount -o remount,rw /",
            "unshare --user --map-root-user --mount mount -o remount,rw /",
            "mknod disk b 8 0",
        ] {
            let (output, is_error) = shell(&fixture, &mut running, attempt).await;
            assert!(is_error, "{attempt}: {output}");
        }
        running.close().await;
    }
}
