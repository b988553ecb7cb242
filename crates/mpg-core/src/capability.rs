//! What a channel can do, as data: the core asks these values and never which platform it is.

use std::time::Duration;

use thiserror::Error;

use crate::persona::Persona;
use crate::post::Post;

/// What one channel of a platform can do.
///
/// The default is a channel that can only be posted to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that a channel can do or not"
)]
pub struct Capabilities {
    /// Whether it is a conversation of one person with the gateway, with nobody else in it.
    pub direct: bool,
    /// Whether a thread can be opened from a message, and how its id is learned.
    pub threads: Threads,
    /// The longest text that one post takes.
    pub post_limit: TextLimit,
    /// The longest text of a post with a persona, where its name and its footer do not count as text.
    /// `None`: they are lines of the text.
    pub persona_limit: Option<TextLimit>,
    /// Whether a typing notice can be shown.
    pub typing: bool,
    /// Whether a message can carry a status sign.
    pub status: bool,
    /// Whether the text of a running turn can be shown while it grows, and how often it may change.
    pub live: Option<LivePace>,
    /// How often messages of a place may be changed; `None` where they stay as they are.
    pub edits: Option<EditPace>,
    /// Whether a message can be kept where everybody finds it.
    pub pins: bool,
    /// Whether a text between two pairs of bars is hidden until somebody wants to see it.
    pub spoilers: bool,
    /// Whether people can act on a post.
    pub controls: Controls,
    /// Which files a post may have; `None` where it has none.
    pub files: Option<FileLimits>,
    /// How a post whose outcome is unknown can be found again.
    pub reconcile: Reconcile,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            direct: false,
            threads: Threads::None,
            post_limit: TextLimit {
                max: 2000,
                unit: TextUnit::CodePoints,
            },
            persona_limit: None,
            typing: false,
            status: false,
            live: None,
            edits: None,
            pins: false,
            spoilers: false,
            controls: Controls::None,
            files: None,
            reconcile: Reconcile::None,
        }
    }
}

impl Capabilities {
    /// How many units an adapter may add to each of a name and a footer that are lines of the text,
    /// the end of the line included.
    pub const LINE_MARKS: usize = 8;

    /// The longest text of a post with this persona and this footer. It may be too small to be used:
    /// below [`TextLimit::SMALLEST`].
    pub fn room(&self, persona: Option<&Persona>, footer: Option<&str>) -> TextLimit {
        if let (Some(_), Some(limit)) = (persona, self.persona_limit) {
            return limit;
        }
        let unit = self.post_limit.unit;
        let lines = persona.map(Persona::name).into_iter().chain(footer);
        let taken: usize = lines.map(|line| unit.count(line) + Self::LINE_MARKS).sum();
        TextLimit {
            max: self.post_limit.max.saturating_sub(taken),
            unit,
        }
    }

    /// Refuses a post whose text is longer than it may be with its persona and its footer.
    pub fn fits(&self, post: &Post) -> Result<(), TooLong> {
        let TextLimit { max, unit } = self.room(post.persona.as_ref(), post.footer.as_deref());
        let length = unit.count(&post.text);
        if length <= max {
            return Ok(());
        }
        Err(TooLong { length, max })
    }
}

/// Why a post cannot be made as it is.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the post has {length} characters, and one like it has at most {max}")]
pub struct TooLong {
    /// How long its text is, in the channel's unit.
    pub length: usize,
    /// How long it may be.
    pub max: usize,
}

/// Whether threads exist, and when the id of a new one is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// There are none: the channel is the conversation.
    None,
    /// A thread gets the id of the message that it grows from, so work can begin before it is open.
    FromMessage,
    /// The platform tells the id when the thread is open.
    Assigned,
}

/// How long a text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextLimit {
    /// The number of units, at least [`TextLimit::SMALLEST`].
    pub max: usize,
    /// What is counted.
    pub unit: TextUnit,
}

impl TextLimit {
    /// The smallest limit that text can be split by; smaller ones are raised to it.
    pub const SMALLEST: usize = 64;
}

/// What a platform counts when it limits the length of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextUnit {
    /// Bytes of UTF-8.
    Bytes,
    /// Unicode scalar values.
    CodePoints,
    /// UTF-16 code units.
    Utf16,
}

impl TextUnit {
    /// The length of `text` in this unit.
    pub fn count(self, text: &str) -> usize {
        match self {
            Self::Bytes => text.len(),
            Self::CodePoints => text.chars().count(),
            Self::Utf16 => text.encode_utf16().count(),
        }
    }
}

/// How often a live text may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LivePace {
    /// The shortest time between two changes in one channel.
    pub interval: Duration,
}

/// Which files a post may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLimits {
    /// How large all files of one post may be together, in bytes.
    pub size: u64,
    /// How many there may be.
    pub count: usize,
}

/// Whether people can act on a post with more than a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controls {
    /// They cannot: they write what they want.
    None,
    /// There are buttons and choices.
    Buttons,
    /// There are buttons and choices, and buttons can open forms.
    Forms,
}

/// How often the messages of one place may be changed, all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditPace {
    /// How many changes.
    pub edits: u32,
    /// In which time.
    pub per: Duration,
    /// How many changes a second of all places of the platform may only tell how something goes.
    pub passing: u32,
}

/// How long a platform remembers at the least that a post with this id was made, where its channels
/// reconcile by [`Reconcile::Nonce`].
///
/// Discord says "in the past few minutes" (the message resource of its documentation); the others
/// have to keep up with that.
pub const NONCE_LIFE: Duration = Duration::from_mins(2);

/// What tells whether a post whose outcome is unknown has happened, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconcile {
    /// Repeating it with the same id posts it at most once, for [`NONCE_LIFE`].
    Nonce,
    /// The posted message carries the id where it can be read back.
    Marker,
    /// Own messages can be listed and compared.
    History,
    /// Nothing does.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_has_room_for_what_is_not_its_text() {
        let lines = Capabilities::default();
        let beside = Capabilities {
            persona_limit: Some(TextLimit {
                max: 4096,
                unit: TextUnit::Utf16,
            }),
            ..Capabilities::default()
        };
        let ann = Persona::new("Ann", None);
        let room = |can: &Capabilities, persona, footer| can.room(persona, footer).max;
        assert_eq!(room(&lines, None, None), 2000);
        assert_eq!(room(&lines, Some(&ann), None), 2000 - 11);
        assert_eq!(room(&lines, None, Some("note")), 2000 - 12);
        assert_eq!(room(&lines, Some(&ann), Some("note")), 2000 - 23);
        assert_eq!(room(&beside, None, Some("note")), 2000 - 12);
        assert_eq!(room(&beside, Some(&ann), Some("note")), 4096);
        let tiny = Capabilities {
            post_limit: TextLimit {
                max: 8,
                unit: TextUnit::Bytes,
            },
            ..Capabilities::default()
        };
        assert_eq!(room(&tiny, Some(&ann), Some("note")), 0);
    }
}
