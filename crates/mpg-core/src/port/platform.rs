//! What the engine needs from platforms: what comes in, what goes out, and how it went wrong.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;

use super::file::{Download, FetchError, Upload};
use crate::capability::{Capabilities, TooLong};
use crate::catch_up::{Missed, MissedRequest};
use crate::id::{MessageId, MessageRef, Place, PlatformId, Position, TurnId};
use crate::message::{Attachment, Inbound};
use crate::persona::Persona;
use crate::post::{Post, Status};

/// A connected adapter.
#[derive(Debug)]
pub struct Connection {
    /// The adapter's platform: the prefix of its channels in the configuration.
    pub platform: PlatformId,
    /// What comes in.
    pub inbox: Box<dyn Inbox>,
    /// What goes out.
    pub outbox: Arc<dyn Outbox>,
}

/// What comes in from a platform.
#[async_trait]
pub trait Inbox: Debug + Send {
    /// The next thing that happened, and how far the adapter has read with it; `None` when nothing
    /// will ever come again.
    ///
    /// Reconnecting is the adapter's own business; it reports it as [`Inbound::Link`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    async fn next(&mut self) -> Option<(Inbound, Option<Position>)>;

    /// Says that everything up to `position` is stored for good.
    fn ack(&self, position: &Position) {
        let _ = position;
    }
}

/// What goes out to a platform. Only [`post`](Outbox::post) is required; what a platform cannot do
/// stays unsupported, and [`Capabilities`] says so.
#[async_trait]
pub trait Outbox: Debug + Send + Sync {
    /// What the place can do. Usable before the platform is connected.
    fn capabilities(&self, place: &Place) -> Capabilities;

    /// Posts, and tells the message that it became.
    ///
    /// Repeating a post with the same id within [`NONCE_LIFE`](crate::capability::NONCE_LIFE) must
    /// not show it twice where the channel's `reconcile` is a nonce.
    async fn post(&self, place: &Place, post: &Post) -> Result<MessageId, DeliveryError>;

    /// Posts with files: those of the post, in order, with what is in them. As
    /// [`post`](Outbox::post) in everything else.
    ///
    /// [`DeliveryError::Unsupported`] if it is the files that are not taken: then it is posted
    /// without them.
    async fn upload(
        &self,
        place: &Place,
        post: &Post,
        files: &[Upload],
    ) -> Result<MessageId, DeliveryError> {
        let _ = (place, post, files);
        Err(DeliveryError::Unsupported)
    }

    /// Makes one of our own messages another post. Saying it again changes nothing.
    async fn edit(
        &self,
        place: &Place,
        message: &MessageId,
        post: &Post,
    ) -> Result<(), DeliveryError> {
        let _ = (place, message, post);
        Err(DeliveryError::Unsupported)
    }

    /// Keeps one of our own messages where everybody finds it. Saying it again changes nothing.
    async fn pin(&self, place: &Place, message: &MessageId) -> Result<(), DeliveryError> {
        let _ = (place, message);
        Err(DeliveryError::Unsupported)
    }

    /// What in a text leads people to a place; `None` where nothing does.
    fn link(&self, place: &Place) -> Option<String> {
        let _ = place;
        None
    }

    /// What in a text tells everybody how long ago something was, at the time of reading; `None` where
    /// nothing does.
    fn moment(&self, at: Timestamp) -> Option<String> {
        let _ = at;
        None
    }

    /// Looks in a place, behind the message `after`, for one of our own that is this post, and tells
    /// the message that it became.
    ///
    /// Only messages of the gateway count, and only those that say what
    /// [`post`](Outbox::post) would make of it, or that carry its id. Where the place was never
    /// posted to before, there is no `after`. How far back it looks is limited, beginning with what
    /// is newest.
    async fn sent(
        &self,
        place: &Place,
        after: Option<&MessageId>,
        post: &Post,
    ) -> Result<Option<MessageId>, DeliveryError> {
        let _ = (place, after, post);
        Err(DeliveryError::Unsupported)
    }

    /// Reads back what people said in a channel and in all of its threads, those that were opened or
    /// archived meanwhile included.
    ///
    /// Messages are as they are now: who edited one said what it says now, and who removed one said
    /// nothing. Places that cannot be read are left out. It is asked whenever the adapter tells of
    /// [`Link::Connected`](crate::message::Link::Connected), and should cost little where nothing
    /// is new.
    async fn missed(&self, request: &MissedRequest) -> Result<Missed, DeliveryError> {
        let _ = request;
        Err(DeliveryError::Unsupported)
    }

    /// Opens a thread from a message. A thread that is open already is a success.
    async fn open_thread(&self, from: &MessageRef, title: &str) -> Result<Place, DeliveryError> {
        let _ = (from, title);
        Err(DeliveryError::Unsupported)
    }

    /// Gives a thread another title.
    async fn rename_thread(&self, thread: &Place, title: &str) -> Result<(), DeliveryError> {
        let _ = (thread, title);
        Err(DeliveryError::Unsupported)
    }

    /// Replaces the status sign on a message.
    async fn set_status(&self, message: &MessageRef, status: Status) -> Result<(), DeliveryError> {
        let _ = (message, status);
        Err(DeliveryError::Unsupported)
    }

    /// Shows for some seconds that something is being written.
    async fn typing(&self, place: &Place) -> Result<(), DeliveryError> {
        let _ = place;
        Err(DeliveryError::Unsupported)
    }

    /// Begins to fetch a file that came with a message, of at most `limit` bytes.
    ///
    /// Only from the platform's own hosts and those that are configured, redirects included: the
    /// address is untrusted. What is told of the file counts for nothing, and the caller counts too.
    async fn fetch(
        &self,
        attachment: &Attachment,
        limit: u64,
    ) -> Result<Box<dyn Download>, FetchError> {
        let _ = (attachment, limit);
        Err(FetchError::Unsupported)
    }

    /// Shows the newest state of a running turn. It is a view: the answer is posted all the same.
    async fn show(&self, place: &Place, frame: &LiveFrame) -> Result<(), DeliveryError> {
        let _ = (place, frame);
        Err(DeliveryError::Unsupported)
    }
}

/// A running turn as it looks at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFrame {
    /// The turn.
    pub turn: TurnId,
    /// All that it has written so far. It only grows within a turn, except after a restart of the
    /// gateway, when what came first may turn out to be an earlier turn's.
    pub text: String,
    /// What came between the parts of the text, such as steps that ended: the newest ones, oldest
    /// first. Each is shown once.
    pub lines: Vec<LiveLine>,
    /// What it does just now, in one line.
    pub activity: Option<String>,
    /// Whom it speaks for.
    pub persona: Option<Persona>,
}

/// A line of a running turn, or some that belong together, as Markdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveLine {
    /// Its number among the lines of the turn: they are counted from 0 on.
    pub number: u64,
    /// How much of the frame's text stands before it, in bytes.
    pub at: usize,
    /// What it says.
    pub text: String,
}

/// Why something was not delivered: what the caller must do about it.
#[derive(Debug, Error)]
pub enum DeliveryError {
    /// The place is gone or closed to us: nothing will ever be delivered there.
    #[error("the place is gone: {0}")]
    Gone(String),
    /// It did not happen, and may work later.
    #[error("not delivered for now: {message}")]
    Transient {
        /// How long the platform asks to wait.
        retry_after: Option<Duration>,
        /// What happened.
        message: String,
    },
    /// The platform does not take this: the fault is ours, and repeating does not help.
    #[error("rejected: {0}")]
    Rejected(String),
    /// It was made before, and somebody removed it since.
    #[error("it was made before, and removed since: {0}")]
    Removed(String),
    /// It may have happened or not.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// The platform cannot do this, or does not let us.
    #[error("not supported here")]
    Unsupported,
}

impl From<TooLong> for DeliveryError {
    fn from(error: TooLong) -> Self {
        Self::Rejected(error.to_string())
    }
}
