//! How long look-ups may hold events up.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::rest::Failure;
use crate::translate::Missing;

/// How often something is asked for until it is given up.
const ATTEMPTS: u32 = 10;

/// How long the single attempt may take that each later event has.
const BRIEF: Duration = Duration::from_secs(2);

/// How much longer than a failed single attempt took nothing is asked after it: look-ups that fail
/// take at most a tenth of the time from the events.
const REST: u32 = 10;

/// How much that was given up is remembered.
const MAX_GIVEN_UP: usize = 1024;

/// How long look-ups may hold events up: one that fails is repeated until the limit, and then has a
/// single brief attempt at later events. While nothing is answered at all, all have only that.
#[derive(Debug)]
pub(super) struct Patience {
    limit: Duration,
    given_up: BTreeSet<Missing>,
    unanswered: bool,
    not_before: Option<Instant>,
}

/// What a look-up may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    pub(super) attempts: u32,
    pub(super) time: Duration,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            given_up: BTreeSet::new(),
            unanswered: false,
            not_before: None,
        }
    }

    /// What a look-up may take; `None` where it is not to be tried now.
    pub(super) fn allowance(&self, missing: Missing, now: Instant) -> Option<Allowance> {
        if !self.is_brief(missing) {
            return Some(Allowance {
                attempts: ATTEMPTS,
                time: self.limit,
            });
        }
        self.not_before
            .is_none_or(|time| time <= now)
            .then_some(Allowance {
                attempts: 1,
                time: BRIEF.min(self.limit),
            })
    }

    /// Notes that something was found, or is settled.
    pub(super) fn found(&mut self, missing: Missing) {
        self.given_up.remove(&missing);
        self.unanswered = false;
    }

    /// Notes that something was not found with what its look-up might take; tells whether that is
    /// new.
    pub(super) fn failed(&mut self, missing: Missing, failure: &Failure, started: Instant) -> bool {
        let now = Instant::now();
        let pause = if self.is_brief(missing) {
            (now - started) * REST
        } else {
            Duration::ZERO
        };
        self.not_before = Some(now + pause.max(failure.retry_after().unwrap_or_default()));
        self.unanswered = failure.is_passing();
        let is_new = self.given_up.insert(missing);
        while self.given_up.len() > MAX_GIVEN_UP {
            self.given_up.pop_first();
        }
        is_new
    }

    fn is_brief(&self, missing: Missing) -> bool {
        self.unanswered || self.given_up.contains(&missing)
    }
}

#[cfg(test)]
mod tests {
    use twilight_model::id::Id;

    use super::*;

    const LIMIT: Duration = Duration::from_mins(1);
    const FULL: Allowance = Allowance {
        attempts: ATTEMPTS,
        time: LIMIT,
    };
    const ONCE: Allowance = Allowance {
        attempts: 1,
        time: BRIEF,
    };

    fn channel(id: u64) -> Missing {
        Missing::Channel(Id::new(id))
    }

    fn lost() -> Failure {
        Failure::Unknown("reset".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_given_up_has_one_attempt_until_it_is_found() {
        let mut patience = Patience::new(LIMIT);
        let started = Instant::now();
        assert_eq!(patience.allowance(channel(1), started), Some(FULL));
        tokio::time::advance(LIMIT).await;
        assert!(patience.failed(channel(1), &lost(), started));

        let again = Instant::now();
        assert_eq!(patience.allowance(channel(1), again), Some(ONCE));
        assert_eq!(patience.allowance(channel(2), again), Some(ONCE));
        patience.found(channel(2));
        assert_eq!(patience.allowance(channel(1), again), Some(ONCE));
        assert_eq!(patience.allowance(channel(3), again), Some(FULL));
        patience.found(channel(1));
        assert_eq!(patience.allowance(channel(1), again), Some(FULL));
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_that_fail_take_a_tenth_of_the_time() {
        let mut patience = Patience::new(LIMIT);
        assert!(patience.failed(channel(1), &lost(), Instant::now()));
        let started = Instant::now();
        tokio::time::advance(BRIEF).await;
        assert!(!patience.failed(channel(1), &lost(), started));
        let failed = Instant::now();
        let almost = failed + BRIEF * REST - Duration::from_millis(1);
        assert_eq!(patience.allowance(channel(1), almost), None);
        assert_eq!(
            patience.allowance(channel(1), failed + BRIEF * REST),
            Some(ONCE)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_is_respected() {
        let mut patience = Patience::new(LIMIT);
        let retry_after = Duration::from_mins(10);
        let limited = Failure::Limited {
            retry_after,
            message: "slow".to_owned(),
        };
        let now = Instant::now();
        patience.failed(channel(1), &limited, now);
        assert_eq!(patience.allowance(channel(1), now), None);
        assert_eq!(
            patience.allowance(channel(1), now + retry_after),
            Some(ONCE)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let mut patience = Patience::new(LIMIT);
        for id in 1..=MAX_GIVEN_UP as u64 + 10 {
            patience.failed(channel(id), &lost(), Instant::now());
        }
        assert_eq!(patience.given_up.len(), MAX_GIVEN_UP);
    }
}
