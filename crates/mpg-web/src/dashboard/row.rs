//! The rows of the lists that several pages have.

use mpg_core::gateway::ActiveConversation;
use mpg_core::id::{ProjectName, RootId};
use mpg_core::view::TurnView;

use super::notation::{Moment, dollars, segment, span};
use crate::desk::Status;
use crate::thread_id;

/// How much of a text a list shows, in characters.
const EXCERPT: usize = 200;

/// Something with a page of its own.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) href: String,
}

impl Link {
    pub(crate) fn to_thread(root: &RootId) -> Self {
        let name = thread_id::write(root);
        Self {
            href: format!("/threads/{}", segment(&name)),
            name,
        }
    }

    pub(crate) fn to_project(name: &ProjectName) -> Self {
        Self {
            href: format!("/projects/{}", segment(name.as_str())),
            name: name.to_string(),
        }
    }
}

/// A conversation that does something.
#[derive(Clone, Debug)]
pub(crate) struct ActiveRow {
    pub(crate) thread: Link,
    pub(crate) project: Link,
    pub(crate) agent: String,
    pub(crate) activity: &'static str,
    pub(crate) since: Option<Moment>,
    pub(crate) until: Option<Moment>,
    pub(crate) queued: usize,
}

impl From<&ActiveConversation> for ActiveRow {
    fn from(active: &ActiveConversation) -> Self {
        let activity = active.activity;
        let agent = active.conversation.agent.as_ref();
        Self {
            thread: Link::to_thread(&active.conversation.root),
            project: Link::to_project(&active.project),
            agent: agent.map(ToString::to_string).unwrap_or_default(),
            activity: activity.name(),
            since: activity.since().map(Moment::from),
            until: activity.until().map(Moment::from),
            queued: active.queued,
        }
    }
}

/// All that do something.
pub(crate) fn active(status: &Status) -> Vec<ActiveRow> {
    let active = status.overview.active.iter();
    active.map(ActiveRow::from).collect()
}

/// A turn.
#[derive(Clone, Debug)]
pub(crate) struct TurnRow {
    pub(crate) thread: Link,
    pub(crate) agent: Option<String>,
    pub(crate) author: String,
    pub(crate) by_person: bool,
    pub(crate) prompt: String,
    pub(crate) queued_at: Moment,
    /// How it ended, or how far it is.
    pub(crate) state: String,
    pub(crate) failure: Option<String>,
    /// The time of its agent, and what that cost, once it has ended.
    pub(crate) took: String,
    pub(crate) cost: String,
}

impl From<TurnView> for TurnRow {
    fn from(turn: TurnView) -> Self {
        let failure = turn.failure.map(|(kind, message)| {
            if message.is_empty() {
                kind
            } else {
                excerpt(&message)
            }
        });
        let usage = turn.ended_at.map(|_| &turn.usage);
        let took = usage.map(|usage| u64::try_from(usage.duration.as_millis()).unwrap_or(u64::MAX));
        let took = took.map(span).unwrap_or_default();
        let cost = usage.map(|usage| dollars(usage.cost_microdollars));
        let cost = cost.unwrap_or_default();
        Self {
            thread: Link::to_thread(&turn.conversation.root),
            agent: turn.conversation.agent.map(|agent| agent.to_string()),
            author: turn.author.to_string(),
            by_person: turn.by_person,
            prompt: excerpt(&turn.prompt),
            queued_at: turn.queued_at.into(),
            state: turn.outcome.unwrap_or_else(|| turn.state.name().to_owned()),
            failure,
            took,
            cost,
        }
    }
}

/// The beginning of a text.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
