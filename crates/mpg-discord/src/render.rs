//! Posts as the bodies of Discord's *create message*.

use std::borrow::Cow;
use std::time::Duration;

use mpg_core::capability::{EditPace, FileLimits, TextLimit, TextUnit};
use mpg_core::persona::Persona;
use mpg_core::post::{Post, PostKind};
use serde_json::{Value, json};

use crate::controls;

/// The longest text of one message.
///
/// Source: the message resource of Discord's documentation; it counts code points.
pub(crate) const POST_LIMIT: TextLimit = TextLimit {
    max: 2000,
    unit: TextUnit::CodePoints,
};

/// The longest text of one embed, where nothing but a [`Persona`] and a footer is with it.
///
/// Source: the page on messages of Discord's documentation, as for the other limits of embeds; it
/// counts code points.
pub(crate) const EMBED_LIMIT: TextLimit = TextLimit {
    max: 4096,
    unit: TextUnit::CodePoints,
};

/// How often the messages of one channel or thread may be changed.
///
/// Source: observed limits of the route that edits messages, which Discord states in its answers only.
pub(crate) const EDIT_PACE: EditPace = EditPace {
    edits: 5,
    per: Duration::from_secs(5),
    // A half of what a bot may send in a second at all.
    passing: 25,
};

/// The longest line below an embed, in code points.
const FOOTER_LIMIT: usize = 2048;

/// The most code points that all texts of an embed have together.
const EMBED_TOTAL: usize = 6000;

/// The longest name of a thread, in code points.
const TITLE_LIMIT: usize = 100;

/// The files of one message.
///
/// Source: the page on uploading files of Discord's documentation: ten, of at most 10 MiB where a
/// server has nothing better. A whole request may be that large, so that some of it is for the text.
pub(crate) const FILE_LIMITS: FileLimits = FileLimits {
    size: 10 * 1024 * 1024 - 64 * 1024,
    count: 10,
};

/// Why a post cannot be a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unpostable {
    Empty,
    TooLong(usize),
    /// With a persona, where that is an embed.
    TooLongToEmbed(usize),
    /// With a persona, where that is part of the text.
    TooLongInLines(usize),
    /// With controls that no message holds, for this reason.
    Controls(&'static str),
}

/// How it is shown whom a post speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PersonaForm {
    /// As the author of an embed, with a colour.
    Embed,
    /// As the first line of the text.
    Lines,
}

impl Unpostable {
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Empty => "a message needs text".to_owned(),
            Self::TooLong(length) => format!(
                "{length} code points are more than the {} of one message",
                POST_LIMIT.max
            ),
            Self::TooLongToEmbed(length) => format!(
                "{length} code points are more than an embed has: {} in the text, {FOOTER_LIMIT} in \
                 the line below it, {EMBED_TOTAL} in all",
                EMBED_LIMIT.max
            ),
            Self::TooLongInLines(length) => format!(
                "{length} code points are more than the {} of one message; with the permission to \
                 embed links, the bot can post them for an agent",
                POST_LIMIT.max
            ),
            Self::Controls(reason) => (*reason).to_owned(),
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
pub(crate) fn reply(post: &Post, form: PersonaForm) -> Result<Value, Unpostable> {
    shown(post, form)
}

/// The body of a post that one person sees.
pub(crate) fn private_reply(post: &Post, form: PersonaForm) -> Result<Value, Unpostable> {
    let mut body = shown(post, form)?;
    body["flags"] = EPHEMERAL.into();
    Ok(body)
}

/// The body of *create message* for a post.
///
/// The text goes out as it is, so that what was cut to the limit fits. Mentions in it are shown but
/// notify nobody.
pub(crate) fn create_message(post: &Post, form: PersonaForm) -> Result<Value, Unpostable> {
    let mut body = shown(post, form)?;
    body["nonce"] = post.id.as_str().into();
    body["enforce_nonce"] = true.into();
    if let Some(message) = post.reply_to.as_ref().and_then(|id| snowflake(id.as_str())) {
        body["message_reference"] = json!({
            "message_id": message.to_string(),
            // What is for one person is said to that person's message or not at all.
            "fail_if_not_exists": post.kind == PostKind::Private,
        });
    }
    Ok(body)
}

/// The body that makes a message this post, and nothing that it was before.
pub(crate) fn edit_message(post: &Post, form: PersonaForm) -> Result<Value, Unpostable> {
    let mut body = shown(post, form)?;
    for part in ["content", "embeds", "components"] {
        if body.get(part).is_none() {
            body[part] = if part == "content" {
                Value::Null
            } else {
                json!([])
            };
        }
    }
    Ok(body)
}

/// What people see of a post, and whom it calls: nobody but the person that it is to call, whatever
/// its text says.
fn shown(post: &Post, form: PersonaForm) -> Result<Value, Unpostable> {
    if post.text.trim().is_empty() {
        return Err(Unpostable::Empty);
    }
    let mut body = match (&post.persona, form) {
        (Some(persona), PersonaForm::Embed) => {
            let mut body = json!({"embeds": [embed(persona, post)?]});
            // What stands in an embed calls nobody.
            if let Some(mention) = mention(post) {
                body["content"] = mention.into();
            }
            body
        }
        (Some(_), PersonaForm::Lines) | (None, _) => {
            let text = in_lines(post);
            let length = POST_LIMIT.unit.count(&text);
            if length > POST_LIMIT.max {
                return Err(match post.persona {
                    Some(_) => Unpostable::TooLongInLines(length),
                    None => Unpostable::TooLong(length),
                });
            }
            json!({"content": text})
        }
    };
    body["allowed_mentions"] = json!({"parse": [], "replied_user": false});
    if let Some(user) = called(post) {
        body["allowed_mentions"]["users"] = json!([user.to_string()]);
    }
    if !post.controls.is_empty() {
        body["components"] = controls::rows(&post.controls)
            .map_err(Unpostable::Controls)?
            .into();
    }
    Ok(body)
}

/// The person whom a post calls.
fn called(post: &Post) -> Option<u64> {
    snowflake(post.mentions.as_ref()?.as_str())
}

/// What calls that person.
pub(crate) fn mention(post: &Post) -> Option<String> {
    called(post).map(|user| format!("<@{user}>"))
}

fn embed(persona: &Persona, post: &Post) -> Result<Value, Unpostable> {
    let count = |text: &str| EMBED_LIMIT.unit.count(text);
    let footer = post.footer.as_deref().unwrap_or_default();
    let (text, below) = (count(&post.text), count(footer));
    let all = text + below + count(persona.name());
    if text > EMBED_LIMIT.max || below > FOOTER_LIMIT || all > EMBED_TOTAL {
        return Err(Unpostable::TooLongToEmbed(all));
    }
    let mut embed = json!({
        "author": {"name": persona.name()},
        "description": post.text,
    });
    if let Some(color) = persona.color() {
        embed["color"] = color.into();
    }
    if let Some(footer) = &post.footer {
        embed["footer"] = json!({"text": footer});
    }
    Ok(embed)
}

/// The text of a post with whom it speaks for above it and its footer below it, and before all that
/// the person whom it calls, unless there is no room for that.
pub(crate) fn in_lines(post: &Post) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(post.text.as_str());
    if let Some(persona) = &post.persona {
        text = format!("**{persona}**\n{text}").into();
    }
    if let Some(footer) = &post.footer {
        text = format!("{text}\n-# {footer}").into();
    }
    if let Some(link) = link(post) {
        text = format!("{text}\n-# {link}").into();
    }
    if let Some(mention) = mention(post) {
        let calling = format!("{mention} {text}");
        if POST_LIMIT.unit.count(&calling) <= POST_LIMIT.max {
            text = calling.into();
        }
    }
    text
}

/// What leads to the thread that a post comes from: the name of a channel is shown as a link to it.
fn link(post: &Post) -> Option<String> {
    let PostKind::Fork(fork) = &post.kind else {
        return None;
    };
    let thread = fork.from.thread.as_ref()?;
    let thread = snowflake(thread.as_str())?;
    Some(format!("<#{thread}>"))
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
    use std::fmt::Write as _;

    use mpg_core::id::{DeliveryId, MessageId};
    use mpg_core::post::PostKind;
    use proptest::prelude::*;

    use super::*;

    fn post(text: &str) -> Post {
        Post::new(
            DeliveryId::parse("abcdefghij234567abcd").unwrap(),
            PostKind::Notice,
            text.to_owned(),
        )
    }

    fn lines(post: &Post) -> Result<Value, Unpostable> {
        create_message(post, PersonaForm::Lines)
    }

    #[test]
    fn bodies() {
        let plain = lines(&post("@everyone **hi** <@1>")).unwrap();
        let reply = Post {
            reply_to: Some(MessageId::new("42")),
            ..post("hello")
        };
        let reply = lines(&reply).unwrap();
        let thread = start_thread("fix\n  the   build", 60);
        insta::assert_snapshot!(format!("{plain:#}\n{reply:#}\n{thread:#}"));
    }

    #[test]
    fn agents_speak_in_their_names() {
        let named = Post {
            reply_to: Some(MessageId::new("42")),
            persona: Some(Persona::new("QA", Some(0x0040_c057))),
            footer: Some("tools are not limited".to_owned()),
            ..post("@everyone **hi** <@1>\n```rs\nfn main() {}\n```")
        };
        let plain = Post {
            persona: Some(Persona::new("QA", None)),
            ..post("hi")
        };
        let below = Post {
            persona: None,
            ..named.clone()
        };
        let mut shown = String::new();
        for post in [&named, &plain, &below] {
            for form in [PersonaForm::Embed, PersonaForm::Lines] {
                let body = create_message(post, form).unwrap();
                writeln!(shown, "{form:?} {body:#}").unwrap();
            }
        }
        let reply = private_reply(&named, PersonaForm::Embed).unwrap();
        insta::assert_snapshot!(format!("{shown}reply {reply:#}"));
    }

    #[test]
    fn what_cannot_be_posted_in_a_name() {
        let named = |text: String, footer: usize| Post {
            persona: Some(Persona::new("QA", None)),
            footer: Some("f".repeat(footer)),
            ..post(&text)
        };
        let embed = |text: usize, footer: usize| {
            let done = create_message(&named("é".repeat(text), footer), PersonaForm::Embed);
            done.map(|_| ())
        };
        assert_eq!(embed(4096, 1902), Ok(()));
        for (text, footer) in [(4097, 1), (4096, 1903), (10, 2049)] {
            let all = text + footer + 2;
            assert_eq!(embed(text, footer), Err(Unpostable::TooLongToEmbed(all)));
        }
        let in_lines = |text: usize| {
            let done = lines(&named("é".repeat(text), 5));
            done.map(|_| ())
        };
        assert_eq!(in_lines(2000 - 7 - 9), Ok(()));
        assert_eq!(
            in_lines(2000 - 7 - 8),
            Err(Unpostable::TooLongInLines(2001))
        );
        let blank = create_message(&named(" ".to_owned(), 5), PersonaForm::Embed);
        assert_eq!(blank, Err(Unpostable::Empty));
    }

    #[test]
    fn what_cannot_be_posted() {
        assert_eq!(lines(&post(" \n")), Err(Unpostable::Empty));
        assert!(lines(&post(&"é".repeat(2000))).is_ok());
        assert_eq!(
            lines(&post(&"é".repeat(2001))),
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
            match lines(&post(&text)) {
                Ok(body) => {
                    prop_assert_eq!(body["content"].as_str(), Some(text.as_str()));
                    prop_assert!(text.chars().count() <= 2000);
                    prop_assert_eq!(&body["allowed_mentions"]["parse"], &json!([]));
                }
                Err(Unpostable::Empty) => prop_assert!(text.trim().is_empty()),
                Err(Unpostable::TooLong(_)) => prop_assert!(text.chars().count() > 2000),
                Err(other) => prop_assert!(false, "{other:?} without a persona"),
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
