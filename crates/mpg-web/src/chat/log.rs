//! What was said and posted lately, and what is shown of what runs.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use mpg_core::control::Control;
use mpg_core::id::{DeliveryId, MessageId, Place, TurnId};
use mpg_core::port::LiveFrame;
use mpg_core::post::{Post, Status};

use super::number;

/// How many digits a number is written with, so that numbers sort as texts.
pub(super) const DIGITS: usize = 20;

/// How many messages and posts are remembered, of all places together.
const MOST_ENTRIES: usize = 4_096;

/// How much they may say together, in bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How many posts one message is known as.
const MOST_POSTS: usize = 8;

/// How many turns that have ended are remembered, so that what comes late of them is not shown.
const MOST_ENDED: usize = 256;

/// How many turns are shown at once, the ones that changed last.
const MOST_FRAMES: usize = 64;

/// How many keys of messages are remembered.
const MOST_KEYS: usize = 1_024;

/// The longest key that is remembered, in bytes.
const LONGEST_KEY: usize = 100;

/// A message or a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: MessageId,
    /// Where it stands.
    pub place: Place,
    /// When it was said.
    pub at: Timestamp,
    /// What becomes of it.
    pub status: Option<Status>,
    /// What it says.
    pub said: Said,
    /// The posts that it was, the first one and the last ones.
    pub(crate) posts: Vec<DeliveryId>,
}

/// What a message or post says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Somebody wrote.
    ByPerson {
        /// Who.
        name: String,
        /// What, as Markdown.
        text: String,
    },
    /// The gateway posted.
    Posted(Box<Post>),
}

impl Said {
    /// How much it takes, in bytes, about.
    fn size(&self) -> usize {
        match self {
            Self::ByPerson { name, text } => name.len() + text.len(),
            Self::Posted(post) => post.text.len(),
        }
    }
}

/// What was said and posted lately.
#[derive(Debug)]
pub(super) struct Log {
    /// Oldest first.
    entries: VecDeque<Entry>,
    bytes: usize,
    first: u64,
    next: u64,
    keys: VecDeque<(String, MessageId)>,
    /// The ones that changed last are last.
    frames: VecDeque<(Place, Arc<LiveFrame>)>,
    ended: VecDeque<TurnId>,
}

/// What became of a change to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    /// It is another post now.
    Done,
    /// It is one that is not remembered: pages show what replaces it as a post of its own.
    Forgotten,
    /// There never was such a message.
    Missing,
}

impl Log {
    pub(super) fn new(first: u64) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            first,
            next: first,
            keys: VecDeque::new(),
            frames: VecDeque::new(),
            ended: VecDeque::new(),
        }
    }

    pub(super) fn next_id(&mut self) -> MessageId {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        MessageId::new(format!("{number:0DIGITS$}"))
    }

    /// Whether a message may have this id: it has a number that was given, here or before.
    pub(super) fn has_numbered(&self, id: &str) -> bool {
        number(id).is_some_and(|number| number < self.next)
    }

    pub(super) fn add(&mut self, place: Place, at: Timestamp, said: Said) -> MessageId {
        let id = self.next_id();
        self.bytes += said.size();
        let posts = match &said {
            Said::Posted(post) => vec![post.id],
            Said::ByPerson { .. } => Vec::new(),
        };
        self.entries.push_back(Entry {
            id: id.clone(),
            place,
            at,
            status: None,
            said,
            posts,
        });
        while self.entries.len() > MOST_ENTRIES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= oldest.said.size();
        }
        id
    }

    /// The message that was said under this key.
    pub(super) fn said_as(&self, key: &str) -> Option<MessageId> {
        let mut keys = self.keys.iter();
        let known = keys.find(|(known, _)| known == key);
        known.map(|(_, id)| id.clone())
    }

    pub(super) fn know(&mut self, key: &str, id: &MessageId) {
        if key.is_empty() || key.len() > LONGEST_KEY {
            return;
        }
        if self.keys.len() >= MOST_KEYS {
            self.keys.pop_front();
        }
        self.keys.push_back((key.to_owned(), id.clone()));
    }

    /// The message that a post became.
    pub(super) fn posted(&self, delivery: &DeliveryId) -> Option<&MessageId> {
        let mut entries = self.entries.iter().rev();
        let found = entries.find(|entry| entry.is(delivery));
        found.map(|entry| &entry.id)
    }

    /// The message that a post became in a place, behind another one.
    pub(super) fn sent(
        &self,
        place: &Place,
        after: Option<&MessageId>,
        delivery: &DeliveryId,
    ) -> Option<MessageId> {
        let mut entries = self.entries.iter();
        let found = entries.find(|entry| {
            entry.place == *place
                && after.is_none_or(|after| entry.id > *after)
                && entry.is(delivery)
        });
        found.map(|entry| entry.id.clone())
    }

    pub(super) fn replace(&mut self, message: &MessageId, post: &Post) -> Replaced {
        let mut entries = self.entries.iter_mut();
        if let Some(entry) = entries.find(|entry| entry.id == *message) {
            self.bytes -= entry.said.size();
            entry.said = Said::Posted(Box::new(post.clone()));
            if !entry.posts.contains(&post.id) {
                entry.posts.truncate(MOST_POSTS - 1);
                entry.posts.push(post.id);
            }
            self.bytes += entry.said.size();
            return Replaced::Done;
        }
        let oldest = self.entries.front();
        let oldest = oldest.and_then(|entry| number(entry.id.as_str()));
        match number(message.as_str()) {
            Some(number) if number < oldest.unwrap_or(self.first) => Replaced::Forgotten,
            Some(_) | None => Replaced::Missing,
        }
    }

    pub(super) fn set_status(&mut self, message: &MessageId, status: Status) {
        let mut entries = self.entries.iter_mut().rev();
        if let Some(entry) = entries.find(|entry| entry.id == *message) {
            entry.status = Some(status);
        }
    }

    pub(super) fn controls(&self, place: &Place, message: &MessageId) -> Option<&[Control]> {
        let mut entries = self.entries.iter().rev();
        let entry = entries.find(|entry| entry.id == *message && entry.place == *place)?;
        match &entry.said {
            Said::Posted(post) => Some(&post.controls),
            Said::ByPerson { .. } => None,
        }
    }

    pub(super) fn show(&mut self, place: &Place, frame: LiveFrame) {
        if self.ended.contains(&frame.turn) {
            return;
        }
        self.frames.retain(|(_, shown)| shown.turn != frame.turn);
        if self.frames.len() >= MOST_FRAMES {
            self.frames.pop_front();
        }
        self.frames.push_back((place.clone(), Arc::new(frame)));
    }

    /// A turn is shown no more: its answer stands there.
    pub(super) fn end(&mut self, turn: TurnId) {
        self.frames.retain(|(_, frame)| frame.turn != turn);
        if !self.ended.contains(&turn) {
            if self.ended.len() >= MOST_ENDED {
                self.ended.pop_front();
            }
            self.ended.push_back(turn);
        }
    }

    pub(super) fn entries(&self, place: &Place) -> Vec<Entry> {
        let begins = |entry: &&Entry| {
            entry.place == *place
                || (entry.place.thread.is_none()
                    && entry.place.channel == place.channel
                    && place
                        .thread
                        .as_ref()
                        .is_some_and(|thread| thread.as_str() == entry.id.as_str()))
        };
        self.entries.iter().filter(begins).cloned().collect()
    }

    pub(super) fn frames(&self, place: &Place) -> Vec<Arc<LiveFrame>> {
        let here = self.frames.iter().filter(|(at, _)| at == place);
        here.map(|(_, frame)| Arc::clone(frame)).collect()
    }
}

impl Entry {
    /// Whether it is this post, or was.
    pub(crate) fn is(&self, delivery: &DeliveryId) -> bool {
        self.posts.contains(delivery)
    }
}
