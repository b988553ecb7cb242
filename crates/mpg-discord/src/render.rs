//! Posts as the bodies of Discord's *create message*.

use mpg_core::capability::{TextLimit, TextUnit};
use mpg_core::post::{Post, PostKind};
use serde_json::{Value, json};

/// The longest text of one message.
///
/// Source: the message resource of Discord's documentation; it counts code points.
pub(crate) const POST_LIMIT: TextLimit = TextLimit {
    max: 2000,
    unit: TextUnit::CodePoints,
};

/// The longest name of a thread, in code points.
const TITLE_LIMIT: usize = 100;

/// Why a post cannot be a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unpostable {
    Empty,
    TooLong(usize),
}

impl Unpostable {
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Empty => "a message needs text".to_owned(),
            Self::TooLong(length) => format!(
                "{length} code points are more than the {} of one message",
                POST_LIMIT.max
            ),
        }
    }
}

/// The flag of a message that one person sees.
///
/// Source: the message resource of Discord's documentation, as for the other.
pub(crate) const EPHEMERAL: u64 = 1 << 6;

/// The flag of a message that announces the reply to an interaction.
pub(crate) const LOADING: u64 = 1 << 7;

/// The body of a post that fills in what was announced. Who sees it was said then.
pub(crate) fn reply(post: &Post) -> Result<Value, Unpostable> {
    let message = create_message(post)?;
    Ok(json!({
        "content": message["content"],
        "allowed_mentions": message["allowed_mentions"],
    }))
}

/// The body of a post that one person sees.
pub(crate) fn private_reply(post: &Post) -> Result<Value, Unpostable> {
    let mut body = reply(post)?;
    body["flags"] = EPHEMERAL.into();
    Ok(body)
}

/// The body of *create message* for a post.
///
/// The text goes out as it is: nothing is added, so that what was cut to the limit fits. Mentions
/// in it are shown but notify nobody.
pub(crate) fn create_message(post: &Post) -> Result<Value, Unpostable> {
    if post.text.trim().is_empty() {
        return Err(Unpostable::Empty);
    }
    let length = POST_LIMIT.unit.count(&post.text);
    if length > POST_LIMIT.max {
        return Err(Unpostable::TooLong(length));
    }
    let mut body = json!({
        "content": post.text,
        "nonce": post.id.as_str(),
        "enforce_nonce": true,
        "allowed_mentions": {"parse": [], "replied_user": false},
    });
    if let Some(message) = post.reply_to.as_ref().and_then(|id| snowflake(id.as_str())) {
        body["message_reference"] = json!({
            "message_id": message.to_string(),
            // What is for one person is said to that person's message or not at all.
            "fail_if_not_exists": post.kind == PostKind::Private,
        });
    }
    Ok(body)
}

/// The body of *start thread from message*.
pub(crate) fn start_thread(title: &str, archive_minutes: u16) -> Value {
    json!({"name": thread_name(title), "auto_archive_duration": archive_minutes})
}

/// The body that gives a thread another name.
pub(crate) fn rename_thread(title: &str) -> Value {
    json!({"name": thread_name(title)})
}

fn thread_name(title: &str) -> String {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let name: String = title.chars().take(TITLE_LIMIT).collect();
    if name.is_empty() {
        return "Thread".to_owned();
    }
    name
}

/// An id of Discord's; `None` if the text is none.
pub(crate) fn snowflake(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
        .filter(|id| *id != 0)
}

#[cfg(test)]
mod tests {
    use mpg_core::id::{DeliveryId, MessageId};
    use mpg_core::post::PostKind;
    use proptest::prelude::*;

    use super::*;

    fn post(text: &str) -> Post {
        Post {
            id: DeliveryId::parse("abcdefghij234567abcd").unwrap(),
            kind: PostKind::Notice,
            text: text.to_owned(),
            reply_to: None,
        }
    }

    #[test]
    fn bodies() {
        let plain = create_message(&post("@everyone **hi** <@1>")).unwrap();
        let reply = create_message(&Post {
            reply_to: Some(MessageId::new("42")),
            ..post("hello")
        })
        .unwrap();
        let thread = start_thread("fix\n  the   build", 60);
        insta::assert_snapshot!(format!("{plain:#}\n{reply:#}\n{thread:#}"));
    }

    #[test]
    fn what_cannot_be_posted() {
        assert_eq!(create_message(&post(" \n")), Err(Unpostable::Empty));
        assert!(create_message(&post(&"é".repeat(2000))).is_ok());
        assert_eq!(
            create_message(&post(&"é".repeat(2001))),
            Err(Unpostable::TooLong(2001))
        );
    }

    #[test]
    fn ids() {
        assert_eq!(snowflake("123"), Some(123));
        for wrong in ["", "0", "+1", "-1", "1a", "99999999999999999999999"] {
            assert_eq!(snowflake(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_never_changed_or_lengthened(text in "\\PC{0,60}|[\\s\\S]{0,2100}") {
            match create_message(&post(&text)) {
                Ok(body) => {
                    prop_assert_eq!(body["content"].as_str(), Some(text.as_str()));
                    prop_assert!(text.chars().count() <= 2000);
                    prop_assert_eq!(&body["allowed_mentions"]["parse"], &json!([]));
                }
                Err(Unpostable::Empty) => prop_assert!(text.trim().is_empty()),
                Err(Unpostable::TooLong(_)) => prop_assert!(text.chars().count() > 2000),
            }
        }

        #[test]
        fn a_title_always_fits(title in "[\\s\\S]{0,300}") {
            let body = start_thread(&title, 60);
            let name = body["name"].as_str().unwrap();
            prop_assert!((1..=100).contains(&name.chars().count()));
        }
    }
}
