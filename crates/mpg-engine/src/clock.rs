//! The time that the core is told.

use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the time, which never goes back.
#[derive(Debug)]
pub enum Clock {
    /// The machine's clock, held where it was whenever it is set back.
    System(Timestamp),
    /// A clock that starts at `origin` and follows the runtime's timers, so that a paused runtime
    /// pauses it.
    Runtime {
        /// The time at `start`.
        origin: Timestamp,
        /// When it started.
        start: Instant,
    },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::System(Timestamp::now())
    }

    /// A clock that the runtime's timers drive.
    pub fn runtime(origin: Timestamp) -> Self {
        Self::Runtime {
            origin,
            start: Instant::now(),
        }
    }

    /// The time now.
    pub fn now(&mut self) -> Timestamp {
        match self {
            Self::System(last) => {
                *last = Timestamp::now().max(*last);
                *last
            }
            Self::Runtime { origin, start } => origin
                .checked_add(start.elapsed())
                .unwrap_or(Timestamp::MAX),
        }
    }
}
