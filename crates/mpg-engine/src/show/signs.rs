//! The sign of what a running turn does: one at a time, and not too often.

use std::time::Duration;

use mpg_core::post::Status;
use tokio::time::Instant;

/// How long a turn runs before it has a sign of its own: what is answered at once needs none.
const FIRST: Duration = Duration::from_secs(2);

/// How long a sign stays at the least, unless the turn ends.
const LEAST: Duration = Duration::from_secs(5);

/// What was shown last, and when another sign may follow.
#[derive(Debug)]
pub(super) struct Signs {
    last: Status,
    next: Instant,
}

impl Signs {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            last: Status::Received,
            next: now + FIRST,
        }
    }

    /// When this may be shown; `None` if it is shown already.
    pub(super) fn due(&self, doing: Status) -> Option<Instant> {
        (doing != self.last && doing.is_passing()).then_some(self.next)
    }

    pub(super) fn shown(&mut self, doing: Status, now: Instant) {
        self.last = doing;
        self.next = now + LEAST;
    }
}
