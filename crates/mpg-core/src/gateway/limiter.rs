//! How much one person asks of one project: a sliding window of a minute.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::id::{ProjectName, UserId};

const WINDOW: Duration = Duration::from_mins(1);

/// Above this many people the windows of those who are silent are dropped.
const SWEEP_ABOVE: usize = 1_000;

/// The messages of the last minute, by project and person.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter {
    windows: BTreeMap<(ProjectName, UserId), VecDeque<Timestamp>>,
}

impl RateLimiter {
    /// How long `user` has to wait before one more message stays within `limit` a minute.
    pub(crate) fn wait(
        &self,
        project: &ProjectName,
        user: &UserId,
        limit: u32,
        now: Timestamp,
    ) -> Option<Duration> {
        let window = self.windows.get(&(project.clone(), user.clone()))?;
        let nth_newest = window.len().checked_sub(limit as usize)?;
        let frees_at = super::after(*window.get(nth_newest)?, WINDOW);
        let wait = Duration::try_from(frees_at.duration_since(now)).ok()?;
        (!wait.is_zero()).then_some(wait)
    }

    /// Counts a message.
    pub(crate) fn count(
        &mut self,
        project: &ProjectName,
        user: &UserId,
        limit: u32,
        now: Timestamp,
    ) {
        if self.windows.len() > SWEEP_ABOVE {
            self.windows.retain(|_, window| {
                window
                    .back()
                    .is_some_and(|at| super::after(*at, WINDOW) > now)
            });
        }
        let window = self
            .windows
            .entry((project.clone(), user.clone()))
            .or_default();
        window.push_back(now);
        while window.len() > limit as usize {
            window.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides() {
        let (project, user) = (ProjectName::new("p"), UserId::new("u"));
        let second = |n| Timestamp::from_second(n).unwrap();
        let mut limiter = RateLimiter::default();
        for at in [0, 10] {
            assert_eq!(limiter.wait(&project, &user, 2, second(at)), None);
            limiter.count(&project, &user, 2, second(at));
        }
        let wait = limiter.wait(&project, &user, 2, second(20));
        assert_eq!(wait, Some(Duration::from_secs(40)));
        assert_eq!(limiter.wait(&project, &user, 2, second(60)), None);
        limiter.count(&project, &user, 2, second(60));
        let wait = limiter.wait(&project, &user, 2, second(61));
        assert_eq!(wait, Some(Duration::from_secs(9)));
        assert_eq!(
            limiter.wait(&project, &UserId::new("v"), 2, second(61)),
            None
        );
    }

    #[test]
    fn of_many_people_those_who_are_silent_are_forgotten() {
        let project = ProjectName::new("p");
        let second = |n| Timestamp::from_second(n).unwrap();
        let user = |n: usize| UserId::new(n.to_string());
        let mut limiter = RateLimiter::default();
        for number in 0..SWEEP_ABOVE {
            let at = i64::from(!number.is_multiple_of(2));
            limiter.count(&project, &user(number), 2, second(at));
        }
        limiter.count(&project, &user(SWEEP_ABOVE), 2, second(60));
        assert_eq!(limiter.windows.len(), SWEEP_ABOVE + 1, "not one too many");
        // A minute after the first ones, those of a second later still count.
        limiter.count(&project, &user(SWEEP_ABOVE), 2, second(60));
        assert_eq!(limiter.windows.len(), SWEEP_ABOVE / 2 + 1);
        let spoke_last = limiter.wait(&project, &user(1), 1, second(60));
        assert_eq!(spoke_last, Some(Duration::from_secs(1)));
    }
}
