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

/// The walls that are the same for everybody: the machine read-only, and processes of its own.
const WALLS: &[&str] = &[
    "--die-with-parent",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--ro-bind",
    "/",
    "/",
    "--proc",
    "/proc",
];

/// Devices of its own.
const DEVICES: &[&str] = &["--dev", "/dev"];

/// The same without terminals. For those, bubblewrap leaves who is not the superuser in a user namespace
/// below that of its network, where nobody has the right to listen at the ports of servers.
const NO_TERMINALS: &[&str] = &[
    "--tmpfs",
    "/dev",
    "--dev-bind",
    "/dev/null",
    "/dev/null",
    "--dev-bind",
    "/dev/zero",
    "/dev/zero",
    "--dev-bind",
    "/dev/full",
    "/dev/full",
    "--dev-bind",
    "/dev/random",
    "/dev/random",
    "--dev-bind",
    "/dev/urandom",
    "/dev/urandom",
    "--symlink",
    "/proc/self/fd",
    "/dev/fd",
    "--symlink",
    "/proc/self/fd/0",
    "/dev/stdin",
    "--symlink",
    "/proc/self/fd/1",
    "/dev/stdout",
    "--symlink",
    "/proc/self/fd/2",
    "/dev/stderr",
    "--tmpfs",
    "/dev/shm",
];

/// Where the machine's services listen, by which a program can be run outside.
const SERVICES: &str = "/run";

/// What is there of them all the same: where programs are.
const NO_SERVICES: &[&str] = &["/run/current-system"];

/// And how names are resolved: by a service too, whose socket is there.
const NAMES: &[&str] = &[
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/resolvconf",
];

/// Bubblewrap, if it is on the path and does here what it is for.
pub(super) async fn find(path: &str) -> Option<PathBuf> {
    for folder in std::env::split_paths(path) {
        let program = folder.join("bwrap");
        if folder.is_absolute() && works(&program, Cut::No).await {
            return Some(program);
        }
    }
    None
}

/// Whether an agent has a network of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// It has that of its machine.
    No,
    /// It has one in which there is nothing but a loopback.
    Yes,
}

/// Whether it does here what it is for.
pub(super) async fn works(program: &Path, cut: Cut) -> bool {
    let tried = Command::new(program)
        .args(walls(cut))
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
fn walls(cut: Cut) -> Vec<&'static str> {
    let mut walls = WALLS.to_vec();
    let kept = privileges::kept();
    walls.extend(match (cut, &kept) {
        (Cut::Yes, None) => NO_TERMINALS,
        (Cut::Yes, Some(_)) | (Cut::No, _) => DEVICES,
    });
    if kept.is_some() {
        walls.extend(["--cap-drop", "ALL"]);
    }
    let mut rights = kept.unwrap_or_default();
    match cut {
        Cut::No => {}
        Cut::Yes => {
            walls.push("--unshare-net");
            rights.push(privileges::BINDING);
        }
    }
    walls.extend(rights.into_iter().flat_map(|right| ["--cap-add", right]));
    walls
}

/// Its arguments, up to the program that runs in the walls.
pub(super) fn arguments(
    layout: &Layout,
    temporary: &Path,
    directory: &Path,
    cut: Cut,
    over: &[(&Path, &Path)],
) -> Vec<OsString> {
    let mut all: Vec<OsString> = walls(cut).into_iter().map(OsString::from).collect();
    let mut push = |verb: &str, paths: &[&Path]| {
        all.push(verb.into());
        all.extend(paths.iter().map(|path| path.as_os_str().to_owned()));
    };
    for shared in TEMPORARY {
        push("--bind", &[temporary, Path::new(shared)]);
    }
    push("--tmpfs", &[Path::new(SERVICES)]);
    let names = match cut {
        Cut::No => NAMES,
        Cut::Yes => &[],
    };
    for kept in NO_SERVICES.iter().chain(names) {
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
    for (file, place) in over {
        push("--ro-bind", &[file, place]);
    }
    push("--chdir", &[directory]);
    all.push("--".into());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_network_of_its_own_has_no_service_for_names() {
        let folder = Path::new("/srv");
        let of = |cut: Cut| {
            let arguments = arguments(&Layout::default(), folder, folder, cut, &[]);
            let text = arguments
                .iter()
                .map(|one| one.to_string_lossy().into_owned());
            text.collect::<Vec<_>>()
        };
        let has = |arguments: &[String], one: &str| arguments.iter().any(|other| other == one);
        let (open, cut) = (of(Cut::No), of(Cut::Yes));
        for name in NAMES {
            assert!(has(&open, name) && !has(&cut, name), "{name}");
        }
        assert!(!has(&open, "--unshare-net") && has(&cut, "--unshare-net"));
        assert!(has(&cut, privileges::BINDING));
    }
}
