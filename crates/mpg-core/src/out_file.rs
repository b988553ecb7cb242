//! Files that go out with posts.

use std::sync::Arc;

use thiserror::Error;

use crate::capability::FileLimits;
use crate::id::{FileId, SessionId};
use crate::wording::size;

/// A file that a post has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutFile {
    /// Its name, as [`file_name`](crate::attachment::file_name) makes one.
    pub name: String,
    /// How large it is, in bytes.
    pub size: u64,
    /// What is in it.
    pub content: Content,
}

/// What is in a file that goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// This text.
    Text(Arc<str>),
    /// What was copied when it was handed over. The copy is kept until the post is made or left out.
    Kept(FileId),
}

impl OutFile {
    /// A file of text.
    pub fn text(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        Self {
            name: name.into(),
            size: text.len() as u64,
            content: Content::Text(text),
        }
    }

    /// The copy that it is, if it is one.
    pub fn kept(&self) -> Option<FileId> {
        match &self.content {
            Content::Text(_) => None,
            Content::Kept(file) => Some(*file),
        }
    }
}

/// Files that an agent hands to its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The session whose agent hands them over.
    pub session: SessionId,
    /// The files: copies that are [kept](Content::Kept).
    pub files: Vec<OutFile>,
    /// What it says about them; blank if nothing.
    pub caption: String,
}

/// What an agent may hand to its thread just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferTerms {
    /// Where the session works: nothing else is handed over.
    pub directory: String,
    /// Which files the posts of its thread may have.
    pub limits: FileLimits,
    /// How many more files its turn may hand over.
    pub left: usize,
}

/// Why files are not handed over.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OfferRefusal {
    /// No turn of the session runs.
    #[error("no turn of this session is running, so nobody waits for a file")]
    NoTurn,
    /// Posts of the thread have no files.
    #[error("this channel takes no files")]
    Unsupported,
    /// The turn has handed over enough.
    #[error("a turn hands over at most {MAX_FILES} files; put the rest into an archive")]
    TooMany,
    /// One of them is too large for the channel.
    #[error("{name} is larger than {}, which is the most that this channel takes", size(*limit))]
    TooLarge {
        /// Its name.
        name: String,
        /// The most that a post takes, in bytes.
        limit: u64,
    },
    /// The thread is owed too much already.
    #[error("too much waits to be posted in this thread; try again later")]
    Busy,
}

/// How many files one turn may hand over.
pub const MAX_FILES: usize = 20;

/// How long what an agent says about its files may be, in bytes.
pub const LONGEST_CAPTION: usize = 4_000;
