//! What the engine needs from agents: to start, ask, hear and end them.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use super::session::SessionSpec;
use crate::agent::{AgentEvent, Seq};
use crate::attachment::ImageType;
use crate::id::{RequestId, SessionId, SubmitId};
use crate::request::Answer;

/// Starts agents and finds those that still run.
#[async_trait]
pub trait AgentRuntime: Debug + Send + Sync {
    /// Starts the agent of a session and waits until it takes submissions.
    async fn open(&self, spec: SessionSpec) -> Result<AgentSession, OpenError>;

    /// Takes over an agent that runs already, and reads on behind `after`. Of one that is gone but
    /// left what nobody acknowledged, that is told, and then its exit.
    async fn attach(&self, session: SessionId, after: Seq) -> Result<AgentSession, OpenError> {
        let _ = (session, after);
        Err(OpenError::NotRunning)
    }

    /// The sessions whose agents run although nobody here opened them, and those whose agents are
    /// gone but left what nobody acknowledged.
    async fn strays(&self) -> Vec<SessionId> {
        Vec::new()
    }

    /// The line for a shell that goes on with a session which no agent works in, if there is one.
    fn resume_line(&self, session: SessionId, directory: &str) -> Option<String> {
        let _ = (session, directory);
        None
    }

    /// Says that nothing of a session up to `seq` is needed any more, where its agent is gone.
    async fn acknowledge(&self, session: SessionId, seq: Seq) {
        let _ = (session, seq);
    }
}

/// A running agent, as its two halves.
#[derive(Debug)]
pub struct AgentSession {
    /// What it is told.
    pub control: Arc<dyn AgentControl>,
    /// What it reports.
    pub events: Box<dyn AgentEvents>,
    /// Whether it was started with other settings than those that it was opened with, and goes on
    /// for what it was asked before alone: it may get no other turn.
    pub outdated: bool,
    /// The last of what it had reported when it was opened. Up to there it is told after it happened,
    /// and nobody knows how long after.
    pub replayed: Seq,
}

/// What an agent is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The attempt's id: the agent runs each id at most once.
    pub id: SubmitId,
    /// What is asked.
    pub prompt: String,
    /// The images that it is asked about. One that cannot be read any more is left out.
    pub images: Vec<Image>,
    /// Whether this may have been submitted before, by a gateway that is gone.
    pub repeat: bool,
}

/// An image on the runtime's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Where it is.
    pub path: String,
    /// What it is.
    pub image_type: ImageType,
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It runs now.
    New,
    /// This process has it already; its result comes or came.
    Known,
    /// An earlier process had it and was cut off: it will not run by itself.
    InterruptedBefore,
}

/// Tells a running agent what to do. Every method may be called at any time and in any order.
#[async_trait]
pub trait AgentControl: Debug + Send + Sync {
    /// Asks something. Idempotent by the submission's id.
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError>;

    /// Whether the session went on elsewhere since this agent read it, as in somebody's terminal. It
    /// is to be closed then, and opened again before it is asked: what it would go on with is not the
    /// session any more. Asked between turns alone.
    async fn is_behind(&self) -> bool {
        false
    }

    /// Interrupts the running turn; the agent stays.
    async fn interrupt(&self);

    /// Drops what was submitted while a turn runs, if the agent has not read it yet.
    async fn withdraw(&self, id: SubmitId) {
        let _ = id;
    }

    /// Answers a request.
    async fn respond(&self, request: &RequestId, answer: Answer);

    /// Says that nothing up to `seq` is needed any more.
    async fn acknowledge(&self, seq: Seq) {
        let _ = seq;
    }

    /// Ends the agent with everything that it started, and returns when nothing of it is left.
    ///
    /// It is asked first, and made to after `grace`.
    async fn close(&self, grace: Duration);

    /// Lets go of the agent: it goes on for a later gateway where its runtime can keep it, and is
    /// closed where not. Returns when this gateway has nothing to do with it any more.
    async fn leave(&self, grace: Duration) {
        self.close(grace).await;
    }
}

/// What a running agent reports.
#[async_trait]
pub trait AgentEvents: Debug + Send {
    /// The next event; `None` after [`AgentEvent::Exited`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    async fn next(&mut self) -> Option<(Seq, AgentEvent)>;
}

/// Why an agent could not be started or spoken to.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The agent's program is not there.
    #[error("{program} was not found; {hint}")]
    ProgramMissing {
        /// The program that was looked for.
        program: String,
        /// How to get it.
        hint: String,
    },
    /// The session's directory is not there.
    #[error("the directory {0} is not there")]
    DirectoryMissing(String),
    /// The agent does not know the session that it should go on with.
    #[error("the agent no longer has session {0}")]
    SessionLost(SessionId),
    /// Somebody else runs this session.
    #[error("session {0} is in use by another process")]
    InUse(SessionId),
    /// No agent of this session runs.
    #[error("no agent of this session is running")]
    NotRunning,
    /// The agent ended or did not answer.
    #[error("{0}")]
    Failed(String),
}
