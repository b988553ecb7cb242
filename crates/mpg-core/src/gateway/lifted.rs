//! Where somebody lifted the limits on tools for a while. Nothing of it outlives the process.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::after;
use crate::id::{ChannelKey, Place, RootId, UserId};

/// How long somebody has to confirm what they asked for.
pub(crate) const CONFIRM_WITHIN: Duration = Duration::from_mins(1);

/// How many questions may wait for a confirmation; the oldest are forgotten first.
const MOST_ASKED: usize = 1_000;

/// In how many places limits may be lifted at the same time.
const MOST_LIFTED: usize = 1_000;

/// For what limits are lifted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// All threads of a channel.
    Channel(ChannelKey),
    /// One thread.
    Thread(RootId),
}

impl Reach {
    /// The channel that it is, or is in.
    pub(crate) fn channel(&self) -> &ChannelKey {
        match self {
            Self::Channel(channel) => channel,
            Self::Thread(root) => &root.channel,
        }
    }
}

/// Limits that are lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lift {
    /// Where somebody said so.
    pub(crate) place: Place,
    /// Until when.
    pub(crate) until: Timestamp,
}

/// Where limits are lifted, and who asked for that.
#[derive(Debug, Default)]
pub(crate) struct Lifted {
    asked: BTreeMap<(Place, UserId), Timestamp>,
    lifts: BTreeMap<Reach, Lift>,
    /// Threads that keep their limits although those of their channel are lifted.
    limited: BTreeSet<RootId>,
}

impl Lifted {
    /// Somebody asked what lifting would mean, and may confirm it now.
    pub(crate) fn ask(&mut self, place: &Place, user: &UserId, now: Timestamp) {
        let until = after(now, CONFIRM_WITHIN);
        self.asked.retain(|_, until| *until > now);
        if self.asked.len() >= MOST_ASKED {
            let oldest = self.asked.iter().min_by_key(|(_, until)| **until);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.asked.remove(&oldest);
            }
        }
        self.asked.insert((place.clone(), user.clone()), until);
    }

    /// Whether the same person asked in the same place not long ago. Counts once.
    pub(crate) fn confirm(&mut self, place: &Place, user: &UserId, now: Timestamp) -> bool {
        let until = self.asked.remove(&(place.clone(), user.clone()));
        until.is_some_and(|until| now < until)
    }

    /// Lifts limits; false where too many are lifted already.
    pub(crate) fn lift(&mut self, reach: Reach, lift: Lift) -> bool {
        if self.lifts.len() >= MOST_LIFTED && !self.lifts.contains_key(&reach) {
            return false;
        }
        match &reach {
            Reach::Channel(channel) => self.limited.retain(|root| root.channel != *channel),
            Reach::Thread(root) => {
                self.limited.remove(root);
            }
        }
        self.lifts.insert(reach, lift);
        true
    }

    /// Until when the limits of a thread are lifted; `None` where they are in force.
    pub(crate) fn until(&self, root: &RootId) -> Option<Timestamp> {
        let own = self.lifts.get(&Reach::Thread(root.clone()));
        let channel = self.lifts.get(&Reach::Channel(root.channel.clone()));
        let channel = channel.filter(|_| !self.limited.contains(root));
        own.into_iter().chain(channel).map(|lift| lift.until).max()
    }

    /// The same of a whole channel, or of a thread.
    pub(crate) fn until_for(&self, reach: &Reach) -> Option<Timestamp> {
        match reach {
            Reach::Channel(_) => self.lifts.get(reach).map(|lift| lift.until),
            Reach::Thread(root) => self.until(root),
        }
    }

    /// Puts limits back: of a thread even if those of its channel stay lifted, of a channel with all
    /// its threads. False where they were in force.
    pub(crate) fn put_back(&mut self, reach: &Reach) -> bool {
        match reach {
            Reach::Thread(root) => {
                let lifted = self.until(root).is_some();
                self.lifts.remove(reach);
                if self.until(root).is_some() {
                    self.limited.insert(root.clone());
                }
                lifted
            }
            Reach::Channel(channel) => {
                let before = self.lifts.len();
                self.lifts.retain(|reach, _| reach.channel() != channel);
                self.tidy();
                self.lifts.len() < before
            }
        }
    }

    /// Puts back what `ends` says of, and returns it.
    pub(crate) fn end(&mut self, ends: impl Fn(&Reach, &Lift) -> bool) -> Vec<(Reach, Lift)> {
        let ended: Vec<(Reach, Lift)> = self
            .lifts
            .iter()
            .filter(|(reach, lift)| ends(reach, lift))
            .map(|(reach, lift)| (reach.clone(), lift.clone()))
            .collect();
        for (reach, _) in &ended {
            self.lifts.remove(reach);
        }
        self.tidy();
        ended
    }

    /// When the next limits are back in force.
    pub(crate) fn next_end(&self) -> Option<Timestamp> {
        self.lifts.values().map(|lift| lift.until).min()
    }

    /// Forgets exceptions to what is not lifted any more.
    fn tidy(&mut self) {
        let lifts = &self.lifts;
        self.limited
            .retain(|root| lifts.contains_key(&Reach::Channel(root.channel.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChannelId, MessageId, PlatformId};

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn channel(name: &str) -> ChannelKey {
        ChannelKey::new(PlatformId::new("chat"), ChannelId::new(name))
    }

    fn root(thread: &str) -> RootId {
        RootId::of_message(channel("one"), MessageId::new(thread))
    }

    fn lift(until: i64) -> Lift {
        Lift {
            place: Place::channel(channel("one")),
            until: second(until),
        }
    }

    #[test]
    fn a_confirmation_counts_once_in_time_from_who_asked_where_they_asked() {
        let (here, there) = (
            Place::channel(channel("one")),
            Place::channel(channel("two")),
        );
        let (ann, bob) = (UserId::new("ann"), UserId::new("bob"));
        let mut lifted = Lifted::default();
        lifted.ask(&here, &ann, second(0));
        assert!(!lifted.confirm(&here, &bob, second(1)), "another person");
        assert!(!lifted.confirm(&there, &ann, second(1)), "another place");
        assert!(lifted.confirm(&here, &ann, second(59)));
        assert!(!lifted.confirm(&here, &ann, second(59)), "a second time");
        lifted.ask(&here, &ann, second(0));
        assert!(!lifted.confirm(&here, &ann, second(60)), "too late");
    }

    #[test]
    fn what_is_asked_is_bounded() {
        let here = Place::channel(channel("one"));
        let mut lifted = Lifted::default();
        for number in 0..=MOST_ASKED {
            let user = UserId::new(number.to_string());
            lifted.ask(&here, &user, second(i64::from(number == 0) - 1));
        }
        assert_eq!(lifted.asked.len(), MOST_ASKED);
        assert!(lifted.confirm(&here, &UserId::new("0"), second(1)));
        lifted.ask(&here, &UserId::new("late"), second(59));
        assert_eq!(lifted.asked.len(), 1, "the others may not confirm any more");
    }

    #[test]
    fn what_is_lifted_in_a_channel_is_lifted_in_its_threads_and_no_others() {
        let elsewhere = RootId::of_message(channel("two"), MessageId::new("1"));
        let mut lifted = Lifted::default();
        for of in ["one", "two"] {
            lifted.lift(Reach::Channel(channel(of)), lift(10));
        }
        lifted.put_back(&Reach::Thread(root("1")));
        lifted.put_back(&Reach::Thread(elsewhere.clone()));
        assert_eq!(lifted.until(&root("1")), None);
        lifted.lift(Reach::Channel(channel("one")), lift(20));
        assert_eq!(lifted.until(&root("1")), Some(second(20)));
        assert_eq!(lifted.until(&elsewhere), None);
    }

    #[test]
    fn where_limits_are_lifted_is_bounded() {
        let mut lifted = Lifted::default();
        for number in 0..MOST_LIFTED {
            let reach = Reach::Thread(root(&number.to_string()));
            assert!(lifted.lift(reach, lift(10)));
        }
        assert!(!lifted.lift(Reach::Channel(channel("one")), lift(10)));
        assert!(lifted.lift(Reach::Thread(root("0")), lift(20)));
    }

    #[test]
    fn a_thread_follows_its_channel_unless_it_is_told_not_to() {
        let (whole, thread) = (Reach::Channel(channel("one")), Reach::Thread(root("1")));
        let mut lifted = Lifted::default();
        assert!(!lifted.put_back(&thread));
        assert!(lifted.lift(whole.clone(), lift(10)));
        assert_eq!(lifted.until(&root("1")), Some(second(10)));
        assert!(lifted.put_back(&thread));
        assert_eq!(lifted.until(&root("1")), None);
        assert_eq!(lifted.until(&root("2")), Some(second(10)));
        assert!(lifted.lift(thread.clone(), lift(20)));
        assert_eq!(lifted.until(&root("1")), Some(second(20)));
        assert!(lifted.put_back(&thread));
        assert!(lifted.put_back(&whole), "with all its threads");
        assert_eq!(lifted.until(&root("2")), None);
        assert!(lifted.limited.is_empty());
        assert!(!lifted.put_back(&whole));
    }

    #[test]
    fn time_ends_what_is_due() {
        let mut lifted = Lifted::default();
        assert!(lifted.lift(Reach::Channel(channel("one")), lift(10)));
        assert!(lifted.lift(Reach::Thread(root("1")), lift(20)));
        assert_eq!(lifted.next_end(), Some(second(10)));
        let ended = lifted.end(|_, lift| lift.until <= second(10));
        assert_eq!(ended.len(), 1);
        assert_eq!(lifted.next_end(), Some(second(20)));
        assert_eq!(lifted.until(&root("1")), Some(second(20)));
        assert_eq!(lifted.until(&root("2")), None);
    }
}
