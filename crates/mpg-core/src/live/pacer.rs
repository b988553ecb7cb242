//! How often messages may be changed.

use std::collections::VecDeque;
use std::time::Duration;

use crate::capability::EditPace;

/// By how much the pace is kept below: what is sent at its rhythm does not arrive at it.
const MARGIN: Duration = Duration::from_millis(250);

/// Keeps the changes of one place within its pace, and one of them for what must not wait.
///
/// Times are those since any moment that stays the same.
#[derive(Clone, Debug)]
pub struct Pacer {
    pace: EditPace,
    /// When the last changes were made, oldest first; at most as many as the pace allows.
    made: VecDeque<Duration>,
}

/// What a change is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// It tells how something goes: a later one makes up for it.
    Passing,
    /// It has to be made.
    Lasting,
}

impl Pacer {
    /// A pacer that lets the first change pass at once.
    pub fn new(pace: EditPace) -> Self {
        Self {
            pace,
            made: VecDeque::new(),
        }
    }

    /// When the next change may be made; `now` if it may be already.
    pub fn next(&self, now: Duration, worth: Worth) -> Duration {
        let most = self.most();
        let (most, gap) = match worth {
            Worth::Lasting => (most, Duration::ZERO),
            Worth::Passing => {
                // One is kept, and the others come evenly.
                let most = most.saturating_sub(1).max(1);
                let parts = u32::try_from(most).unwrap_or(u32::MAX);
                (most, (self.pace.per + MARGIN) / parts)
            }
        };
        let window = self.made.len().checked_sub(most);
        let opens = window
            .and_then(|first| self.made.get(first))
            .map(|first| first.saturating_add(self.pace.per + MARGIN));
        let even = self.made.back().map(|last| last.saturating_add(gap));
        opens.into_iter().chain(even).fold(now, Duration::max)
    }

    /// A change is made.
    pub fn made(&mut self, now: Duration) {
        if self.made.len() >= self.most() {
            self.made.pop_front();
        }
        self.made.push_back(now);
    }

    /// The last change took until now: its platform may have counted it as late as this.
    pub fn took(&mut self, now: Duration) {
        if let Some(last) = self.made.back_mut() {
            *last = now.max(*last);
        }
    }

    /// Whether what it remembers does not matter any more.
    pub fn is_rested(&self, now: Duration) -> bool {
        let last = self.made.back();
        last.is_none_or(|last| last.saturating_add(self.pace.per + MARGIN) <= now)
    }

    fn most(&self) -> usize {
        self.pace.edits.max(1) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const PACE: EditPace = EditPace {
        edits: 5,
        per: Duration::from_secs(5),
        passing: 25,
    };

    #[test]
    fn what_tells_how_it_goes_comes_evenly_and_leaves_room_for_what_lasts() {
        let mut pacer = Pacer::new(PACE);
        let mut now = Duration::from_secs(100);
        let begun = now;
        let mut times = Vec::new();
        for _ in 0..6 {
            now = pacer.next(now, Worth::Passing);
            pacer.made(now);
            times.push(now.saturating_sub(begun).as_millis());
        }
        assert_eq!(times, [0, 1312, 2625, 3937, 5250, 6562]);
        assert_eq!(pacer.next(now, Worth::Lasting), now);
        pacer.made(now);
        assert!(pacer.next(now, Worth::Lasting) > now);
        assert!(!pacer.is_rested(now + PACE.per));
        assert!(pacer.is_rested(now + PACE.per + MARGIN));
    }

    #[test]
    fn a_change_counts_from_when_it_was_taken() {
        let seconds = Duration::from_secs;
        let mut pacer = Pacer::new(EditPace { edits: 1, ..PACE });
        pacer.took(seconds(1));
        assert_eq!(pacer.next(seconds(1), Worth::Lasting), seconds(1));
        pacer.made(seconds(1));
        pacer.took(seconds(3));
        let opens = seconds(3) + PACE.per + MARGIN;
        assert_eq!(pacer.next(seconds(3), Worth::Lasting), opens);
        pacer.took(seconds(2));
        assert_eq!(pacer.next(seconds(3), Worth::Lasting), opens);
    }

    proptest! {
        #[test]
        fn no_time_has_more_changes_than_the_pace_allows(
            wanted in vec((0_u64..2_000, any::<bool>()), 1..200),
            edits in 1_u32..8,
        ) {
            let pace = EditPace { edits, ..PACE };
            let mut pacer = Pacer::new(pace);
            let mut now = Duration::ZERO;
            let mut made: Vec<Duration> = Vec::new();
            for (wait, lasting) in wanted {
                now += Duration::from_millis(wait);
                let worth = if lasting { Worth::Lasting } else { Worth::Passing };
                let at = pacer.next(now, worth);
                prop_assert!(at >= now);
                now = at;
                pacer.made(now);
                made.push(now);
                let within = made.iter().filter(|at| **at + pace.per > now).count();
                prop_assert!(within <= edits as usize);
            }
        }
    }
}
