//! What a thread's worktree and branch are called.

use std::fmt::Write as _;

use mpg_core::id::{Root, RootId};

/// The longest name of a folder that file systems take, in bytes, with room for a suffix.
const LONGEST: usize = 200;

/// The prefix of the branches.
pub(crate) const BRANCHES: &str = "mpg/";

/// The name of a thread's worktree: ASCII letters, digits, `-` and `_`, and another one for each
/// thread. `None` for a thread whose ids are too long for a folder.
pub(crate) fn worktree_name(thread: &RootId) -> Option<String> {
    let channel = &thread.channel;
    let mut name = escaped(channel.platform.as_str());
    name.push('-');
    name.push_str(&escaped(channel.channel.as_str()));
    if let Root::Message(message) = &thread.root {
        name.push('-');
        name.push_str(&escaped(message.as_str()));
    }
    (name.len() <= LONGEST).then_some(name)
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

    use super::*;

    fn name(channel: &str, message: Option<&str>) -> Option<String> {
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new(channel));
        worktree_name(&match message {
            Some(message) => RootId::of_message(channel, MessageId::new(message)),
            None => RootId {
                channel,
                root: Root::Channel,
            },
        })
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
    fn a_name_is_never_too_long_for_a_folder() {
        assert_eq!(name(&"1".repeat(300), None), None);
    }
}
