//! What is asked of the server, as the fields of its lines. Pure.

use mpg_core::capability::{TextLimit, TextUnit};
use mpg_core::id::{MessageId, MessageRef, Place, ThreadId};
use mpg_core::port::DeliveryError;
use mpg_core::post::{Post, Status};

use crate::PLATFORM;

/// The longest text of one message.
pub(crate) const POST_LIMIT: TextLimit = TextLimit {
    max: 1000,
    unit: TextUnit::Bytes,
};

/// The longest title of a thread, in characters.
const TITLE_LIMIT: usize = 60;

/// The fields of a post, of which `text` is all that people read. It goes out as it is: nothing is
/// added, so that what was cut to the limit fits, and nothing is cut here.
pub(crate) fn post<'a>(
    place: &'a Place,
    post: &'a Post,
    text: &'a str,
) -> Result<[&'a str; 7], DeliveryError> {
    let (channel, thread) = target(place)?;
    let length = POST_LIMIT.unit.count(text);
    if length > POST_LIMIT.max {
        return Err(DeliveryError::Rejected(format!(
            "{length} bytes are more than the {} of one message",
            POST_LIMIT.max
        )));
    }
    let reply_to = post.reply_to.as_ref().map_or("", MessageId::as_str);
    let key = post.id.as_str();
    Ok(["post", channel, thread, key, "nobody", reply_to, text])
}

/// A thread's title, in one line.
pub(crate) fn title(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(TITLE_LIMIT).collect()
}

/// The fields of a status sign.
pub(crate) fn sign(on: &MessageRef, status: Status) -> Result<[&str; 5], DeliveryError> {
    let (channel, thread) = target(&on.place)?;
    let sign = match status {
        Status::Received => "eyes",
        Status::Thinking => "thought",
        Status::Reading => "book",
        Status::Editing => "pencil",
        Status::Running => "gear",
        Status::Web => "globe",
        Status::Waiting => "hand",
        Status::Stalled => "sleep",
        Status::Done => "tick",
        Status::Failed => "cross",
        Status::Stopped => "square",
    };
    Ok(["sign", channel, thread, on.message.as_str(), sign])
}

/// The fields that name a place.
pub(crate) fn target(place: &Place) -> Result<(&str, &str), DeliveryError> {
    if place.channel.platform.as_str() != PLATFORM {
        return Err(DeliveryError::Gone(format!("{place} is no place here")));
    }
    let thread = place.thread.as_ref().map_or("", ThreadId::as_str);
    Ok((place.channel.channel.as_str(), thread))
}

#[cfg(test)]
mod tests {
    use mpg_core::id::{ChannelId, ChannelKey, DeliveryId, PlatformId};
    use mpg_core::persona::Persona;
    use mpg_core::post::PostKind;

    use super::*;

    fn place(platform: &str) -> Place {
        let channel = ChannelKey::new(PlatformId::new(platform), ChannelId::new("dev"));
        Place::thread(channel, ThreadId::new("41"))
    }

    #[test]
    fn posts_notify_nobody_and_keep_their_text() {
        let id = DeliveryId::parse("abcdefghij234567abcd").unwrap();
        let answer = Post {
            reply_to: Some(MessageId::new("42")),
            persona: Some(Persona::new("QA", None)),
            ..Post::new(id, PostKind::Notice, "@ann **done**\n")
        };
        let here = place(PLATFORM);
        insta::assert_debug_snapshot!(post(&here, &answer, &answer.in_lines()).unwrap(), @r#"
        [
            "post",
            "dev",
            "41",
            "abcdefghij234567abcd",
            "nobody",
            "42",
            "QA:\n@ann **done**\n",
        ]
        "#);
        let elsewhere = post(&place("other"), &answer, "").map(drop);
        assert!(matches!(elsewhere, Err(DeliveryError::Gone(_))));
    }

    #[test]
    fn titles_are_one_short_line() {
        assert_eq!(title(" fix\n the  build "), "fix the build");
        assert_eq!(title(&"ü".repeat(100)).chars().count(), TITLE_LIMIT);
    }
}
