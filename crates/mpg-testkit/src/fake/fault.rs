//! What goes wrong on the platform.

use std::fmt;
use std::time::Duration;

use mpg_core::port::DeliveryError;

/// Something that the platform is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// `Outbox::post`.
    Post,
    /// `Outbox::upload`.
    Upload,
    /// `Outbox::edit`.
    Edit,
    /// `Outbox::pin`.
    Pin,
    /// `Outbox::sent`.
    Sent,
    /// `Outbox::missed`.
    Missed,
    /// `Outbox::open_thread`.
    OpenThread,
    /// `Outbox::rename_thread`.
    RenameThread,
    /// `Outbox::set_status`.
    SetStatus,
    /// `Outbox::typing`.
    Typing,
    /// `Outbox::show`.
    Show,
    /// `Outbox::fetch`.
    Fetch,
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not done, and may work later.
    Transient {
        /// How long the platform asks to wait.
        retry_after: Option<Duration>,
    },
    /// It is not done, and nobody is told.
    Lost,
    /// It is done, and nobody is told.
    ReplyLost,
    /// The place counts as gone for this call.
    Gone,
    /// It is refused as wrong.
    Rejected,
    /// It is refused as impossible.
    Unsupported,
    /// It is done, later.
    Delay(Duration),
    /// It never ends.
    Hang,
    /// The adapter panics.
    Panic,
}

impl Fault {
    /// Why the call is not done; `None` if it is.
    pub(super) fn prevents(self) -> Option<DeliveryError> {
        let reason = "as it was told to".to_owned();
        match self {
            Self::Transient { retry_after } => Some(DeliveryError::Transient {
                retry_after,
                message: reason,
            }),
            Self::Lost => Some(DeliveryError::Unknown(reason)),
            Self::Gone => Some(DeliveryError::Gone(reason)),
            Self::Rejected => Some(DeliveryError::Rejected(reason)),
            Self::Unsupported => Some(DeliveryError::Unsupported),
            Self::ReplyLost | Self::Delay(_) | Self::Hang | Self::Panic => None,
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Post => "post",
            Self::Upload => "upload",
            Self::Edit => "edit",
            Self::Pin => "pin",
            Self::Sent => "look for a post",
            Self::Missed => "look back",
            Self::OpenThread => "open thread",
            Self::RenameThread => "rename thread",
            Self::SetStatus => "sign",
            Self::Typing => "typing",
            Self::Show => "live",
            Self::Fetch => "fetch",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transient { retry_after: None } => f.write_str("not for now"),
            Self::Transient {
                retry_after: Some(wait),
            } => write!(f, "not for {wait:?}"),
            Self::Lost => f.write_str("lost"),
            Self::ReplyLost => f.write_str("reply lost"),
            Self::Gone => f.write_str("gone"),
            Self::Rejected => f.write_str("rejected"),
            Self::Unsupported => f.write_str("unsupported"),
            Self::Delay(delay) => write!(f, "delayed by {delay:?}"),
            Self::Hang => f.write_str("hangs"),
            Self::Panic => f.write_str("panics"),
        }
    }
}
