//! How ids and times are written in columns, and read back.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use mpg_core::id::{
    AgentName, ChannelId, ChannelKey, MessageId, Place, PlatformId, Root, RootId, ThreadId,
};
use mpg_core::snapshot::Origin;
use uuid::Uuid;

use crate::failure::UnknownValue;

/// The `root` column of a thread.
pub(crate) fn root(root: &Root) -> String {
    match root {
        Root::Channel => String::new(),
        Root::Message(message) => format!("#{message}"),
        Root::Aside(message) => format!(">{message}"),
    }
}

/// The `thread` column of a place.
pub(crate) fn thread(thread: Option<&ThreadId>) -> String {
    thread.map_or_else(String::new, |thread| format!("/{thread}"))
}

/// The `agent` column of a conversation.
pub(crate) fn agent(agent: Option<&AgentName>) -> String {
    agent.map_or_else(String::new, |agent| format!("@{agent}"))
}

/// The `origin` column of a turn.
pub(crate) fn origin(origin: &Origin) -> &'static str {
    match origin {
        Origin::Person => "person",
        Origin::Handoff { .. } => "handoff",
        Origin::Joined { .. } => "joined",
    }
}

/// Nanoseconds since 1970. Times before 1677 or after 2262 become the nearest that fit.
pub(crate) fn nanoseconds(at: Timestamp) -> i64 {
    let nanoseconds = at.as_nanosecond();
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}

/// The time that [`nanoseconds`] wrote.
pub(crate) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds))
        .expect("64 bits of nanoseconds end within the years that a timestamp has")
}

/// Reads an id that was derived.
pub(crate) fn uuid(column: &'static str, text: &str) -> Result<Uuid, UnknownValue> {
    Uuid::try_parse(text).map_err(|_| UnknownValue::new(column, text))
}

/// Reads keys back, and keeps one copy of each name that many rows share.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeSet<Arc<str>>);

impl Names {
    pub(crate) fn channel(&mut self, platform: &str, channel: &str) -> ChannelKey {
        ChannelKey::new(
            PlatformId::new(self.shared(platform)),
            ChannelId::new(self.shared(channel)),
        )
    }

    pub(crate) fn place(
        &mut self,
        platform: &str,
        channel: &str,
        thread: &str,
    ) -> Result<Place, UnknownValue> {
        let channel = self.channel(platform, channel);
        let thread = optional("thread", '/', thread)?;
        Ok(Place {
            channel,
            thread: thread.map(ThreadId::new),
        })
    }

    pub(crate) fn root(
        &mut self,
        platform: &str,
        channel: &str,
        root: &str,
    ) -> Result<RootId, UnknownValue> {
        let channel = self.channel(platform, channel);
        let root = match root.strip_prefix('>') {
            Some(message) => Root::Aside(MessageId::new(message)),
            None => match optional("root", '#', root)? {
                None => Root::Channel,
                Some(message) => Root::Message(MessageId::new(message)),
            },
        };
        Ok(RootId { channel, root })
    }

    pub(crate) fn agent(&mut self, agent: &str) -> Result<Option<AgentName>, UnknownValue> {
        let agent = optional("agent", '@', agent)?;
        Ok(agent.map(|agent| AgentName::new(self.shared(agent))))
    }

    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}

fn optional<'a>(
    column: &'static str,
    sign: char,
    text: &'a str,
) -> Result<Option<&'a str>, UnknownValue> {
    match text {
        "" => Ok(None),
        some => match some.strip_prefix(sign) {
            Some(name) => Ok(Some(name)),
            None => Err(UnknownValue::new(column, text)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_an_empty_name_is_not_none() {
        let mut names = Names::default();
        for message in [None, Some(""), Some("#"), Some("17"), Some("a\0b")] {
            let expected = message.map_or(Root::Channel, |id| Root::Message(MessageId::new(id)));
            let read = names.root("chat", "c", &root(&expected)).unwrap();
            assert_eq!(read.root, expected);
            if let Root::Message(message) = expected {
                let expected = Root::Aside(message);
                let read = names.root("chat", "c", &root(&expected)).unwrap();
                assert_eq!(read.root, expected);
            }

            let expected = message.map(ThreadId::new);
            let read = names
                .place("chat", "c", &thread(expected.as_ref()))
                .unwrap();
            assert_eq!(read.thread, expected);

            let expected = message.map(AgentName::new);
            assert_eq!(names.agent(&agent(expected.as_ref())).unwrap(), expected);
        }
        assert!(names.root("chat", "c", "17").is_err());
    }

    #[test]
    fn times_keep_their_nanoseconds() {
        let at: Timestamp = "2026-03-01T10:20:30.123456789Z".parse().unwrap();
        assert_eq!(timestamp(nanoseconds(at)), at);
        assert_eq!(nanoseconds(Timestamp::MAX), i64::MAX);
        assert_eq!(nanoseconds(Timestamp::MIN), i64::MIN);
    }
}
