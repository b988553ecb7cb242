//! Who wrote to the gateway directly, where no project is.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::after;
use crate::id::{ChannelKey, PlatformId, UserId};
use crate::message::Message;

/// How long somebody who was told is not told again.
const QUIET: Duration = Duration::from_hours(1);

/// How many people are remembered. While so many were told within the hour, others are passed over
/// in silence.
const MOST_TOLD: usize = 1_000;

/// Who was told lately that direct messages lead nowhere.
#[derive(Debug, Default)]
pub(crate) struct Directs {
    /// The channel of what comes in just now, if it is a direct conversation.
    here: Option<ChannelKey>,
    told: BTreeMap<(PlatformId, UserId), Timestamp>,
}

impl Directs {
    /// Something comes in from a direct conversation, or from elsewhere.
    pub(crate) fn comes_from(&mut self, channel: Option<ChannelKey>) {
        self.here = channel;
    }

    /// Whether a message stands in a direct conversation, and its author may be told something.
    pub(crate) fn is_untold(&self, message: &Message, now: Timestamp) -> bool {
        let lately = |at: &Timestamp| after(*at, QUIET) > now;
        self.here.as_ref() == Some(&message.place.channel)
            && !self.told.get(&key(message)).is_some_and(lately)
            && (self.told.len() < MOST_TOLD || self.told.values().any(|at| !lately(at)))
    }

    /// The author of a message is told.
    pub(crate) fn tell(&mut self, message: &Message, now: Timestamp) {
        if self.told.len() >= MOST_TOLD {
            self.told.retain(|_, at| after(*at, QUIET) > now);
        }
        self.told.insert(key(message), now);
    }
}

fn key(message: &Message) -> (PlatformId, UserId) {
    let platform = message.place.channel.platform.clone();
    (platform, message.author.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChannelId, MessageId, Place};
    use crate::message::{Author, AuthorKind};

    fn message(user: &str) -> Message {
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("direct"));
        Message {
            place: Place::channel(channel),
            id: MessageId::new("1"),
            author: Author {
                id: UserId::new(user),
                name: user.to_owned(),
                kind: AuthorKind::Human,
                roles: Vec::new(),
            },
            text: "hi".to_owned(),
            attachments: Vec::new(),
        }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn everybody_is_told_once_an_hour() {
        let (ann, bob) = (message("ann"), message("bob"));
        let mut directs = Directs::default();
        assert!(!directs.is_untold(&ann, second(0)), "no direct message");
        directs.comes_from(Some(ann.place.channel.clone()));
        assert!(directs.is_untold(&ann, second(0)));
        directs.tell(&ann, second(0));
        assert!(!directs.is_untold(&ann, second(3_599)));
        assert!(directs.is_untold(&bob, second(3_599)));
        assert!(directs.is_untold(&ann, second(3_600)));
    }

    #[test]
    fn a_crowd_is_passed_over() {
        let mut directs = Directs::default();
        directs.comes_from(Some(message("").place.channel));
        for number in 0..MOST_TOLD {
            let message = message(&number.to_string());
            assert!(directs.is_untold(&message, second(0)));
            directs.tell(&message, second(0));
        }
        let late = message("late");
        assert!(!directs.is_untold(&late, second(3_599)));
        assert!(directs.is_untold(&late, second(3_600)));
        directs.tell(&late, second(3_600));
        assert_eq!(directs.told.len(), 1);
        for number in 2..=MOST_TOLD {
            directs.tell(&message(&number.to_string()), second(3_601));
        }
        directs.tell(&message("1"), second(3_602));
        assert_eq!(
            directs.told.len(),
            MOST_TOLD + 1,
            "nobody is forgotten early"
        );
    }
}
