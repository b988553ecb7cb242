//! How long to wait before connecting again.

use std::time::Duration;

/// Doubles from a second to a minute. The first wait after a success is short, because most
/// connections are closed for no reason that lasts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    const STEP: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_mins(1);

    /// Counts a failure and tells how long to wait after it.
    pub(crate) fn failed(&mut self) -> Duration {
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        match failures.checked_sub(1) {
            None => Self::FIRST,
            Some(doublings) => Self::STEP
                .saturating_mul(1 << doublings.min(6))
                .min(Self::LONGEST),
        }
    }

    /// Forgets the failures.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..10).map(|_| backoff.failed().as_millis()).collect();
        assert_eq!(
            waits,
            [
                50, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000
            ]
        );
        backoff.reset();
        assert_eq!(backoff.failed(), Backoff::FIRST);
    }
}
