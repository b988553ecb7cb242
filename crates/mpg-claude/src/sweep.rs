//! Finding and ending what an agent left behind.
//!
//! A child that left the process group (`setsid`, a daemon) is found by the marker in its
//! environment, which it inherited: nothing that does not carry it is touched.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, waitid};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::environment::MARKER;

/// How often it is looked again, as what is killed may have started something meanwhile.
const ROUNDS: u32 = 200;
/// How many of the looks for an agent without a keeper only ask it to end.
const POLITE_ROUNDS: u32 = 50;
/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// The processes that carry `marker`; empty where the system does not say.
pub(crate) async fn marked(marker: &str) -> BTreeSet<i32> {
    let marker = format!("{MARKER}={marker}").into_bytes();
    // Reading other processes' environments takes a few milliseconds on a full machine.
    spawn_blocking(move || find(|item| item == marker))
        .await
        .unwrap_or_default()
}

/// Kills everything that carries `marker`, and waits for what became a child of this process.
///
/// `known` are processes that were found before, `group` is the process group, whose leader was
/// waited for already.
pub(crate) async fn sweep(marker: &str, group: Pid, mut known: BTreeSet<i32>) {
    for _ in 0..ROUNDS {
        let found = marked(marker).await;
        for pid in found.iter().copied().filter_map(Pid::from_raw) {
            // It may be gone by now, which is what is wanted.
            let _gone = kill_process(pid, Signal::KILL).is_err();
        }
        known.extend(&found);
        known.retain(|&pid| Pid::from_raw(pid).is_some_and(|pid| !reaped(pid)));
        while reap(WaitId::Pgid(Some(group))) {}
        if found.is_empty() && known.is_empty() {
            return;
        }
        sleep(PAUSE).await;
    }
    tracing::warn!(
        marker,
        left = known.len(),
        "some of an agent's processes cannot be ended"
    );
}

/// Ends everything that carries `marker`, whose keeper is gone.
pub(crate) async fn end_marked(marker: &str) {
    for round in 0..ROUNDS {
        let strays = marked(marker).await;
        if strays.is_empty() {
            return;
        }
        // Asked first, so that what is being written to the transcript gets there.
        let signal = if round < POLITE_ROUNDS {
            Signal::TERM
        } else {
            Signal::KILL
        };
        for pid in strays.into_iter().filter_map(Pid::from_raw) {
            let _gone = kill_process(pid, signal).is_err();
        }
        sleep(PAUSE).await;
    }
    tracing::warn!(marker, "an agent without a keeper cannot be ended");
}

fn find(wanted: impl Fn(&[u8]) -> bool) -> BTreeSet<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return BTreeSet::new();
    };
    let own = getpid().as_raw_nonzero().get();
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&pid| pid != own && carries(pid, &wanted))
        .collect()
}

fn carries(pid: i32, wanted: impl Fn(&[u8]) -> bool) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environment| environment.split(|&byte| byte == 0).any(wanted))
}

/// Whether nothing of a process that was found before is left for this process to wait for.
fn reaped(pid: Pid) -> bool {
    if reap(WaitId::Pid(pid)) {
        return true;
    }
    // One that is another's child is waited for by its parent, or becomes ours when that dies.
    !fs::exists(format!("/proc/{}", pid.as_raw_nonzero())).unwrap_or(false)
}

fn reap(id: WaitId<'_>) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    match waitid(id, options) {
        Ok(status) => status.is_some(),
        Err(Errno::CHILD | _) => false,
    }
}
