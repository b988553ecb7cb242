//! Telling a process from a later one with the same id.

use std::fs;
use std::time::Duration;

use rustix::process::Pid;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

/// How long between two looks at a process whose end is waited for.
const PAUSE: Duration = Duration::from_millis(3);

/// A process: its id, and when it started in the system's ticks (`proc_pid_stat(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) pid: i32,
    pub(crate) start: u64,
}

impl Identity {
    /// The process that has this id now.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let (_, start) = state(pid)?;
        Some(Self { pid, start })
    }

    /// Whether it runs; one that only waits to be waited for does not.
    pub(crate) fn runs(self) -> bool {
        state(self.pid).is_some_and(|(state, start)| state != 'Z' && start == self.start)
    }

    /// The id for signals, as long as it runs.
    pub(crate) fn pid(self) -> Option<Pid> {
        Pid::from_raw(self.pid).filter(|_| self.runs())
    }

    /// Waits for its end; false where it still runs after `limit`.
    pub(crate) async fn ended(self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        // Its parent may be another process, so it is looked at instead of waited for.
        while self.runs() {
            if Instant::now() >= until {
                return false;
            }
            sleep(PAUSE).await;
        }
        true
    }
}

fn state(pid: i32) -> Option<(char, u64)> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // A name may hold anything, brackets and line breaks too.
    let (_, fields) = line.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_is_told_from_a_later_one() {
        let mut child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let identity = Identity::of(pid).unwrap();
        assert!(identity.runs());
        let later = Identity {
            start: identity.start + 1,
            ..identity
        };
        assert!(!later.runs() && later.pid().is_none());
        assert!(!identity.ended(Duration::ZERO).await);
        child.kill().unwrap();
        assert!(identity.ended(Duration::from_mins(1)).await);
        assert!(!identity.runs());
        child.wait().unwrap();
    }
}
