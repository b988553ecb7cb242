//! What a gateway is doing, for people who ask it from outside.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Gateway;
use super::lane::Phase;
use crate::id::{ConversationId, ProjectName, SessionId};
use crate::snapshot::Parked;

/// What a gateway is doing at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// How many conversations are known.
    pub conversations: usize,
    /// How many turns run or are about to.
    pub turns: u32,
    /// How many turns wait.
    pub queued: usize,
    /// How many posts are owed and not known to be made.
    pub posts: usize,
    /// The conversations that do something or have an agent ready, by thread.
    pub active: Vec<ActiveConversation>,
}

/// A conversation that does something or has an agent ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveConversation {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its project.
    pub project: ProjectName,
    /// The session that it has, if it has one.
    pub session: Option<SessionId>,
    /// Where the session works, in the words of the workspace that prepared it.
    pub directory: Option<String>,
    /// When something last happened in its thread.
    pub active_at: Option<Timestamp>,
    /// What it does.
    pub activity: Activity,
    /// How many turns wait in it.
    pub queued: usize,
}

/// What an active conversation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// A turn runs, or is being prepared or stopped; it was started at this time, if it was.
    Working(Option<Timestamp>),
    /// Its turn asks people something, since this time, and does nothing before they answer.
    Asking(Timestamp),
    /// An agent is ready, and unused since this time.
    Ready(Timestamp),
    /// It waits for a slot, or for its last agent to be gone.
    Waiting,
    /// Its turn waits for something that no slot gives.
    Parked(Parked),
}

impl Activity {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Working(_) => "working",
            Self::Asking(_) => "asking",
            Self::Ready(_) => "ready",
            Self::Waiting => "waiting",
            Self::Parked(_) => "parked",
        }
    }

    /// Since when it lasts, where that is known.
    pub fn since(self) -> Option<Timestamp> {
        match self {
            Self::Working(since) => since,
            Self::Asking(since) | Self::Ready(since) => Some(since),
            Self::Waiting | Self::Parked(_) => None,
        }
    }

    /// When what is parked goes on by itself.
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::Parked(parked) => parked.until,
            Self::Working(_) | Self::Asking(_) | Self::Ready(_) | Self::Waiting => None,
        }
    }
}

impl Gateway {
    /// What the gateway is doing. It looks at every conversation: it is for people, not for messages.
    pub fn overview(&self) -> Overview {
        let mut overview = Overview {
            conversations: 0,
            turns: self.turns_in_progress(),
            queued: 0,
            posts: 0,
            active: Vec::new(),
        };
        for thread in self.state.threads.values() {
            overview.conversations += thread.conversations.len();
            overview.posts += thread.deliveries.len();
            let queues = thread.conversations.values().map(|c| c.queue.len());
            overview.queued += queues.sum::<usize>();
        }
        let mut known: BTreeSet<&ConversationId> = self.lanes.keys().collect();
        let parked = self.parked_conversations();
        known.extend(&parked);
        let active = known.into_iter().filter_map(|id| self.active_one(id));
        overview.active = active.collect();
        overview
    }

    /// One that was parked by an earlier gateway has no lane before it goes on.
    fn parked_conversations(&self) -> Vec<ConversationId> {
        let mut parked = Vec::new();
        for (root, thread) in &self.state.threads {
            for (agent, conversation) in &thread.conversations {
                let running = conversation.running.as_deref();
                if running.is_some_and(|running| running.parked.is_some()) {
                    parked.push(ConversationId {
                        root: root.clone(),
                        agent: agent.clone(),
                    });
                }
            }
        }
        parked
    }

    fn active_one(&self, id: &ConversationId) -> Option<ActiveConversation> {
        let lane = self.lanes.get(id);
        let project = lane.map(|lane| &lane.project);
        let project = project.or_else(|| self.project_of(&id.root.channel))?;
        let conversation = self.conversation(id);
        let running = conversation.and_then(|c| c.running.as_deref());
        let session = conversation.and_then(|c| c.session.as_ref());
        let parked = running.and_then(|running| running.parked);
        let asked = running.and_then(|running| {
            let open = running.asks.iter().filter(|ask| ask.is_open());
            open.map(|ask| ask.at).min()
        });
        let activity = match (parked, asked, lane.map(|lane| &lane.phase)) {
            (Some(parked), ..) => Activity::Parked(parked),
            (None, Some(since), Some(Phase::Preparing { .. } | Phase::Running(_))) => {
                Activity::Asking(since)
            }
            (None, _, Some(Phase::Warm { since, .. })) => Activity::Ready(*since),
            (None, _, Some(Phase::Preparing { .. } | Phase::Running(_) | Phase::Stopping(..))) => {
                Activity::Working(running.map(|running| running.started_at))
            }
            (None, _, Some(Phase::Cold | Phase::Closing { .. }) | None) => Activity::Waiting,
        };
        Some(ActiveConversation {
            conversation: id.clone(),
            project: project.name.clone(),
            session: session.map(|session| session.id),
            directory: session.map(|session| session.directory.clone()),
            active_at: self.thread(&id.root).map(|thread| thread.active_at),
            activity,
            queued: conversation.map_or(0, |c| c.queue.len()),
        })
    }
}
