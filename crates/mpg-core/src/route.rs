//! What becomes of a message: one pure function.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::command::Command;
use crate::config::{Access, Project, RoutingTable};
use crate::id::AgentName;
use crate::message::{Author, AuthorKind, Message};

/// What the gateway knows about the thread of a message, and about its author there.
#[derive(Clone, Debug, Default)]
pub struct ThreadView {
    /// Whether the message was seen before.
    pub seen: bool,
    /// How many turns wait in the conversation.
    pub queued: usize,
    /// How many bytes of text wait in it.
    pub queued_bytes: usize,
    /// How long the author has to wait before the next message counts as slow enough.
    pub rate_limited_for: Option<Duration>,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Nothing, and nobody is told.
    Ignore(IgnoreReason),
    /// Nothing, and its author is told why.
    Refuse(RefuseReason),
    /// The gateway itself answers.
    Command(Command),
    /// An agent answers.
    Dispatch(Dispatch),
}

/// Why a message is passed over in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnoreReason {
    /// No person wrote it.
    Bot,
    /// Its channel belongs to no project.
    Unmapped,
    /// It was seen before.
    Duplicate,
}

/// Why a message is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefuseReason {
    /// Its author may not use the project.
    NotAllowed,
    /// Its author wrote too much in the last minute.
    TooFast {
        /// How long to wait.
        retry_after: Duration,
    },
    /// It says nothing.
    Empty,
    /// It consists of files alone.
    FilesOnly,
    /// Too much waits already.
    QueueFull,
}

/// A message for an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// The project.
    pub project: Arc<Project>,
    /// The agent; `None` is the project's default one.
    pub agent: Option<AgentName>,
    /// What it is asked.
    pub prompt: String,
    /// How many attached files it does not get to see.
    pub files_left_out: usize,
}

/// How many turns may wait in one conversation.
pub const MAX_QUEUED: usize = 100;

/// How many bytes of text may wait in one conversation.
pub const MAX_QUEUED_BYTES: usize = 1024 * 1024;

/// Decides what becomes of a message.
///
/// The order of the checks is part of the promise: who may not use a project learns nothing about
/// it, commands work in a full queue, and only work counts against the rate limit.
pub fn route(table: &RoutingTable, view: &ThreadView, message: &Message) -> Decision {
    if message.author.kind == AuthorKind::Bot {
        return Decision::Ignore(IgnoreReason::Bot);
    }
    let Some(project) = table.project_of(&message.place.channel) else {
        return Decision::Ignore(IgnoreReason::Unmapped);
    };
    if view.seen {
        return Decision::Ignore(IgnoreReason::Duplicate);
    }
    if !admits(&project.access, &message.author) {
        return Decision::Refuse(RefuseReason::NotAllowed);
    }
    if let Some(command) = Command::parse(&message.text) {
        return Decision::Command(command);
    }
    let prompt = message.text.trim();
    if prompt.is_empty() {
        return Decision::Refuse(if message.attachments.is_empty() {
            RefuseReason::Empty
        } else {
            RefuseReason::FilesOnly
        });
    }
    if let Some(retry_after) = view.rate_limited_for {
        return Decision::Refuse(RefuseReason::TooFast { retry_after });
    }
    if view.queued >= MAX_QUEUED || view.queued_bytes + prompt.len() > MAX_QUEUED_BYTES {
        return Decision::Refuse(RefuseReason::QueueFull);
    }
    Decision::Dispatch(Dispatch {
        project: Arc::clone(project),
        agent: None,
        prompt: prompt.to_owned(),
        files_left_out: message.attachments.len(),
    })
}

/// Whether `author` is among those whom `access` admits.
pub fn admits(access: &Access, author: &Author) -> bool {
    if access.roles.is_empty() && access.users.is_empty() {
        return true;
    }
    access.users.contains(&author.id)
        || author.roles.iter().any(|role| {
            access.roles.contains(&role.id)
                || role
                    .name
                    .as_ref()
                    .is_some_and(|name| access.roles.contains(name))
        })
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignore(IgnoreReason::Bot) => f.write_str("ignore: not a person"),
            Self::Ignore(IgnoreReason::Unmapped) => f.write_str("ignore: unmapped channel"),
            Self::Ignore(IgnoreReason::Duplicate) => f.write_str("ignore: seen before"),
            Self::Refuse(RefuseReason::NotAllowed) => f.write_str("refuse: not allowed"),
            Self::Refuse(RefuseReason::TooFast { retry_after }) => {
                write!(f, "refuse: too fast, wait {}s", retry_after.as_secs())
            }
            Self::Refuse(RefuseReason::Empty) => f.write_str("refuse: empty"),
            Self::Refuse(RefuseReason::FilesOnly) => f.write_str("refuse: files only"),
            Self::Refuse(RefuseReason::QueueFull) => f.write_str("refuse: queue full"),
            Self::Command(command) => write!(f, "command: {command}"),
            Self::Dispatch(dispatch) => {
                write!(f, "dispatch: {}", dispatch.project.name)?;
                if let Some(agent) = &dispatch.agent {
                    write!(f, " @{agent}")?;
                }
                write!(f, " {:?}", dispatch.prompt)?;
                match dispatch.files_left_out {
                    0 => Ok(()),
                    files => write!(f, " without {files} files"),
                }
            }
        }
    }
}
