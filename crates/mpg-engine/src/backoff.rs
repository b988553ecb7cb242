//! How long to wait before trying again.

use std::time::Duration;

use mpg_core::capability::Reconcile;
use mpg_core::port::DeliveryError;

/// The longest wait between two tries that the platform did not ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How long a platform that cannot be reached is tried.
const GIVE_UP_AFTER: Duration = Duration::from_hours(24);

/// How long what was missed is looked for before it is asked whether somebody waits for that.
const LOOK_LIMIT: Duration = Duration::from_mins(10);

/// How often something is repeated whose outcome stays unknown, where a repeat is harmless, before it
/// is known that none of them came to anything. With these waits, they last for longer than a
/// platform remembers an id.
const HARMLESS_REPEATS: u32 = 12;

/// How often it is repeated where it might then be there twice: once, because what is there twice is
/// seen and what is lost is not.
const VISIBLE_REPEATS: u32 = 1;

/// The tries at one thing.
#[derive(Debug)]
pub(crate) struct Backoff {
    tries: u32,
    repeats_left: u32,
    waited: Duration,
    limit: Duration,
}

/// What to do after a failed try.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try again after this time.
    Wait(Duration),
    /// It is of no use.
    GiveUp,
}

impl Backoff {
    /// Tries at something that may be done twice without a difference.
    pub(crate) fn idempotent() -> Self {
        Self {
            tries: 0,
            repeats_left: HARMLESS_REPEATS,
            waited: Duration::ZERO,
            limit: GIVE_UP_AFTER,
        }
    }

    /// Tries at a look that holds others up.
    pub(crate) fn looking() -> Self {
        Self {
            limit: LOOK_LIMIT,
            ..Self::idempotent()
        }
    }

    /// Tries at a post, on a channel that can find posts again in this way.
    pub(crate) fn posting(reconcile: Reconcile) -> Self {
        match reconcile {
            Reconcile::Nonce | Reconcile::Marker | Reconcile::History => Self::idempotent(),
            Reconcile::None => Self {
                repeats_left: VISIBLE_REPEATS,
                ..Self::idempotent()
            },
        }
    }

    /// Counts an attempt of unknown outcome that somebody else made.
    pub(crate) fn repeats(&mut self) {
        self.repeats_left = self.repeats_left.saturating_sub(1);
    }

    /// Counts repeats anew: none of the attempts so far came to anything.
    pub(crate) fn renew(&mut self, reconcile: Reconcile) {
        self.repeats_left = Self::posting(reconcile).repeats_left;
    }

    /// Goes on where nothing tells any more whether a repeat is there twice.
    pub(crate) fn risk(&mut self) {
        self.repeats_left = self.repeats_left.min(VISIBLE_REPEATS);
    }

    /// Takes in a failure.
    pub(crate) fn after(&mut self, error: &DeliveryError) -> Next {
        let asked = match error {
            DeliveryError::Gone(_)
            | DeliveryError::Removed(_)
            | DeliveryError::Rejected(_)
            | DeliveryError::Unsupported => {
                return Next::GiveUp;
            }
            DeliveryError::Unknown(_) => {
                let Some(left) = self.repeats_left.checked_sub(1) else {
                    return Next::GiveUp;
                };
                self.repeats_left = left;
                Duration::ZERO
            }
            DeliveryError::Transient { retry_after, .. } => retry_after.unwrap_or_default(),
        };
        let doubling = Duration::from_millis(500) * 2_u32.saturating_pow(self.tries.min(10));
        let wait = doubling.min(LONGEST_WAIT).max(asked);
        self.tries += 1;
        self.waited = self.waited.saturating_add(wait);
        if self.waited > self.limit {
            return Next::GiveUp;
        }
        Next::Wait(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transient(retry_after: Option<u64>) -> DeliveryError {
        DeliveryError::Transient {
            retry_after: retry_after.map(Duration::from_secs),
            message: String::new(),
        }
    }

    #[test]
    fn waits_double_up_to_a_minute_and_honour_what_is_asked() {
        let mut backoff = Backoff::idempotent();
        let mut waits = Vec::new();
        for _ in 0..9 {
            let Next::Wait(wait) = backoff.after(&transient(None)) else {
                panic!("gave up");
            };
            waits.push(wait.as_millis());
        }
        let expected = [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000];
        assert_eq!(waits, expected);
        let asked = backoff.after(&transient(Some(300)));
        assert_eq!(asked, Next::Wait(Duration::from_mins(5)));
    }

    #[test]
    fn nothing_is_repeated_for_ever() {
        let mut backoff = Backoff::idempotent();
        let tries = std::iter::repeat_with(|| backoff.after(&transient(None)))
            .take_while(|next| *next != Next::GiveUp)
            .count();
        assert!((1_000..2_000).contains(&tries), "{tries}");

        for (reconcile, repeats) in [(Reconcile::Nonce, 12), (Reconcile::None, 1)] {
            let mut backoff = Backoff::posting(reconcile);
            let unknown = DeliveryError::Unknown(String::new());
            let tries = std::iter::repeat_with(|| backoff.after(&unknown))
                .take_while(|next| *next != Next::GiveUp)
                .count();
            assert_eq!(tries, repeats, "{reconcile:?}");
        }
    }
}
