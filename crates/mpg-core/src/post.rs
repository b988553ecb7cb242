//! What the gateway posts.

use std::borrow::Cow;
use std::fmt;

use crate::control::Control;
use crate::id::{AgentName, DeliveryId, MessageId, Place, SessionId, TurnId, UserId};
use crate::out_file::{Content, OutFile};
use crate::persona::{Persona, one_line};

/// One post: final text, already cut to the channel's limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Its id, which an adapter uses as idempotency key.
    pub id: DeliveryId,
    /// What it is for.
    pub kind: PostKind,
    /// The text, as Markdown. It may come from a model: an adapter neutralises every mention.
    pub text: String,
    /// The message or interaction that it replies to, where the platform can show that.
    pub reply_to: Option<MessageId>,
    /// The agent that it speaks for; `None` for the gateway and for a project's default agent.
    pub persona: Option<Persona>,
    /// A line below the text that is set apart from it, as [`Post::footer`] makes one.
    pub footer: Option<String>,
    /// What people can act on, where the channel has
    /// [controls](crate::capability::Capabilities::controls); the text says the same otherwise.
    pub controls: Vec<Control>,
    /// The person whom it calls, and nobody else: the one mention that an adapter makes.
    pub mentions: Option<UserId>,
    /// The [kept](PostKind::is_kept) post whose message this one takes over, instead of being one of
    /// its own.
    pub replaces: Option<DeliveryId>,
    /// What is attached to it, within the limits of the channel
    /// ([`Capabilities::files`](crate::capability::Capabilities::files)).
    pub files: Vec<OutFile>,
}

impl Post {
    /// The longest footer, in code points.
    pub const LONGEST_FOOTER: usize = 200;

    /// How many units of its channel a post leaves free from which an adapter leads elsewhere.
    pub const LINK_ROOM: usize = 64;

    /// A post with nothing but a text.
    pub fn new(id: DeliveryId, kind: PostKind, text: impl Into<String>) -> Self {
        Self {
            id,
            kind,
            text: text.into(),
            reply_to: None,
            persona: None,
            footer: None,
            controls: Vec::new(),
            mentions: None,
            replaces: None,
            files: Vec::new(),
        }
    }

    /// The text with the name and the footer as plain lines around it, for platforms on which they are
    /// no more than that. It fits where [`Capabilities::room`](crate::capability::Capabilities::room)
    /// was kept.
    pub fn in_lines(&self) -> Cow<'_, str> {
        match (&self.persona, &self.footer) {
            (None, None) => Cow::Borrowed(&self.text),
            (Some(persona), None) => Cow::Owned(format!("{persona}:\n{}", self.text)),
            (None, Some(footer)) => Cow::Owned(format!("{}\n({footer})", self.text)),
            (Some(persona), Some(footer)) => {
                Cow::Owned(format!("{persona}:\n{}\n({footer})", self.text))
            }
        }
    }

    /// What it says: the text that stands whole in a file, where the post only begins with it.
    pub fn said(&self) -> &str {
        let whole = self.files.iter().find_map(|file| match &file.content {
            Content::Text(text) => Some(&**text),
            Content::Kept(_) => None,
        });
        whole.unwrap_or(&self.text)
    }

    /// A footer of a text: its beginning, as one line; `None` of a blank one.
    pub fn footer(text: &str) -> Option<String> {
        let line = one_line(text, Self::LONGEST_FOOTER);
        Some(line).filter(|line| !line.is_empty())
    }
}

/// What a post is for: an adapter may render kinds differently, never drop one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostKind {
    /// A part of an agent's answer.
    Answer {
        /// The turn that it answers.
        turn: TurnId,
        /// The agent that speaks.
        agent: Option<AgentName>,
    },
    /// Why a turn has no answer.
    Failure {
        /// The turn that failed.
        turn: TurnId,
    },
    /// Something to know about a thread or a running turn.
    Notice,
    /// How a running turn goes. It is worth nothing once the turn has ended.
    Progress {
        /// The turn that runs.
        turn: TurnId,
    },
    /// The message in which a running turn is shown. Its edits are no deliveries, but the last one is:
    /// a [`Notice`](PostKind::Notice) that replaces it.
    Live {
        /// The turn that runs.
        turn: TurnId,
    },
    /// What the threads of its channel do. Its edits are no deliveries.
    Board,
    /// What a running turn asks people. A [`Notice`](PostKind::Notice) replaces it once that is
    /// answered.
    Request {
        /// The turn that waits.
        turn: TurnId,
    },
    /// What is asked from outside of every platform. Its message is taken as a person's once it is
    /// there.
    Prompt {
        /// Who answers; `None` is the project's default agent.
        agent: Option<AgentName>,
    },
    /// What a thread grows from that goes on with another one's conversation, once it is there. An
    /// adapter that can leads from it to the place of that one, within [`Post::LINK_ROOM`].
    Fork(Box<Fork>),
    /// What people are told from outside of every platform.
    Told,
    /// The reply to a command.
    Reply,
    /// A reply that only who asked needs to see, such as a refusal. A platform that cannot show it to
    /// one person alone shows it as any reply.
    Private,
}

/// A conversation that begins with what another one said so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The agent of both.
    pub agent: Option<AgentName>,
    /// The session of the other one.
    pub session: SessionId,
    /// Where the other one is.
    pub from: Place,
    /// Who wants it.
    pub author: UserId,
    /// What it is asked first, if it is asked something at once.
    pub prompt: Option<String>,
}

impl PostKind {
    /// Whether somebody waits for it: a post of this kind that cannot be made becomes a dead letter
    /// instead of nothing.
    pub fn is_awaited(&self) -> bool {
        match self {
            Self::Answer { .. }
            | Self::Failure { .. }
            | Self::Request { .. }
            | Self::Fork(_)
            | Self::Told => true,
            Self::Notice
            | Self::Progress { .. }
            | Self::Live { .. }
            | Self::Prompt { .. }
            | Self::Board
            | Self::Reply
            | Self::Private => false,
        }
    }

    /// Whether it is a reply to a command: looking at a thread is nothing that happens in it.
    pub fn is_reply(&self) -> bool {
        match self {
            Self::Reply | Self::Private => true,
            Self::Answer { .. }
            | Self::Failure { .. }
            | Self::Notice
            | Self::Progress { .. }
            | Self::Live { .. }
            | Self::Board
            | Self::Request { .. }
            | Self::Prompt { .. }
            | Self::Fork(_)
            | Self::Told => false,
        }
    }

    /// Whether its message is remembered, so that other posts can take it over: until one does that
    /// is of another sort.
    pub fn is_kept(&self) -> bool {
        match self {
            Self::Live { .. } | Self::Board | Self::Request { .. } => true,
            Self::Answer { .. }
            | Self::Failure { .. }
            | Self::Notice
            | Self::Progress { .. }
            | Self::Prompt { .. }
            | Self::Fork(_)
            | Self::Told
            | Self::Reply
            | Self::Private => false,
        }
    }

    /// One word for logs and transcripts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Answer { .. } => "answer",
            Self::Failure { .. } => "failure",
            Self::Notice => "notice",
            Self::Progress { .. } => "progress",
            Self::Live { .. } => "live",
            Self::Board => "board",
            Self::Request { .. } => "request",
            Self::Prompt { .. } => "prompt",
            Self::Fork(_) => "fork",
            Self::Told => "told",
            Self::Reply => "reply",
            Self::Private => "private",
        }
    }
}

/// The sign on a person's message that tells what becomes of it. A message has one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Taken on; it waits.
    Received,
    /// An agent thinks or writes.
    Thinking,
    /// It reads or searches files.
    Reading,
    /// It changes files.
    Editing,
    /// It runs a command, or another tool.
    Running,
    /// It asks the network.
    Web,
    /// It waits for a person.
    Waiting,
    /// It shows no sign of life.
    Stalled,
    /// Answered.
    Done,
    /// Ended without an answer.
    Failed,
    /// Ended by a person.
    Stopped,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Received,
        Self::Thinking,
        Self::Reading,
        Self::Editing,
        Self::Running,
        Self::Web,
        Self::Waiting,
        Self::Stalled,
        Self::Done,
        Self::Failed,
        Self::Stopped,
    ];

    /// Whether it tells how something goes, and not what became of it: worth nothing once another one
    /// follows.
    pub fn is_passing(self) -> bool {
        match self {
            Self::Thinking
            | Self::Reading
            | Self::Editing
            | Self::Running
            | Self::Web
            | Self::Waiting
            | Self::Stalled => true,
            Self::Received | Self::Done | Self::Failed | Self::Stopped => false,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Received => "received",
            Self::Thinking => "thinking",
            Self::Reading => "reading",
            Self::Editing => "editing",
            Self::Running => "running",
            Self::Web => "web",
            Self::Waiting => "waiting",
            Self::Stalled => "stalled",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        })
    }
}
