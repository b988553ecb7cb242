//! What the control socket tells: how things are, for people and scripts.

use std::time::Duration;

use jiff::Timestamp;
use mpg_core::gateway::{ActiveConversation, OpenRequest};
use mpg_core::message::Link;
use mpg_core::snapshot::DeadLetter;
use mpg_core::token::Token;
use mpg_engine::Status;
use serde::{Deserialize, Serialize};

use crate::sent::{Ending, Stage};

/// A configuration that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReloadView {
    /// What is different, for people.
    pub(crate) changes: Vec<String>,
    /// What takes effect at the next start only.
    pub(crate) needs_restart: Vec<String>,
}

/// A gateway that was told to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StopView {
    /// How many turns run.
    pub(crate) turns: u32,
    /// Whether they are waited for.
    pub(crate) waits: bool,
    /// How long that is, at the most.
    pub(crate) limit_seconds: u64,
}

/// What became of something that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SentView {
    /// `posting`, `working`, `answered`, `failed`, `stopped`, `lost` or `unknown`.
    pub(crate) state: String,
    pub(crate) thread: Option<String>,
    /// What was answered, or why there is no answer.
    pub(crate) text: String,
}

impl SentView {
    pub(crate) fn new(found: Option<(Stage, String)>) -> Self {
        let Some((stage, text)) = found else {
            return Self {
                state: "unknown".to_owned(),
                thread: None,
                text: "the gateway was started again since, or much else was asked meanwhile; the \
                       answer comes in the channel\n"
                    .to_owned(),
            };
        };
        let (name, root, text) = match stage {
            Stage::Posting => ("posting", None, text),
            Stage::Working(root) => ("working", Some(root), text),
            Stage::Ended(root, Ending::Answered) => ("answered", Some(root), text),
            Stage::Ended(root, Ending::Failed) => ("failed", Some(root), text),
            Stage::Ended(root, Ending::Stopped) => ("stopped", Some(root), text),
            Stage::Lost(reason) => ("lost", None, format!("{reason}\n")),
        };
        Self {
            state: name.to_owned(),
            thread: root.map(|root| root.to_string()),
            text,
        }
    }
}

/// What the gateway is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatusView {
    pub(crate) pid: u32,
    pub(crate) version: String,
    pub(crate) uptime_seconds: u64,
    pub(crate) draining: bool,
    pub(crate) conversations: usize,
    pub(crate) turns: u32,
    pub(crate) queued: usize,
    pub(crate) owed_posts: usize,
    pub(crate) undelivered: usize,
    pub(crate) links: Vec<LinkView>,
    pub(crate) active: Vec<ActiveView>,
}

impl StatusView {
    pub(crate) fn new(status: &Status, uptime: Duration) -> Self {
        let overview = &status.overview;
        Self {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: uptime.as_secs(),
            draining: status.draining,
            conversations: overview.conversations,
            turns: overview.turns,
            queued: overview.queued,
            owed_posts: overview.posts,
            undelivered: status.dead_letters.len(),
            links: status
                .links
                .iter()
                .map(|(platform, link)| LinkView {
                    platform: platform.to_string(),
                    connected: is_connected(link),
                    state: link.to_string(),
                })
                .collect(),
            active: overview.active.iter().map(ActiveView::new).collect(),
        }
    }
}

/// The connection to a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkView {
    pub(crate) platform: String,
    pub(crate) connected: bool,
    pub(crate) state: String,
}

/// A conversation that does something or has an agent ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ActiveView {
    pub(crate) conversation: String,
    pub(crate) project: String,
    pub(crate) session: Option<String>,
    pub(crate) activity: String,
    pub(crate) since: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) queued: usize,
}

impl ActiveView {
    fn new(active: &ActiveConversation) -> Self {
        let activity = active.activity;
        Self {
            conversation: active.conversation.to_string(),
            project: active.project.to_string(),
            session: active.session.map(|session| session.to_string()),
            activity: activity.name().to_owned(),
            since: activity.since().map(|since| since.to_string()),
            until: activity.until().map(|until| until.to_string()),
            queued: active.queued,
        }
    }
}

/// A post that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeadLetterView {
    pub(crate) id: String,
    pub(crate) thread: String,
    pub(crate) kind: String,
    pub(crate) given_up_at: String,
    pub(crate) reason: String,
    pub(crate) text: String,
}

impl DeadLetterView {
    pub(crate) fn new(letter: &DeadLetter) -> Self {
        Self {
            id: letter.post.id.to_string(),
            thread: letter.root.to_string(),
            kind: letter.post.kind.name().to_owned(),
            given_up_at: letter.at.to_string(),
            reason: letter.reason.clone(),
            text: letter.post.text.clone(),
        }
    }
}

/// Something that waits for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestView {
    pub(crate) id: String,
    pub(crate) conversation: String,
    pub(crate) project: String,
    pub(crate) turn: String,
    pub(crate) kind: String,
    pub(crate) summary: String,
    pub(crate) text: String,
    pub(crate) how: String,
    pub(crate) asked_at: String,
    pub(crate) until: String,
}

impl RequestView {
    pub(crate) fn new(open: &OpenRequest, now: Timestamp) -> Self {
        Self {
            id: open.ask.id.to_string(),
            conversation: open.conversation.to_string(),
            project: open.project.to_string(),
            turn: open.turn.to_string(),
            kind: open.ask.about.name().to_owned(),
            summary: open.summary.clone(),
            text: open.text(),
            how: open.how(now),
            asked_at: open.ask.at.to_string(),
            until: open.until.to_string(),
        }
    }
}

/// What lets programs in, without what is secret about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenView {
    pub(crate) id: String,
    pub(crate) scope: String,
    pub(crate) name: String,
    pub(crate) created_at: String,
    pub(crate) expires_at: Option<String>,
}

impl TokenView {
    pub(crate) fn new(token: &Token) -> Self {
        Self {
            id: token.id.clone(),
            scope: token.scope.name().to_owned(),
            name: token.name.clone(),
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.map(|at| at.to_string()),
        }
    }
}

/// Whether messages come in over a link.
pub(crate) fn is_connected(link: &Link) -> bool {
    match link {
        Link::Connected | Link::Resumed => true,
        Link::Degraded { .. } | Link::Failed { .. } => false,
    }
}
