//! Waiting for what agents orphan while they live.
//!
//! This process adopts the orphans below it. One that ends by itself stays a zombie until somebody
//! waits for it, and nobody knows it by its id: it left its parent, and a zombie has no environment
//! to tell where it came from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, getpgrp, getpid, waitid};
use tokio::select;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// How often it is looked.
const TICK: Duration = Duration::from_secs(1);
/// How long a zombie is left to whoever may have started it and wait for it.
const GRACE: Duration = Duration::from_secs(2);

/// The leaders of agents' groups, which their keepers wait for.
static LEADERS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());
/// The zombies that were there at the last look, each since when.
static SEEN: Mutex<BTreeMap<Zombie, Instant>> = Mutex::new(BTreeMap::new());

/// A process that ended; the time of its start tells it from one with the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Zombie {
    pid: i32,
    start: u64,
}

/// Leaves `leader` to its keeper.
pub(crate) fn keep(leader: Pid) {
    leaders(|leaders| leaders.insert(leader.as_raw_nonzero().get()));
}

/// Takes `leader` back, once its keeper waited for it or will not.
pub(crate) fn release(leader: Pid) {
    leaders(|leaders| leaders.remove(&leader.as_raw_nonzero().get()));
}

fn leaders<T>(act: impl FnOnce(&mut BTreeSet<i32>) -> T) -> T {
    act(&mut LEADERS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Waits for orphans until `session` is dropped at its other end, and for its last ones after that.
pub(crate) async fn watch(mut session: oneshot::Receiver<()>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        select! {
            _ = ticks.tick() => look().await,
            _ = &mut session => break,
        }
    }
    look().await;
    sleep(GRACE).await;
    look().await;
}

async fn look() {
    // Almost always there is none, and nothing has to be read to know it.
    if !any_zombie() {
        return;
    }
    let now = Instant::now();
    let due = spawn_blocking(move || due(now)).await.unwrap_or_default();
    for pid in due.into_iter().filter_map(Pid::from_raw) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        // An error means that somebody else was quicker.
        let _gone = waitid(WaitId::Pid(pid), options).is_err();
    }
}

fn any_zombie() -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::All, options), Ok(Some(_)))
}

/// The orphans that nobody waited for within their grace.
fn due(now: Instant) -> Vec<i32> {
    let zombies = zombies();
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.retain(|zombie, _| zombies.contains(zombie));
    zombies
        .into_iter()
        .filter(|&zombie| {
            let since = *seen.entry(zombie).or_insert(now);
            now.saturating_duration_since(since) >= GRACE
        })
        .map(|zombie| zombie.pid)
        .collect()
}

/// The zombies that are children of this process and that it did not start itself: its own helpers
/// stay in its process group, and the agents are known.
fn zombies() -> BTreeSet<Zombie> {
    let own = getpid().as_raw_nonzero().get();
    let group = getpgrp().as_raw_nonzero().get();
    let Ok(entries) = fs::read_dir("/proc") else {
        return BTreeSet::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: i32| {
            let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let start = orphan(&line, own, group)?;
            Some(Zombie { pid, start })
        })
        .filter(|zombie| leaders(|leaders| !leaders.contains(&zombie.pid)))
        .collect()
}

/// When a process started, if it is a zombie below `parent` outside of `group` (`proc_pid_stat(5)`).
fn orphan(stat: &str, parent: i32, group: i32) -> Option<u64> {
    // A name may hold anything, brackets and line breaks too.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
    let ours = *fields.first()? == "Z" && number(1)? == parent && number(2)? != group;
    ours.then(|| fields.get(19)?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zombies_of_other_groups_are_orphans() {
        let stat = |state: &str, parent: i32, group: i32| {
            format!(
                "9 (a) Z 1 2) {state} {parent} {group} 9 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 77 0 0"
            )
        };
        assert_eq!(orphan(&stat("Z", 5, 9), 5, 6), Some(77));
        for (state, parent, group) in [("S", 5, 9), ("Z", 4, 9), ("Z", 5, 6)] {
            assert_eq!(orphan(&stat(state, parent, group), 5, 6), None);
        }
        for garbage in ["", "9 (a", "9 (a) Z", "9 (a) Z 5 9"] {
            assert_eq!(orphan(garbage, 5, 6), None, "{garbage}");
        }
    }
}
