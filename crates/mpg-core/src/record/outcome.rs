//! What became of a message, a session and a turn.

use crate::agent::TurnFailure;

/// What was decided about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It became turns.
    Accepted,
    /// It was a command.
    Command,
    /// It was refused.
    Refused,
}

impl Disposition {
    /// All dispositions.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Command, Self::Refused];

    /// One word for logs, stores and transcripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Command => "command",
            Self::Refused => "refused",
        }
    }
}

/// Why a conversation lost its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnboundReason {
    /// Somebody asked for fresh context.
    Restarted,
    /// Somebody ended the conversation.
    Killed,
    /// Other conversations were used more recently (`max-sessions`).
    Retired,
    /// The agent no longer has it.
    Lost,
    /// It was begun for one question, which has been asked.
    Done,
}

impl UnboundReason {
    /// All reasons.
    pub const ALL: [Self; 5] = [
        Self::Restarted,
        Self::Killed,
        Self::Retired,
        Self::Lost,
        Self::Done,
    ];

    /// One word for logs, stores and transcripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Restarted => "restarted",
            Self::Killed => "killed",
            Self::Retired => "retired",
            Self::Lost => "lost",
            Self::Done => "done",
        }
    }
}

/// What a running turn waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkReason {
    /// The end of a usage limit.
    UsageLimit,
    /// Somebody who says whether it goes on, now that it was cut off.
    Interrupted,
    /// Another day, as its budget is used up. It has not begun.
    Budget,
}

impl ParkReason {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::UsageLimit, Self::Interrupted, Self::Budget];

    /// One word for logs, stores and transcripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::UsageLimit => "usage-limit",
            Self::Interrupted => "interrupted",
            Self::Budget => "budget",
        }
    }
}

/// How a turn ended, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnOutcome {
    /// With an answer, which is among the deliveries of the same commit.
    Answered,
    /// Without one.
    Failed(TurnFailure),
    /// A person stopped it.
    Stopped,
    /// Its thread is gone.
    Abandoned,
}

/// The word for what became of a turn that another one took in, for stores and lists.
pub const ABSORBED: &str = "absorbed";

impl TurnOutcome {
    /// One word for logs, stores and lists.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed(_) => "failed",
            Self::Stopped => "stopped",
            Self::Abandoned => "abandoned",
        }
    }

    /// Why there is no answer, where a failure is why.
    pub fn failure(&self) -> Option<&TurnFailure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::Answered | Self::Stopped | Self::Abandoned => None,
        }
    }
}
