//! What a session's agent is started with.

use std::sync::Arc;
use std::time::Duration;

use crate::agent::AgentSpec;
use crate::id::{ConversationId, ProjectName, SessionId, SubmitId};

/// What a session's agent is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSpec {
    /// The session.
    pub session: SessionId,
    /// Whether it is there already.
    pub start: SessionStart,
    /// Where it works, as its workspace said.
    pub directory: String,
    /// The folder of the files that people attach to their messages, which the agent may read and
    /// not write. It need not be there.
    pub files: Option<String>,
    /// Whether its thread takes files from it.
    pub hands_files: bool,
    /// How the agent is set up.
    pub agent: Arc<AgentSpec>,
    /// Whom it serves, for people who look at processes.
    pub conversation: ConversationId,
    /// The project that it works for, for the same people.
    pub project: ProjectName,
    /// How long a turn may take: an agent that nobody listens to any more is ended after that.
    pub turn_limit: Duration,
    /// The submission that comes next, where an earlier gateway may have made it already. An agent
    /// that is gone but left the result of it reports that result, and none is started.
    pub owed: Option<SubmitId>,
}

/// Whether a session begins or goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStart {
    /// It begins.
    New,
    /// It was begun, but no turn of it ended: where the agent does not know it, it begins again
    /// under the same id.
    Begun,
    /// It has history: where the agent does not know it, opening fails as
    /// [`OpenError::SessionLost`](super::OpenError::SessionLost).
    Resume,
    /// It begins, or was begun, with everything that another session has said so far, in whatever
    /// directory that one works, and changes nothing in it, even while a turn runs there. Where the
    /// agent knows neither, opening fails as [`OpenError::SessionLost`](super::OpenError::SessionLost).
    Fork(SessionId),
}
