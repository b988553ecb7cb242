//! How a thread is named in an address: `PLATFORM:CHANNEL`, `PLATFORM:CHANNEL~MESSAGE`, or
//! `PLATFORM:CHANNEL~~MESSAGE` for a side question.

use mpg_core::id::{ChannelId, ChannelKey, MessageId, PlatformId, Root, RootId};

/// The name of a thread.
pub(crate) fn write(root: &RootId) -> String {
    let channel = format!("{}:{}", root.channel.platform, root.channel.channel);
    match &root.root {
        Root::Channel => channel,
        Root::Message(message) => format!("{channel}~{message}"),
        Root::Aside(message) => format!("{channel}~~{message}"),
    }
}

/// The thread of a name, known or not; `None` for what is no name.
pub(crate) fn read(name: &str) -> Option<RootId> {
    let (platform, rest) = name.split_once(':')?;
    let (channel, message) = match rest.split_once('~') {
        Some((channel, message)) => (channel, Some(message)),
        None => (rest, None),
    };
    let aside = message.and_then(|message| message.strip_prefix('~'));
    let message = aside.or(message);
    if platform.is_empty() || channel.is_empty() || message.is_some_and(str::is_empty) {
        return None;
    }
    let channel = ChannelKey::new(PlatformId::new(platform), ChannelId::new(channel));
    Some(match message {
        Some(message) if aside.is_some() => RootId::of_aside(channel, MessageId::new(message)),
        Some(message) => RootId::of_message(channel, MessageId::new(message)),
        None => RootId {
            channel,
            root: Root::Channel,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for name in [
            "chat:1",
            "chat:1~2",
            "chat:a:b~c~d",
            "chat:1~2 3",
            "chat:1~~2",
        ] {
            assert_eq!(write(&read(name).unwrap()), name);
        }
        for name in ["", "chat", ":1", "chat:", "chat:1~", "chat:~2", "chat:1~~"] {
            assert_eq!(read(name), None, "{name}");
        }
    }
}
