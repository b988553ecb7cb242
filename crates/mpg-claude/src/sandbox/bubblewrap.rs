//! Walls made by bubblewrap (tried with 0.8.0).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::layout::{Access, Layout, TEMPORARY};
use super::privileges;

/// How long trying it may take.
const TRIAL: Duration = Duration::from_secs(5);

/// The walls that are the same for everybody: the machine read-only, devices and processes of its own.
const WALLS: &[&str] = &[
    "--die-with-parent",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--ro-bind",
    "/",
    "/",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
];

/// Where the machine's services listen, by which a program can be run outside.
const SERVICES: &str = "/run";

/// What is there of them all the same: how names are resolved, and where programs are.
const NO_SERVICES: &[&str] = &[
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/run/current-system",
];

/// Bubblewrap, if it is on the path and does here what it is for.
pub(super) async fn find(path: &str) -> Option<PathBuf> {
    for folder in std::env::split_paths(path) {
        let program = folder.join("bwrap");
        if folder.is_absolute() && works(&program).await {
            return Some(program);
        }
    }
    None
}

async fn works(program: &Path) -> bool {
    let tried = Command::new(program)
        .args(walls())
        .args(["--", "true"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status();
    matches!(timeout(TRIAL, tried).await, Ok(Ok(status)) if status.success())
}

/// What is the same for all agents of this user. By itself, bubblewrap leaves the superuser all rights,
/// with which its walls can be taken down again.
fn walls() -> Vec<&'static str> {
    let mut walls = WALLS.to_vec();
    if let Some(kept) = privileges::kept() {
        walls.extend(["--cap-drop", "ALL"]);
        walls.extend(kept.into_iter().flat_map(|right| ["--cap-add", right]));
    }
    walls
}

/// Its arguments, up to the program that runs in the walls.
pub(super) fn arguments(layout: &Layout, temporary: &Path, directory: &Path) -> Vec<OsString> {
    let mut all: Vec<OsString> = walls().into_iter().map(OsString::from).collect();
    let mut push = |verb: &str, paths: &[&Path]| {
        all.push(verb.into());
        all.extend(paths.iter().map(|path| path.as_os_str().to_owned()));
    };
    for shared in TEMPORARY {
        push("--bind", &[temporary, Path::new(shared)]);
    }
    push("--tmpfs", &[Path::new(SERVICES)]);
    for kept in NO_SERVICES {
        push("--ro-bind-try", &[Path::new(kept), Path::new(kept)]);
    }
    for (path, access) in layout.accesses() {
        match access {
            Access::None if path.is_dir() => push("--tmpfs", &[path]),
            Access::None => push("--ro-bind", &[Path::new("/dev/null"), path]),
            Access::Read => push("--ro-bind", &[path, path]),
            Access::Write => push("--bind", &[path, path]),
        }
    }
    // What is mounted in them stands in them by now.
    push("--remount-ro", &[Path::new(SERVICES)]);
    for hidden in layout.with(Access::None).filter(|path| path.is_dir()) {
        push("--remount-ro", &[hidden]);
    }
    push("--chdir", &[directory]);
    all.push("--".into());
    all
}
