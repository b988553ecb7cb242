//! Files that come with messages: which of them are taken, and how an agent is told of them.
//!
//! Everything that a platform tells of a file is untrusted: its name, its size and its type. What
//! is done with a file follows from the file.

mod content;
mod name;
mod prompt;

pub use self::content::{ImageType, text};
pub use self::name::file_name;
pub(crate) use self::prompt::fence;
pub use self::prompt::{Form, Given, prompt};

use crate::message::Attachment;

/// How many files of one message are ever taken.
pub const MAX_ATTACHMENTS: usize = 10;

/// How large the files of one message may be together, in bytes.
pub const MAX_TOTAL: u64 = 100 * 1024 * 1024;

/// How large an image is at the most that is shown to a model, in bytes; one that is larger is a
/// file like any other. Source: the page on vision of Anthropic's documentation.
pub const MAX_IMAGE: u64 = 5 * 1024 * 1024;

/// How large the images of one message are together that are shown, in bytes: their Base64 fits
/// into 16 MiB with room for the text.
pub const MAX_IMAGES: u64 = 9 * 1024 * 1024;

/// How long a text is at the most that stands in the prompt, in bytes; one that is longer is a file
/// like any other.
pub const MAX_TEXT: u64 = 64 * 1024;

/// How long the texts of one message are together that stand in the prompt, in bytes.
pub const MAX_TEXTS: u64 = 128 * 1024;

/// How long a file's name is kept, in bytes.
const MAX_NAME: usize = 255;

/// How long a media type is kept, in bytes.
const MAX_TYPE: usize = 127;

/// How long an address may be, in bytes: one that is cut leads nowhere.
const MAX_URL: usize = 2048;

/// Which files of a message are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentLimits {
    /// How many, at most [`MAX_ATTACHMENTS`].
    pub count: u32,
    /// How large one may be, in bytes.
    pub size: u64,
    /// Media types, as `image/png`, `image/*` or `*`.
    pub types: Vec<String>,
}

impl Default for AttachmentLimits {
    fn default() -> Self {
        Self {
            count: 10,
            size: 25 * 1024 * 1024,
            types: vec!["*".to_owned()],
        }
    }
}

/// A file that is not passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name, fit to be shown.
    pub name: String,
    /// Why.
    pub why: Omission,
}

/// Why a file is not passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Omission {
    /// There are more files than are taken: so many.
    Count(u32),
    /// It is larger than so many bytes.
    Size(u64),
    /// The files are too large together.
    Total,
    /// Its media type is not among those that are taken.
    Type(String),
    /// Its address is none.
    Address,
    /// Files are not fetched from this host.
    Host(String),
    /// It is not there any more.
    Gone,
    /// It could not be fetched.
    Failed(String),
    /// It could not be kept on this machine.
    NotKept,
    /// Nothing says where files may be kept.
    Unsupported,
}

/// What becomes of the files of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// Those that are taken, in their order.
    pub taken: Vec<Attachment>,
    /// Those that are not.
    pub left_out: Vec<LeftOut>,
}

/// The descriptions of a message's files as they are kept: so many, and each so long, that they
/// cannot fill anything.
pub fn kept(attachments: &[Attachment]) -> Vec<Attachment> {
    let kept = attachments.iter().take(MAX_ATTACHMENTS);
    kept.map(|attachment| Attachment {
        name: cut(&attachment.name, MAX_NAME),
        size: attachment.size,
        media_type: attachment.media_type.as_deref().map(|t| cut(t, MAX_TYPE)),
        url: if attachment.url.len() <= MAX_URL {
            attachment.url.clone()
        } else {
            String::new()
        },
    })
    .collect()
}

/// Decides which files are taken, by what is told of them.
pub fn admit(limits: &AttachmentLimits, attachments: &[Attachment]) -> Admission {
    let count = usize::try_from(limits.count).map_or(MAX_ATTACHMENTS, |n| n.min(MAX_ATTACHMENTS));
    let mut admission = Admission::default();
    let mut total: u64 = 0;
    for attachment in attachments {
        let media_type = media_type(attachment);
        let beyond = total.saturating_add(attachment.size);
        let why = if admission.taken.len() >= count {
            Some(Omission::Count(limits.count))
        } else if attachment.url.is_empty() || attachment.url.len() > MAX_URL {
            Some(Omission::Address)
        } else if attachment.size > limits.size {
            Some(Omission::Size(limits.size))
        } else if !limits.types.iter().any(|t| covers(t, &media_type)) {
            Some(Omission::Type(media_type))
        } else if beyond > MAX_TOTAL {
            Some(Omission::Total)
        } else {
            None
        };
        if let Some(why) = why {
            admission.left_out.push(left_out(attachment, why));
        } else {
            total = beyond;
            admission.taken.push(attachment.clone());
        }
    }
    admission
}

/// A file that is not passed on, and why.
pub fn left_out(attachment: &Attachment, why: Omission) -> LeftOut {
    LeftOut {
        name: file_name(&attachment.name),
        why,
    }
}

/// How many bytes the descriptions take.
pub(crate) fn weight(attachments: &[Attachment]) -> usize {
    let texts = attachments.iter().map(|attachment| {
        let media_type = attachment.media_type.as_ref().map_or(0, String::len);
        attachment.name.len() + attachment.url.len() + media_type
    });
    texts.sum()
}

/// A media type in lower case and without its parameters; what tells none is a row of bytes.
fn media_type(attachment: &Attachment) -> String {
    let stated = attachment.media_type.as_deref().unwrap_or_default();
    let bare = stated.split(';').next().unwrap_or_default().trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/.+-_".contains(c);
    if bare.is_empty() || bare.len() > MAX_TYPE || !bare.chars().all(allowed) {
        return "application/octet-stream".to_owned();
    }
    bare.to_ascii_lowercase()
}

/// Whether a type of the configuration stands for this one.
fn covers(pattern: &str, media_type: &str) -> bool {
    let pattern = pattern.trim().to_ascii_lowercase();
    match pattern.strip_suffix('*') {
        Some("" | "*/") => true,
        Some(start) => start.ends_with('/') && media_type.starts_with(start),
        None => pattern == media_type,
    }
}

fn cut(text: &str, longest: usize) -> String {
    text[..text.floor_char_boundary(longest)].to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    fn file(name: &str, size: u64, media_type: Option<&str>) -> Attachment {
        Attachment {
            name: name.to_owned(),
            size,
            media_type: media_type.map(str::to_owned),
            url: "https://files.example/1".to_owned(),
        }
    }

    #[test]
    fn limits_decide_in_order() {
        let limits = AttachmentLimits {
            count: 3,
            size: 1000,
            types: vec!["image/*".to_owned(), "Text/Plain".to_owned()],
        };
        let files = [
            file("a.png", 1000, Some("image/png")),
            file("big.png", 1001, Some("image/png")),
            file("b.txt", 1, Some("text/plain; charset=utf-8")),
            file("c.html", 1, Some("text/html")),
            file("d", 1, None),
            Attachment {
                url: String::new(),
                ..file("e.png", 1, Some("image/png"))
            },
            file("f.png", 1, Some("IMAGE/PNG")),
            file("g.png", 1, Some("image/png")),
        ];
        let admission = admit(&limits, &files);
        let taken: Vec<&str> = admission.taken.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(taken, ["a.png", "b.txt", "f.png"]);
        let left_out: Vec<(&str, &Omission)> = admission
            .left_out
            .iter()
            .map(|left| (left.name.as_str(), &left.why))
            .collect();
        assert_eq!(
            left_out,
            [
                ("big.png", &Omission::Size(1000)),
                ("c.html", &Omission::Type("text/html".to_owned())),
                ("d", &Omission::Type("application/octet-stream".to_owned())),
                ("e.png", &Omission::Address),
                ("g.png", &Omission::Count(3)),
            ]
        );
    }

    #[test]
    fn together_they_are_bounded_too() {
        let limits = AttachmentLimits {
            size: MAX_TOTAL,
            ..AttachmentLimits::default()
        };
        let files = [
            file("a", MAX_TOTAL - 1, None),
            file("b", 2, None),
            file("c", 1, None),
        ];
        let admission = admit(&limits, &files);
        assert_eq!(admission.taken.len(), 2);
        assert_eq!(admission.left_out[0].why, Omission::Total);
    }

    #[test]
    fn an_address_and_a_type_have_their_longest() {
        let limits = AttachmentLimits::default();
        let at = |length: usize| Attachment {
            url: "x".repeat(length),
            ..file("a", 1, None)
        };
        assert_eq!(admit(&limits, &[at(MAX_URL)]).taken.len(), 1);
        let long = admit(&limits, &[at(MAX_URL + 1)]);
        assert_eq!(long.left_out[0].why, Omission::Address);

        let longest = format!("a/{}", "b".repeat(MAX_TYPE - 2));
        assert_eq!(media_type(&file("a", 1, Some(&longest))), longest);
        let longer = media_type(&file("a", 1, Some(&format!("{longest}b"))));
        assert_eq!(longer, "application/octet-stream");
    }

    #[test]
    fn types_are_patterns() {
        for (pattern, media_type, covered) in [
            ("*", "a/b", true),
            ("*/*", "a/b", true),
            ("a/*", "a/b", true),
            ("a/*", "ab/c", false),
            ("a*", "a/b", false),
            ("A/B", "a/b", true),
            ("a/b", "a/bc", false),
            ("", "a/b", false),
        ] {
            assert_eq!(covers(pattern, media_type), covered, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_is_bounded(
            names in vec((any::<String>(), any::<u64>(), any::<Option<String>>()), 0..20),
            factor in 1_usize..2000,
        ) {
            let files: Vec<Attachment> = names
                .iter()
                .map(|(name, size, media_type)| Attachment {
                    name: name.repeat(factor % 50),
                    size: *size,
                    media_type: media_type.clone(),
                    url: "u".repeat(factor * 2),
                })
                .collect();
            let kept = kept(&files);
            prop_assert!(kept.len() <= MAX_ATTACHMENTS);
            prop_assert!(weight(&kept) <= MAX_ATTACHMENTS * (MAX_NAME + MAX_TYPE + MAX_URL));
            let admission = admit(&AttachmentLimits::default(), &kept);
            prop_assert!(admission.taken.len() + admission.left_out.len() == kept.len());
            let total: u64 = admission.taken.iter().map(|file| file.size).sum();
            prop_assert!(total <= MAX_TOTAL);
        }
    }
}
