//! The state directory: who uses it, who may read it, whether it is whole, and how much room it has.

use std::error::Error as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use mpg_core::port::StoreError;
use mpg_core::wording::plural;
use mpg_store::{StateOwner, StateReader, owner};
use rustix::process::geteuid;

use super::finding::Finding;
use crate::control::{AskError, Outcome, SocketPath, Verb, ask};
use crate::environment;
use crate::privacy::is_private;
use crate::shown::{bytes, span};

/// Below this much free space, commits are about to fail, in bytes.
const TOO_LITTLE: u64 = 16 * 1024 * 1024;

/// Below this much, it is time to look, in bytes. A backup needs as much as the state, too.
const LITTLE: u64 = 256 * 1024 * 1024;

/// The files that hold what was said and the secret.
const PRIVATE: [&str; 4] = ["state.db", "state.db-wal", "state.db-shm", "state.lock"];

pub(super) async fn examine(directory: &Path) -> Vec<Finding> {
    match fs::metadata(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let none = format!(
                "{} is not there yet; the first start makes it",
                directory.display()
            );
            return vec![Finding::ok("state", none)];
        }
        Err(error) => {
            let what = format!("{} cannot be looked at: {error}", directory.display());
            return vec![Finding::fail(
                "state",
                what,
                "run this as the gateway's user",
            )];
        }
        Ok(found) if !found.is_dir() => {
            let what = format!("{} is no directory", directory.display());
            return vec![Finding::fail("state", what, "name another with --data-dir")];
        }
        Ok(_) => {}
    }
    let mut findings = vec![gateway(directory).await, privacy(directory)];
    findings.push(content(directory).await);
    findings.push(room(directory));
    findings
}

async fn gateway(directory: &Path) -> Finding {
    let check = "gateway";
    let pid = match owner(directory) {
        Ok(StateOwner::Nobody) => {
            return Finding::ok(check, format!("none is running on {}", directory.display()));
        }
        Ok(StateOwner::Gateway(pid)) => {
            pid.map_or_else(|| "of unknown id".to_owned(), |pid| pid.to_string())
        }
        Err(error) => return Finding::failed(check, full(&error)),
    };
    let socket = SocketPath::of(directory, &environment::read());
    let help = "look at its log; a gateway that hangs is ended with kill, and goes on at its start";
    match ask(&socket, &Verb::Status).await {
        Ok(Outcome::Status(status)) => {
            let up = span(Duration::from_secs(status.uptime_seconds));
            let found = format!("process {pid} runs, version {}, up {up}", status.version);
            let unconnected = status.links.iter().find(|link| !link.connected);
            match (unconnected, status.undelivered) {
                (Some(link), _) => Finding::warn(
                    check,
                    format!("{found}; {} is {}", link.platform, link.state),
                    "look at its log",
                ),
                (None, 0) => Finding::ok(check, found),
                (None, undelivered) => Finding::warn(
                    check,
                    format!("{found}; not delivered: {}", plural(undelivered, "answer")),
                    "run: mpgd deliveries",
                ),
            }
        }
        Ok(_) => Finding::warn(check, format!("process {pid} answers something else"), help),
        Err(AskError::NotRunning) => Finding::warn(
            check,
            format!("process {pid} has the state and no control socket"),
            "it may just be starting; otherwise look at its log",
        ),
        Err(error) => Finding::warn(check, format!("process {pid}: {error}"), help),
    }
}

/// The state holds what was said, and the secret that keepers obey.
fn privacy(directory: &Path) -> Finding {
    let check = "privacy";
    let mut open = Vec::new();
    let mut foreign = Vec::new();
    let files = PRIVATE.iter().map(|name| directory.join(name));
    for path in files.chain([directory.to_path_buf()]) {
        let Ok(found) = fs::symlink_metadata(&path) else {
            continue;
        };
        if found.uid() != geteuid().as_raw() {
            foreign.push(path.display().to_string());
        } else if !is_private(&found) {
            open.push(path.display().to_string());
        }
    }
    if !foreign.is_empty() {
        let what = format!("{} belongs to another user", foreign.join(", "));
        return Finding::fail(check, what, "run this and the gateway as one user");
    }
    if open.is_empty() {
        return Finding::ok(check, "only this user can read the state");
    }
    let what = format!("others have rights to {}", open.join(", "));
    Finding::warn(check, what, "run: chmod go= on each of them")
}

async fn content(directory: &Path) -> Finding {
    let check = "state";
    let reader = match StateReader::open(directory).await {
        Ok(Some(reader)) => reader,
        Ok(None) => {
            let what = format!("{} holds none yet", directory.display());
            return Finding::ok(check, what);
        }
        Err(error) => return Finding::failed(check, full(&error)),
    };
    let finding = whole(check, &reader).await;
    reader.close().await;
    finding
}

async fn whole(check: &'static str, reader: &StateReader) -> Finding {
    if let Err(error) = reader.check().await {
        return Finding::failed(check, full(&error));
    }
    let file = reader.file().display();
    let size = fs::metadata(reader.file()).map_or(0, |file| file.len());
    if reader.is_outdated() {
        return Finding::warn(
            check,
            format!(
                "{file} ({}) is whole, and of an earlier version",
                bytes(size)
            ),
            "make a backup, then start the gateway, which brings it to its own version",
        );
    }
    match reader.load().await {
        Ok(state) => Finding::ok(
            check,
            format!(
                "{file} ({}) is whole: {}, {}",
                bytes(size),
                plural(state.threads.len(), "thread"),
                plural(state.dead.len(), "undelivered answer"),
            ),
        ),
        Err(error) => Finding::failed(check, full(&error)),
    }
}

fn room(directory: &Path) -> Finding {
    let check = "disk";
    let found = match rustix::fs::statvfs(directory) {
        Ok(found) => found,
        Err(error) => {
            let what = format!("free space cannot be told: {error}");
            return Finding::warn(check, what, "look at it with: df");
        }
    };
    if found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) {
        let what = format!("{} is mounted read-only", directory.display());
        return Finding::fail(
            check,
            what,
            "mount it for writing, or name another `data-dir`",
        );
    }
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let what = format!("{} free at {}", bytes(free), directory.display());
    let help = "free some space; the gateway ends when a commit fails, and loses nothing by it";
    match free {
        0..TOO_LITTLE => Finding::fail(check, what, help),
        TOO_LITTLE..LITTLE => Finding::warn(check, what, help),
        LITTLE.. => Finding::ok(check, what),
    }
}

/// An error with its cause.
fn full(error: &StoreError) -> String {
    match error.source() {
        Some(source) => format!("{error} (because: {source})"),
        None => error.to_string(),
    }
}
