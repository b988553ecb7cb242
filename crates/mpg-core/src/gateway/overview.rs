//! What a gateway is doing, for people who ask it from outside.

use jiff::Timestamp;

use super::Gateway;
use super::lane::{Lane, Phase};
use crate::id::{ConversationId, ProjectName, SessionId};

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
    /// An agent is ready, and unused since this time.
    Ready(Timestamp),
    /// It waits for a slot, or for its last agent to be gone.
    Waiting,
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
        let lanes = self.lanes.iter();
        overview.active = lanes.map(|(id, lane)| self.active_one(id, lane)).collect();
        overview
    }

    fn active_one(&self, id: &ConversationId, lane: &Lane) -> ActiveConversation {
        let conversation = self.conversation(id);
        let running = conversation.and_then(|c| c.running.as_ref());
        let session = conversation.and_then(|c| c.session.as_ref());
        ActiveConversation {
            conversation: id.clone(),
            project: lane.project.name.clone(),
            session: session.map(|session| session.id),
            activity: match &lane.phase {
                Phase::Warm { since, .. } => Activity::Ready(*since),
                Phase::Preparing { .. } | Phase::Running(_) | Phase::TimingOut(_) => {
                    Activity::Working(running.map(|running| running.started_at))
                }
                Phase::Cold | Phase::Closing { .. } => Activity::Waiting,
            },
            queued: conversation.map_or(0, |c| c.queue.len()),
        }
    }
}
