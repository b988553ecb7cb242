//! What a thread's worktree and branch are called.

use std::fmt::Write as _;

use mpg_core::id::{AgentName, Root, RootId};

/// The longest name of a folder that file systems take, in bytes, with room for a suffix.
const LONGEST: usize = 200;

/// The prefix of the branches.
const BRANCHES: &str = "mpg/";

/// What stands before an agent. It is in no thread's name.
const AGENT: char = '+';

/// The name of a worktree: ASCII letters, digits, `-`, `_` and, before an agent, `+`; another one for
/// each thread and each agent. `None` where the ids are too long for a folder.
pub(crate) fn worktree_name(thread: &RootId, agent: Option<&AgentName>) -> Option<String> {
    let channel = &thread.channel;
    let mut name = escaped(channel.platform.as_str());
    name.push('-');
    name.push_str(&escaped(channel.channel.as_str()));
    if let Root::Message(message) = &thread.root {
        name.push('-');
        name.push_str(&escaped(message.as_str()));
    }
    if let Some(agent) = agent {
        name.push(AGENT);
        name.push_str(&escaped(agent.as_str()));
    }
    (name.len() <= LONGEST).then_some(name)
}

/// The name that the worktree of the whole thread has, where its agents share one.
pub(crate) fn thread_of(name: &str) -> &str {
    name.split_once(AGENT).map_or(name, |(thread, _)| thread)
}

/// The branch of a worktree.
pub(crate) fn branch(name: &str) -> String {
    format!("{BRANCHES}{name}")
}

fn escaped(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _written = write!(text, "_{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use mpg_core::id::{ChannelId, ChannelKey, MessageId, PlatformId};
    use proptest::prelude::*;

    use super::*;

    fn name(channel: &str, message: Option<&str>) -> Option<String> {
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new(channel));
        worktree_name(&thread(channel, message), None)
    }

    fn of_agent(channel: &str, message: Option<&str>, agent: &str) -> Option<String> {
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new(channel));
        worktree_name(&thread(channel, message), Some(&AgentName::new(agent)))
    }

    fn thread(channel: ChannelKey, message: Option<&str>) -> RootId {
        match message {
            Some(message) => RootId::of_message(channel, MessageId::new(message)),
            None => RootId {
                channel,
                root: Root::Channel,
            },
        }
    }

    #[test]
    fn every_thread_has_another_name() {
        let names = [
            name("12", None),
            name("12", Some("34")),
            name("1", Some("2-34")),
            name("1-2", Some("34")),
            name("1_2d2", Some("34")),
            name("../../etc", None),
        ];
        insta::assert_debug_snapshot!(names);
    }

    #[test]
    fn every_agent_has_another_name() {
        let names = [
            of_agent("12", Some("34"), "pm"),
            of_agent("12", None, "34"),
            of_agent("12", None, "pm"),
            of_agent("12", Some("34"), "p+m.lock"),
        ];
        insta::assert_debug_snapshot!(names);
    }

    proptest! {
        #[test]
        fn another_thread_or_agent_is_another_name_that_git_takes(
            one in ids(),
            other in ids(),
        ) {
            let name = |(channel, message, agent): &Ids| {
                let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new(channel.as_str()));
                let agent = agent.as_deref().map(AgentName::new);
                let thread = thread(channel, message.as_deref());
                worktree_name(&thread, agent.as_ref()).zip(worktree_name(&thread, None))
            };
            let (Some((first, whole)), Some((second, _))) = (name(&one), name(&other)) else {
                return Ok(());
            };
            prop_assert_eq!(first == second, one == other);
            prop_assert_eq!(thread_of(&first), whole);
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_+".contains(letter);
            prop_assert!(first.chars().all(plain), "{}", first);
        }
    }

    type Ids = (String, Option<String>, Option<String>);

    fn ids() -> impl Strategy<Value = Ids> {
        let id = "[a1_+/. -]{0,3}";
        (id, proptest::option::of(id), proptest::option::of(id))
    }

    #[test]
    fn a_name_is_never_too_long_for_a_folder() {
        assert_eq!(name(&"1".repeat(300), None), None);
    }
}
