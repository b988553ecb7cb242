//! How fast signs are set: each channel takes few of them, and does not say so before it has refused
//! one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use tokio::time::{Instant, sleep_until};

/// How many channels are remembered before those are forgotten in which nothing is to be set.
const CHANNELS: usize = 256;

/// When the next sign of each channel may be set.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How long after one sign of a channel the next one may follow.
    apart: Duration,
    channels: Mutex<BTreeMap<u64, Arc<Turn<Instant>>>>,
}

/// The right to set one sign; the next one of the channel follows when it is dropped, and not at once.
#[derive(Debug)]
pub(crate) struct Permit {
    apart: Duration,
    next: OwnedMutexGuard<Instant>,
}

impl Pace {
    pub(crate) fn new(apart: Duration) -> Self {
        Self {
            apart,
            channels: Mutex::default(),
        }
    }

    /// Waits for the right to set a sign in a channel, behind all who waited before.
    ///
    /// # Cancel safety
    ///
    /// Who gives up takes nobody's time.
    pub(crate) async fn next(&self, channel: u64) -> Permit {
        let turn = {
            let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
            if channels.len() > CHANNELS {
                channels.retain(|_, turn| Arc::strong_count(turn) > 1);
            }
            let begun = || Arc::new(Turn::new(Instant::now()));
            Arc::clone(channels.entry(channel).or_insert_with(begun))
        };
        let next = turn.lock_owned().await;
        sleep_until(*next).await;
        Permit {
            apart: self.apart,
            next,
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // What was on its way may arrive only now.
        *self.next = Instant::now() + self.apart;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APART: Duration = Duration::from_millis(260);

    #[tokio::test(start_paused = true)]
    async fn the_signs_of_a_channel_are_set_one_by_one_and_those_of_others_at_once() {
        let pace = Pace::new(APART);
        let begun = Instant::now();
        for number in 0..4 {
            let permit = pace.next(1).await;
            assert_eq!(
                begun.elapsed(),
                (APART + Duration::from_millis(100)) * number
            );
            tokio::time::advance(Duration::from_millis(100)).await;
            drop(permit);
        }
        let before = begun.elapsed();
        for channel in 2..1_000 {
            drop(pace.next(channel).await);
        }
        assert_eq!(begun.elapsed(), before);
        let known = pace.channels.lock().unwrap().len();
        assert!(known <= CHANNELS + 1, "{known}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_holds_nobody_up() {
        let pace = Pace::new(APART);
        drop(pace.next(1).await);
        let begun = Instant::now();
        drop(tokio::time::timeout(Duration::from_millis(10), pace.next(1)).await);
        let _permit = pace.next(1).await;
        assert_eq!(begun.elapsed(), APART);
    }
}
