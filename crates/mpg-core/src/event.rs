//! What goes into the gateway and what comes out: two closed enums, so that everything that can
//! happen is listed in one place.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::agent::{Partial, Retry, Seq, TurnFailure, Usage};
use crate::ask::Said;
use crate::attachment::LeftOut;
use crate::board::BoardMessage;
use crate::capability::TextLimit;
use crate::catch_up::{CatchUpFailure, Missed, MissedRequest};
use crate::config::{Config, Patience, Verbosity};
use crate::history::HistoryRequest;
use crate::id::{
    AskId, ChannelKey, ConversationId, DeliveryId, FileId, MessageId, MessageRef, Place,
    PlatformId, Position, RequestId, RootId, SessionId, SubmitId, TurnId, UserId,
};
use crate::job::{Done, Job, JobId};
use crate::live::{LiveMessage, Results};
use crate::message::{Attachment, Received};
use crate::out_file::{Offer, OfferRefusal};
use crate::persona::Persona;
use crate::port::{SessionSpec, Submission, Workspace, WorkspaceRequest};
use crate::post::{Post, Status};
use crate::record::Record;
use crate::request::{Answer, Request};
use crate::snapshot::Answerer;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Something came in from a platform.
    Received(Box<Received>),
    /// The end of [`Effect::OpenThread`].
    ThreadOpened {
        /// The thread.
        root: RootId,
        /// Its place, or why there is none.
        result: Result<Place, ThreadRefusal>,
    },
    /// The end of [`Effect::PrepareWorkspace`].
    WorkspaceReady {
        /// The conversation.
        conversation: ConversationId,
        /// The turn that waits for it.
        turn: TurnId,
        /// The directory, or why there is none.
        result: Result<Workspace, String>,
    },
    /// Something to tell about a running turn.
    TurnNoticed {
        /// The conversation.
        conversation: ConversationId,
        /// The run that it belongs to.
        run: RunId,
        /// What to tell.
        notice: TurnNotice,
    },
    /// The agent of a running turn waits for people.
    Requested {
        /// The conversation.
        conversation: ConversationId,
        /// The run that it belongs to.
        run: RunId,
        /// What it asks.
        request: Request,
    },
    /// It does not wait any more, and goes on.
    Withdrawn {
        /// The conversation.
        conversation: ConversationId,
        /// The run that it belongs to.
        run: RunId,
        /// What it asked.
        request: RequestId,
    },
    /// Nothing comes in any more, so that nobody can answer what agents ask.
    Unattended,
    /// An operator of the gateway answers what an agent asks.
    Answered {
        /// What is asked.
        ask: AskId,
        /// The answer.
        said: Said,
        /// Who answers, where that has a name.
        by: Option<Answerer>,
    },
    /// The end of [`Effect::RunTurn`].
    TurnEnded {
        /// The conversation.
        conversation: ConversationId,
        /// The run that ended.
        run: RunId,
        /// How it ended.
        end: RunEnd,
    },
    /// A session's agent is gone: the end of [`Effect::CloseSession`], or by itself. After the
    /// [`Event::TurnEnded`] of a run that it cut off.
    SessionClosed {
        /// The conversation.
        conversation: ConversationId,
        /// The session.
        session: SessionId,
    },
    /// The end of [`Effect::Deliver`].
    Delivered {
        /// The thread.
        root: RootId,
        /// The post.
        delivery: DeliveryId,
        /// The message that it became, or why there is none.
        result: Result<MessageId, Undelivered>,
    },
    /// The end of [`Effect::CatchUp`].
    CaughtUp {
        /// The channel.
        channel: ChannelKey,
        /// What was missed, or why that is not known.
        result: Result<Missed, CatchUpFailure>,
    },
    /// Somebody wants a dead letter to be posted after all.
    Redeliver(DeliveryId),
    /// Sessions whose agents an earlier gateway left running, once after the start.
    AgentsFound(Vec<SessionId>),
    /// The end of [`Effect::EndStray`].
    StrayEnded {
        /// The session.
        session: SessionId,
    },
    /// The end of [`Effect::Job`].
    JobDone {
        /// The job.
        job: JobId,
        /// What came of it, or why nothing did.
        result: Result<Done, String>,
    },
    /// An agent hands files to its thread. Answered by [`Effect::Files`].
    FilesOffered(Box<Offer>),
    /// The message that tells what the threads of a channel do is not there any more.
    BoardGone {
        /// The channel.
        channel: ChannelKey,
        /// The message.
        message: MessageId,
    },
    /// There is a new configuration. What was accepted before keeps what it was accepted with.
    Reconfigured(Arc<Config>),
    /// The gateway shall end: nothing new is started.
    Draining,
    /// Time passed. One too many does no harm.
    Tick,
}

/// Why a thread was not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadRefusal {
    /// Threads cannot be opened there, by us or by anybody.
    Refused,
    /// The message or the channel is gone, or opening failed for good.
    Failed(String),
}

/// The number of one [`Effect::RunTurn`], which its events carry, so that what is late is known to
/// be late. It does not outlive the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(pub u64);

/// Something to tell about a running turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnNotice {
    /// The agent cannot reach its model and tries again.
    Retrying(Retry),
    /// A tool was not allowed to run.
    Denied(Request),
    /// The agent had the turn already: it went on while no gateway listened.
    Adopted,
    /// Files that should have come with the turn do not.
    FilesLeftOut(Vec<LeftOut>),
    /// The agent was started with other settings than those that are in force, and goes on for this
    /// turn alone.
    Outdated,
    /// The session has a message already that was to be handed to the turn: an earlier agent of it
    /// began with that message and was cut off.
    Absorbed(TurnId),
    /// It has run for long enough to be shown, and this is what it looks like: as Markdown that fits
    /// into a post of its agent.
    Live(String),
    /// What it does now. Not often: somebody is shown it.
    Doing(Status),
    /// There was no sign of life for so long: `stall-notice`. Once in each silence.
    Silent(Duration),
    /// There was no sign of life for so long: `stall-limit`.
    Stalled(Duration),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEnd {
    /// The agent said so; it is ready for the next turn, unless the failure says that it exited.
    Reported {
        /// The answer, or why there is none.
        result: Result<String, TurnFailure>,
        /// What it took.
        usage: Usage,
        /// The number of the event that said so.
        seq: Seq,
        /// The submissions that it covers.
        covers: Vec<SubmitId>,
        /// What was done, where there is no answer.
        partial: Option<Partial>,
        /// What its steps gave, where all of it is to be seen.
        results: Option<Box<Results>>,
    },
    /// An earlier process had this submission and was cut off. The agent is ready.
    InterruptedBefore,
    /// The agent does not know the session any more, and is gone.
    SessionLost,
    /// The session's directory is not there, and neither is the agent.
    DirectoryMissing,
    /// The agent could not be started.
    Unavailable(String),
    /// The agent was gone before it took the submission.
    NotSubmitted,
}

impl RunEnd {
    /// What the run cost, as far as that is known, in millionths of a US dollar.
    pub fn cost(&self) -> u64 {
        if let Self::Reported { usage, .. } = self {
            usage.cost_microdollars
        } else {
            0
        }
    }
}

/// Why a post was not delivered, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The place is gone or closed to us.
    Gone(String),
    /// It was tried for long enough, or is not taken at all.
    Dead(String),
    /// It was made before, and somebody removed it since.
    Removed,
}

/// One thing to do in the world, once the records of its step are committed.
///
/// An effect with an end has exactly one, an [`Event`] that its doc names. The others are signs
/// that may be lost.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Open a thread. Ends in [`Event::ThreadOpened`].
    OpenThread {
        /// The thread.
        root: RootId,
        /// The message that it grows from.
        from: MessageRef,
        /// Its title.
        title: String,
    },
    /// Give an open thread another title, where the platform can. No end.
    RenameThread {
        /// The thread.
        place: Place,
        /// Its title.
        title: String,
    },
    /// Prepare a directory. Ends in [`Event::WorkspaceReady`].
    PrepareWorkspace {
        /// The conversation.
        conversation: ConversationId,
        /// The turn that waits for it.
        turn: TurnId,
        /// What for.
        request: WorkspaceRequest,
    },
    /// Run a turn, in the session's agent if there is one, else in one that is started for it.
    /// Ends in [`Event::TurnEnded`].
    RunTurn(Box<RunTurn>),
    /// Interrupt a run, and end its agent if that does not help. The run ends as every run.
    StopTurn {
        /// The session.
        session: SessionId,
        /// The run.
        run: RunId,
    },
    /// Hand a message to the run of a session. No end: that of the run tells whether it took it in.
    Steer(Box<Steer>),
    /// Have a session's agent forget a message that was handed to its run, if it has not read it. No
    /// end.
    Withdraw {
        /// The session.
        session: SessionId,
        /// The message's submission.
        submit: SubmitId,
    },
    /// Tell an agent what people say to what it asked. No end: one that is gone needs no answer.
    Respond {
        /// The session.
        session: SessionId,
        /// What it asked.
        request: RequestId,
        /// What is answered.
        answer: Answer,
    },
    /// Take over an agent that runs and has nothing to do. Ends in [`Event::SessionClosed`], at once
    /// where it does not run any more.
    AttachSession {
        /// The conversation.
        conversation: ConversationId,
        /// The session.
        session: SessionId,
    },
    /// End an agent that nobody needs. Ends in [`Event::StrayEnded`].
    EndStray {
        /// The session.
        session: SessionId,
    },
    /// End a session's agent. Ends in [`Event::SessionClosed`].
    CloseSession {
        /// The session.
        session: SessionId,
    },
    /// Let the agent forget what it reported up to here. No end.
    Acknowledge {
        /// The session.
        session: SessionId,
        /// The last event that is stored.
        seq: Seq,
    },
    /// Remove the files of a turn that ended. No end.
    DropFiles {
        /// The conversation.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
    },
    /// Something about files that go out. No end.
    Files(FileEffect),
    /// Post. Ends in [`Event::Delivered`].
    Deliver(Box<Deliver>),
    /// Look what was missed in a channel. Ends in [`Event::CaughtUp`].
    CatchUp(Box<MissedRequest>),
    /// Write down for the operator that limits on tools were lifted, or put back. No end.
    LimitsChanged {
        /// Where somebody said so: a thread, or a channel with all its threads.
        place: Place,
        /// Who; `None` where it happened by itself.
        by: Option<UserId>,
        /// Until when they are lifted; `None` where they are in force again.
        lifted_until: Option<Timestamp>,
    },
    /// Do something for a command that waits for it. Ends in [`Event::JobDone`].
    Job(Box<Job>),
    /// Show a running turn in a message that is there, if the turn still runs. No end.
    ShowLive {
        /// The session.
        session: SessionId,
        /// The message.
        message: Box<LiveMessage>,
    },
    /// Show more or less of a running turn, if one runs. No end.
    SetVerbosity {
        /// The session.
        session: SessionId,
        /// How much.
        verbosity: Verbosity,
    },
    /// Bring the message up to date that tells what the threads of a channel do: the newest state
    /// counts. No end but [`Event::BoardGone`].
    ShowBoard(Box<BoardMessage>),
    /// Put a sign on a message. No end.
    SetStatus {
        /// The message.
        message: MessageRef,
        /// The sign.
        status: Status,
    },
}

/// What is done with files that go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileEffect {
    /// Tell who handed files over what became of them.
    Answer {
        /// The first of the files.
        file: FileId,
        /// Whether they will be posted; else the copies are removed.
        result: Result<(), OfferRefusal>,
    },
    /// Remove copies that nobody needs any more.
    Drop(Vec<FileId>),
}

/// What a turn is run with.
#[derive(Clone, Debug, PartialEq)]
pub struct RunTurn {
    /// The run's number.
    pub run: RunId,
    /// The turn.
    pub turn: TurnId,
    /// The session, and how its agent is started if it is not running.
    pub session: SessionSpec,
    /// What is asked.
    pub submission: Submission,
    /// What the agent has to be told of what was said before, if there can be something.
    pub history: Option<HistoryRequest>,
    /// The files that are fetched first, and without which it is asked all the same.
    pub files: TurnFiles,
    /// Where the thread is, or will be: for what is shown while the turn runs.
    pub place: Option<Place>,
    /// Whom what is shown of it speaks for.
    pub persona: Option<Persona>,
    /// How long the agent may show no sign of life.
    pub patience: Patience,
    /// Whether the agent may have it already because it was handed to the run before it.
    pub steered: bool,
    /// How much is shown.
    pub verbosity: Verbosity,
    /// The longest text of what is shown.
    pub room: TextLimit,
    /// The message that the turn was shown in before, if it was.
    pub live: Option<Box<LiveMessage>>,
    /// How long it has run before.
    pub ran: Duration,
}

/// A message that is handed to the run of another turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Steer {
    /// The conversation.
    pub conversation: ConversationId,
    /// The session.
    pub session: SessionId,
    /// The run.
    pub run: RunId,
    /// The turn that the message is, should the run end without having read it.
    pub turn: TurnId,
    /// What is said.
    pub submission: Submission,
    /// The files that came with it.
    pub files: TurnFiles,
}

/// The files of a turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnFiles {
    /// Those that are fetched.
    pub wanted: Vec<Attachment>,
    /// How large each may be, in bytes.
    pub limit: u64,
    /// Those that are not passed on, of which people know.
    pub left_out: Vec<LeftOut>,
}

impl TurnFiles {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.left_out.is_empty()
    }
}

/// A post on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliver {
    /// The thread.
    pub root: RootId,
    /// Where it goes.
    pub place: Place,
    /// The post.
    pub post: Post,
    /// The message that the one before it became, if that is known: had the post been made already,
    /// it would stand behind it.
    pub after: Option<MessageId>,
    /// The message that it is to become instead of one of its own.
    pub edits: Option<MessageId>,
    /// Whether it may have been made already, by a gateway that is gone.
    pub maybe_sent: bool,
}

/// What one event leads to: facts to commit, then things to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// The facts, to be committed in one transaction.
    pub records: Vec<Record>,
    /// What to do once they are committed, in order.
    pub effects: Vec<Effect>,
    /// How far a platform's adapter may be told that everything is stored, once the records are.
    pub read: Option<(PlatformId, Position)>,
}
