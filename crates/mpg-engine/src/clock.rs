//! The time that the core is told.

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

/// Tells the time, which never goes back and never stands still while timers run.
///
/// It looks at the machine's clock once at most and from then on follows the runtime's timers:
/// setting that clock changes nothing until the next start, a paused runtime pauses it, and while
/// the machine is suspended it stands still (`CLOCK_MONOTONIC` does, on Linux), so that limits count
/// only the time that the machine was awake.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Timestamp,
    start: Instant,
}

impl Clock {
    /// A clock that starts at the time of the machine's.
    pub fn system() -> Self {
        Self::runtime(Timestamp::now())
    }

    /// A clock that starts at `origin`.
    pub fn runtime(origin: Timestamp) -> Self {
        Self {
            origin,
            start: Instant::now(),
        }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        let now = self.origin.checked_add(self.start.elapsed());
        now.unwrap_or(Timestamp::MAX)
    }
}

/// Waits until `instant`; for ever, if there is none.
///
/// Cancel safe.
pub(crate) async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_follows_the_timers() {
        let clock = Clock::runtime(Timestamp::UNIX_EPOCH);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now(), Timestamp::from_second(90).unwrap());
    }
}
