//! What has begun and not ended, so that it is known how long it takes.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::id::{DeliveryId, TurnId};
use mpg_core::post::Post;

/// How many of each sort are remembered. Of more, it is not counted how long they take.
const MOST: usize = 20_000;

/// When what has not ended has begun.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    turns: BTreeMap<TurnId, Begun>,
    posts: BTreeMap<DeliveryId, (&'static str, Timestamp)>,
}

#[derive(Clone, Copy, Debug)]
enum Begun {
    Queued(Timestamp),
    Started(Timestamp),
}

impl Pending {
    pub(super) fn queued(&mut self, turn: TurnId, at: Timestamp) {
        if self.turns.len() < MOST {
            self.turns.insert(turn, Begun::Queued(at));
        }
    }

    /// How long the turn waited for its first attempt; `None` for another attempt.
    pub(super) fn started(&mut self, turn: TurnId, at: Timestamp) -> Option<Duration> {
        let begun = self.turns.get_mut(&turn)?;
        match *begun {
            Begun::Queued(since) => {
                *begun = Begun::Started(at);
                Some(between(since, at))
            }
            Begun::Started(_) => None,
        }
    }

    /// How long it took from its first attempt on.
    pub(super) fn ended(&mut self, turn: TurnId, at: Timestamp) -> Option<Duration> {
        match self.turns.remove(&turn)? {
            Begun::Started(since) => Some(between(since, at)),
            Begun::Queued(_) => None,
        }
    }

    pub(super) fn dropped(&mut self, turn: TurnId) {
        self.turns.remove(&turn);
    }

    pub(super) fn planned(&mut self, post: &Post, at: Timestamp) {
        if self.posts.len() < MOST {
            self.posts.insert(post.id, (post.kind.name(), at));
        }
    }

    /// What sort of post it was and when it was planned; of one that an earlier gateway planned, that
    /// is not known.
    pub(super) fn delivered(&mut self, delivery: DeliveryId) -> (&'static str, Option<Timestamp>) {
        match self.posts.remove(&delivery) {
            Some((kind, at)) => (kind, Some(at)),
            None => ("earlier", None),
        }
    }
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_takes_long_is_measured_once() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let turn = TurnId::from_uuid(Uuid::from_u128(1));
        let mut pending = Pending::default();
        assert_eq!(pending.started(turn, at(1)), None, "an earlier gateway's");
        pending.queued(turn, at(1));
        assert_eq!(pending.started(turn, at(3)), Some(Duration::from_secs(2)));
        assert_eq!(pending.started(turn, at(5)), None, "another attempt");
        assert_eq!(pending.ended(turn, at(9)), Some(Duration::from_secs(6)));
        assert_eq!(pending.ended(turn, at(9)), None);
        pending.queued(turn, at(1));
        pending.dropped(turn);
        assert!(pending.turns.is_empty());
    }

    #[test]
    fn not_more_than_so_many_are_remembered() {
        let mut pending = Pending::default();
        for number in 0..MOST as u128 + 10 {
            pending.queued(
                TurnId::from_uuid(Uuid::from_u128(number)),
                Timestamp::UNIX_EPOCH,
            );
        }
        assert_eq!(pending.turns.len(), MOST);
    }
}
