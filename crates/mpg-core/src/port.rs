//! The seams: what the engine needs from platforms, agents, stores and workspaces.
//!
//! All traits are object safe and name no runtime. A method is *cancel safe* where its doc says so:
//! dropping its future loses nothing.

mod file;
mod session;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;

use crate::agent::{AgentEvent, Seq};
use crate::attachment::ImageType;
use crate::capability::Capabilities;
use crate::catch_up::{Missed, MissedRequest};
use crate::history::Said;
use crate::id::{
    AgentName, MessageId, MessageRef, Place, PlatformId, Position, ProjectName, RequestId, RootId,
    SessionId, SubmitId, TurnId,
};
use crate::job::Turns;
use crate::message::{Attachment, Inbound};
use crate::persona::Persona;
use crate::post::{Post, Status};
use crate::record::Record;
use crate::request::Answer;
use crate::snapshot::Snapshot;
use crate::workspace::{Diff, Discarded, Merged, WorkspaceState};

pub use self::file::{Download, FetchError, Upload};
pub use self::session::{SessionSpec, SessionStart};

/// A connected adapter.
#[derive(Debug)]
pub struct Connection {
    /// The adapter's platform: the prefix of its channels in the configuration.
    pub platform: PlatformId,
    /// What comes in.
    pub inbox: Box<dyn Inbox>,
    /// What goes out.
    pub outbox: Arc<dyn Outbox>,
}

/// What comes in from a platform.
#[async_trait]
pub trait Inbox: Debug + Send {
    /// The next thing that happened, and how far the adapter has read with it; `None` when nothing
    /// will ever come again.
    ///
    /// Reconnecting is the adapter's own business; it reports it as [`Inbound::Link`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    async fn next(&mut self) -> Option<(Inbound, Option<Position>)>;

    /// Says that everything up to `position` is stored for good.
    fn ack(&self, position: &Position) {
        let _ = position;
    }
}

/// What goes out to a platform. Only [`post`](Outbox::post) is required; what a platform cannot do
/// stays unsupported, and [`Capabilities`] says so.
#[async_trait]
pub trait Outbox: Debug + Send + Sync {
    /// What the place can do. Usable before the platform is connected.
    fn capabilities(&self, place: &Place) -> Capabilities;

    /// Posts, and tells the message that it became.
    ///
    /// Repeating a post with the same id within [`NONCE_LIFE`](crate::capability::NONCE_LIFE) must
    /// not show it twice where the channel's `reconcile` is a nonce.
    async fn post(&self, place: &Place, post: &Post) -> Result<MessageId, DeliveryError>;

    /// Posts with files: those of the post, in order, with what is in them. As
    /// [`post`](Outbox::post) in everything else.
    ///
    /// [`DeliveryError::Unsupported`] if it is the files that are not taken: then it is posted
    /// without them.
    async fn upload(
        &self,
        place: &Place,
        post: &Post,
        files: &[Upload],
    ) -> Result<MessageId, DeliveryError> {
        let _ = (place, post, files);
        Err(DeliveryError::Unsupported)
    }

    /// Makes one of our own messages another post. Saying it again changes nothing.
    async fn edit(
        &self,
        place: &Place,
        message: &MessageId,
        post: &Post,
    ) -> Result<(), DeliveryError> {
        let _ = (place, message, post);
        Err(DeliveryError::Unsupported)
    }

    /// Keeps one of our own messages where everybody finds it. Saying it again changes nothing.
    async fn pin(&self, place: &Place, message: &MessageId) -> Result<(), DeliveryError> {
        let _ = (place, message);
        Err(DeliveryError::Unsupported)
    }

    /// What in a text leads people to a place; `None` where nothing does.
    fn link(&self, place: &Place) -> Option<String> {
        let _ = place;
        None
    }

    /// What in a text tells everybody how long ago something was, at the time of reading; `None` where
    /// nothing does.
    fn moment(&self, at: Timestamp) -> Option<String> {
        let _ = at;
        None
    }

    /// Looks in a place, behind the message `after`, for one of our own that is this post, and tells
    /// the message that it became.
    ///
    /// Only messages of the gateway count, and only those that say what
    /// [`post`](Outbox::post) would make of it, or that carry its id. Where the place was never
    /// posted to before, there is no `after`. How far back it looks is limited, beginning with what
    /// is newest.
    async fn sent(
        &self,
        place: &Place,
        after: Option<&MessageId>,
        post: &Post,
    ) -> Result<Option<MessageId>, DeliveryError> {
        let _ = (place, after, post);
        Err(DeliveryError::Unsupported)
    }

    /// Reads back what people said in a channel and in all of its threads, those that were opened or
    /// archived meanwhile included.
    ///
    /// Messages are as they are now: who edited one said what it says now, and who removed one said
    /// nothing. Places that cannot be read are left out. It is asked whenever the adapter tells of
    /// [`Link::Connected`](crate::message::Link::Connected), and should cost little where nothing
    /// is new.
    async fn missed(&self, request: &MissedRequest) -> Result<Missed, DeliveryError> {
        let _ = request;
        Err(DeliveryError::Unsupported)
    }

    /// Opens a thread from a message. A thread that is open already is a success.
    async fn open_thread(&self, from: &MessageRef, title: &str) -> Result<Place, DeliveryError> {
        let _ = (from, title);
        Err(DeliveryError::Unsupported)
    }

    /// Gives a thread another title.
    async fn rename_thread(&self, thread: &Place, title: &str) -> Result<(), DeliveryError> {
        let _ = (thread, title);
        Err(DeliveryError::Unsupported)
    }

    /// Replaces the status sign on a message.
    async fn set_status(&self, message: &MessageRef, status: Status) -> Result<(), DeliveryError> {
        let _ = (message, status);
        Err(DeliveryError::Unsupported)
    }

    /// Shows for some seconds that something is being written.
    async fn typing(&self, place: &Place) -> Result<(), DeliveryError> {
        let _ = place;
        Err(DeliveryError::Unsupported)
    }

    /// Begins to fetch a file that came with a message, of at most `limit` bytes.
    ///
    /// Only from the platform's own hosts and those that are configured, redirects included: the
    /// address is untrusted. What is told of the file counts for nothing, and the caller counts too.
    async fn fetch(
        &self,
        attachment: &Attachment,
        limit: u64,
    ) -> Result<Box<dyn Download>, FetchError> {
        let _ = (attachment, limit);
        Err(FetchError::Unsupported)
    }

    /// Shows the newest state of a running turn. It is a view: the answer is posted all the same.
    async fn show(&self, place: &Place, frame: &LiveFrame) -> Result<(), DeliveryError> {
        let _ = (place, frame);
        Err(DeliveryError::Unsupported)
    }
}

/// A running turn as it looks at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFrame {
    /// The turn.
    pub turn: TurnId,
    /// All that it has written so far. It only grows within a turn, except after a restart of the
    /// gateway, when what came first may turn out to be an earlier turn's.
    pub text: String,
    /// What came between the parts of the text, such as steps that ended: the newest ones, oldest
    /// first. Each is shown once.
    pub lines: Vec<LiveLine>,
    /// What it does just now, in one line.
    pub activity: Option<String>,
    /// Whom it speaks for.
    pub persona: Option<Persona>,
}

/// A line of a running turn, or some that belong together, as Markdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveLine {
    /// Its number among the lines of the turn: they are counted from 0 on.
    pub number: u64,
    /// How much of the frame's text stands before it, in bytes.
    pub at: usize,
    /// What it says.
    pub text: String,
}

/// Why something was not delivered: what the caller must do about it.
#[derive(Debug, Error)]
pub enum DeliveryError {
    /// The place is gone or closed to us: nothing will ever be delivered there.
    #[error("the place is gone: {0}")]
    Gone(String),
    /// It did not happen, and may work later.
    #[error("not delivered for now: {message}")]
    Transient {
        /// How long the platform asks to wait.
        retry_after: Option<Duration>,
        /// What happened.
        message: String,
    },
    /// The platform does not take this: the fault is ours, and repeating does not help.
    #[error("rejected: {0}")]
    Rejected(String),
    /// It was made before, and somebody removed it since.
    #[error("it was made before, and removed since: {0}")]
    Removed(String),
    /// It may have happened or not.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// The platform cannot do this, or does not let us.
    #[error("not supported here")]
    Unsupported,
}

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

/// Where conversations work.
///
/// All but [`prepare`](Workspaces::prepare) are about a directory that it gave, and are refused
/// where a thread has no place of its own: by default everywhere.
#[async_trait]
pub trait Workspaces: Debug + Send + Sync {
    /// Makes sure that the thread has a directory to work in, and names it: the same one every time,
    /// with what was done in it, even where somebody took it away.
    async fn prepare(&self, request: WorkspaceRequest) -> Result<Workspace, WorkspaceError>;

    /// Where the thread's own directory is, if it has one; none is made.
    async fn locate(&self, request: &WorkspaceRequest) -> Result<Option<String>, WorkspaceError> {
        let _ = request;
        Ok(None)
    }

    /// What is there, and what of it is nowhere else.
    async fn inspect(&self, directory: &str) -> Result<WorkspaceState, WorkspaceError> {
        let _ = directory;
        Err(WorkspaceError::shared())
    }

    /// Opens a file of a workspace, to be handed to people: a path below its directory that leads to
    /// nothing outside of it.
    async fn open(&self, directory: &str, path: &str) -> Result<Box<dyn Download>, WorkspaceError> {
        let _ = (directory, path);
        Err(WorkspaceError {
            message: "files cannot be handed over here".to_owned(),
        })
    }

    /// What was changed.
    async fn diff(&self, directory: &str) -> Result<Diff, WorkspaceError> {
        let _ = directory;
        Err(WorkspaceError::shared())
    }

    /// Brings what is committed there to where the thread began from. It is done as a whole, or
    /// nothing is touched.
    async fn merge(&self, directory: &str) -> Result<Merged, WorkspaceError> {
        let _ = directory;
        Err(WorkspaceError::shared())
    }

    /// Removes it, and keeps what would be lost where it can be found again. Whoever asks for this
    /// has ended the sessions in it and has asked the person.
    async fn discard(&self, directory: &str) -> Result<Discarded, WorkspaceError> {
        let _ = directory;
        Err(WorkspaceError::shared())
    }
}

/// Where a conversation works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// The directory.
    pub directory: String,
    /// What the people of the thread should know about it.
    pub notice: Option<String>,
}

impl Workspace {
    /// A directory that nothing has to be said about.
    pub fn new(directory: impl Into<String>) -> Self {
        Self {
            directory: directory.into(),
            notice: None,
        }
    }
}

/// What a workspace is prepared for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceRequest {
    /// The project.
    pub project: ProjectName,
    /// The project's directory.
    pub directory: String,
    /// The thread.
    pub thread: RootId,
    /// The agent, where each agent of a thread has a workspace of its own; `None` where they share
    /// one.
    pub agent: Option<AgentName>,
}

/// Why there is no workspace.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct WorkspaceError {
    /// What happened and what to do.
    pub message: String,
}

impl WorkspaceError {
    /// The thread has no directory of its own just now.
    pub fn none() -> Self {
        Self {
            message: "this thread has no worktree".to_owned(),
        }
    }

    /// The thread works in the project's directory, as others do.
    pub fn shared() -> Self {
        Self {
            message: "this thread works in the project's directory and has no worktree".to_owned(),
        }
    }
}

/// Keeps the durable state.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Makes all records true at once, for good.
    ///
    /// After an error nothing may be assumed: they may be stored or not, and the caller must not go
    /// on.
    async fn commit(&self, records: &[Record]) -> Result<(), StoreError>;

    /// The state after all commits.
    async fn load(&self) -> Result<Snapshot, StoreError>;

    /// What was said in a thread, in order: what people asked and what agents answered, the newest
    /// [`KEPT`](crate::history::KEPT) of it.
    async fn said(&self, root: &RootId) -> Result<Vec<Said>, StoreError>;

    /// What the turns of some threads were, with the `last` ones of them one by one.
    async fn turns(&self, threads: &[RootId], last: usize) -> Result<Turns, StoreError>;
}

/// Why the store failed.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct StoreError {
    /// What sort of failure.
    pub kind: StoreErrorKind,
    /// What happened and what to do, naming the file.
    pub message: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The sorts of failure of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Another gateway uses it.
    InUse,
    /// What is there cannot be read as a state of this version.
    Unreadable,
    /// It cannot be written or read.
    Io,
}
