//! What the core knows of agents: how one is set up, what it reports, how a turn of it ends.

mod partial;
pub mod tool;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

pub use self::partial::Partial;
use self::tool::{Task, ToolKind};
use crate::id::{RequestId, SubmitId};
use crate::request::Request;

/// What an agent is asked about its session itself, which costs no turn of the model or little.
///
/// Its prompt is a command of the agent's own: one that has no such command answers it like any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionCommand {
    /// To summarise what its context holds; with what has to be kept.
    Compact(Option<String>),
    /// What fills its context.
    Context,
    /// What was used, and what is left.
    Usage,
}

impl SessionCommand {
    /// The prompt.
    pub fn prompt(&self) -> String {
        match self {
            Self::Compact(None) => "/compact".to_owned(),
            Self::Compact(Some(keep)) => format!("/compact {keep}"),
            Self::Context => "/context".to_owned(),
            Self::Usage => "/usage".to_owned(),
        }
    }
}

/// How an agent is set up: everything that its runtime needs besides session and directory.
///
/// The default asks before everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentSpec {
    /// Arguments appended to the runtime's own.
    pub args: Vec<String>,
    /// The model, where it is not the runtime's choice.
    pub model: Option<String>,
    /// How hard the model thinks, where it is not the runtime's choice.
    pub effort: Option<Effort>,
    /// Text added to the agent's system prompt.
    pub system_prompt: Option<String>,
    /// How freely it may act.
    pub permission_mode: PermissionMode,
    /// What happens with a tool outside `allowed_tools`.
    pub permissions: Permissions,
    /// Tools that run unasked. A file tool named without a path means inside the workspace.
    pub allowed_tools: Vec<String>,
    /// Tools that never run.
    pub disallowed_tools: Vec<String>,
    /// What becomes of it when its gateway is gone.
    pub persistence: Persistence,
    /// Whether it is kept from the rest of its machine.
    pub sandbox: Sandbox,
    /// Folders and files outside of its workspace that it may write in its sandbox.
    pub writable: Vec<String>,
    /// What it reaches on the network.
    pub network: Network,
    /// How much of its machine it may take.
    pub allowance: Allowance,
}

/// How much of its machine an agent may take, with all that it starts; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Memory, in bytes.
    pub memory: Option<u64>,
    /// Processes.
    pub processes: Option<u32>,
    /// Time of processors, from its start on.
    pub cpu: Option<Duration>,
}

/// Whether an agent is kept from the rest of its machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// Where that is possible.
    #[default]
    Auto,
    /// It is not started where that is not possible.
    Strict,
    /// It is not.
    Off,
}

impl Sandbox {
    /// All of them, in the order of their names' table.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Strict, Self::Off];

    /// The word for it in configuration and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Strict => "strict",
            Self::Off => "off",
        }
    }
}

/// What an agent reaches on the network, with all that it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Everything that its machine does.
    #[default]
    All,
    /// Its model and nothing else: it is not started where that cannot be made.
    Model,
}

impl Network {
    /// All of them, in the order of their names' table.
    pub const ALL: [Self; 2] = [Self::All, Self::Model];

    /// The word for it in configuration and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Model => "model",
        }
    }
}

/// How hard a model thinks before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// More.
    XHigh,
    /// As much as it can.
    Max,
}

impl Effort {
    /// All of them, from little to much.
    pub const ALL: [Self; 5] = [Self::Low, Self::Medium, Self::High, Self::XHigh, Self::Max];

    /// The word for it in commands and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }
}

/// What people chose for one conversation instead of what is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// The model.
    pub model: Option<String>,
    /// How freely the agent may act.
    pub mode: Option<PermissionMode>,
    /// How hard the model thinks.
    pub effort: Option<Effort>,
}

impl Choices {
    /// How long the name of a model may be, in bytes.
    pub const LONGEST_MODEL: usize = 100;

    /// Sets an agent up as it was chosen.
    #[must_use]
    pub fn apply(&self, agent: &AgentSpec) -> AgentSpec {
        AgentSpec {
            model: self.model.clone().or_else(|| agent.model.clone()),
            permission_mode: self.mode.unwrap_or(agent.permission_mode),
            effort: self.effort.or(agent.effort),
            ..agent.clone()
        }
    }
}

/// What becomes of an agent when its gateway is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persistence {
    /// It goes on, for the next gateway.
    #[default]
    Keeper,
    /// The same, and it can be watched in a terminal multiplexer.
    Tmux,
    /// It ends with its gateway.
    None,
}

impl Persistence {
    /// All of them, in the order of their names' table.
    pub const ALL: [Self; 3] = [Self::Keeper, Self::Tmux, Self::None];

    /// The word for it in configuration and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keeper => "keeper",
            Self::Tmux => "tmux",
            Self::None => "none",
        }
    }
}

/// How freely an agent may act without being asked about each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PermissionMode {
    /// Everything that is not allowed is asked for.
    #[default]
    Default,
    /// Edits inside the workspace run unasked.
    AcceptEdits,
    /// It may read and plan, not change.
    Plan,
    /// Everything runs unasked.
    BypassPermissions,
}

impl PermissionMode {
    /// All modes, in the order of [`PermissionMode::name`]'s table.
    pub const ALL: [Self; 4] = [
        Self::Default,
        Self::AcceptEdits,
        Self::Plan,
        Self::BypassPermissions,
    ];

    /// How much may be done unasked, compared with other modes.
    pub fn freedom(self) -> u8 {
        match self {
            Self::Plan => 0,
            Self::Default => 1,
            Self::AcceptEdits => 2,
            Self::BypassPermissions => 3,
        }
    }

    /// The mode's name in configuration and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::AcceptEdits => "acceptEdits",
            Self::Plan => "plan",
            Self::BypassPermissions => "bypassPermissions",
        }
    }
}

/// What happens with a tool that is not allowed beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Permissions {
    /// Somebody is asked.
    #[default]
    Ask,
    /// It does not run, and where possible does not exist for the agent.
    Deny,
}

/// The number of an event within a session, rising by one; what is acknowledged need not be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seq(pub u64);

/// One thing that an agent reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// A turn began.
    Started {
        /// The model that answers.
        model: String,
    },
    /// More of the text that is being written.
    Text {
        /// What was added.
        delta: String,
    },
    /// A block of text is complete; the next text begins a new paragraph.
    TextEnded,
    /// More of what the model thinks.
    Thinking {
        /// What was added.
        delta: String,
    },
    /// A tool began to run.
    ToolStarted {
        /// The call's id.
        id: String,
        /// The call of a [sub-agent](ToolKind::SubAgent) that this one is part of.
        parent: Option<String>,
        /// What sort of thing it does.
        kind: ToolKind,
        /// The tool.
        name: String,
        /// Its input in one line, at most 200 characters.
        summary: String,
    },
    /// A tool ended.
    ToolEnded {
        /// The call's id.
        id: String,
        /// Whether it failed.
        is_error: bool,
        /// The beginning of what it gave, at most
        /// [`LONGEST_EXCERPT`](tool::LONGEST_EXCERPT) characters.
        excerpt: String,
    },
    /// The list of what is to be done, as it is now: at most [`MAX_TASKS`](tool::MAX_TASKS).
    Tasks(Vec<Task>),
    /// The agent cannot reach its model and tries again by itself.
    Retrying(Retry),
    /// The agent waits for somebody.
    Requested(Request),
    /// The agent does not wait for this any more. Its exit withdraws nothing: what people say then is
    /// for whoever goes on with its session.
    Withdrawn(RequestId),
    /// A sign of life with nothing to tell: a tool's input is being written, or the like.
    Alive,
    /// A turn ended.
    Ended(TurnReport),
    /// The process is gone; nothing follows.
    Exited(Exit),
}

/// One retry of the agent against its model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Which retry this is, from 1.
    pub attempt: u32,
    /// How many there will be at the most.
    pub max: u32,
    /// How long until then.
    pub delay: Duration,
    /// What went wrong, in the agent's word for it (`overloaded`, `rate_limit`, …).
    pub error: String,
}

/// How a turn ended, as its agent reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnReport {
    /// The submissions that this covers, oldest first; empty if the agent did not say.
    pub submits: Vec<SubmitId>,
    /// The answer, or why there is none.
    pub result: Result<String, TurnFailure>,
    /// What it took.
    pub usage: Usage,
    /// What was done until it ended without an answer.
    pub partial: Option<Partial>,
}

/// What a turn took. Tokens and money are those of this turn, not of the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Tokens read from the cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the cache.
    pub cache_creation_tokens: u64,
    /// US dollars, in millionths.
    pub cost_microdollars: u64,
    /// The agent's own time.
    pub duration: Duration,
    /// How many tools were used, those of sub-agents included.
    pub steps: u64,
    /// How full the model's memory is behind the turn, if the agent says so.
    pub context: Option<ContextUse>,
}

/// How full a model's memory is, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextUse {
    /// What was in it when the model was asked last, with what it answered.
    pub used: u64,
    /// What fits.
    pub window: u64,
}

impl ContextUse {
    /// How much of it is left, in percent, rounded down.
    pub fn left(self) -> u64 {
        let left = u128::from(self.window.saturating_sub(self.used));
        let share = (left * 100).checked_div(u128::from(self.window));
        share
            .and_then(|share| u64::try_from(share).ok())
            .unwrap_or(0)
    }
}

/// Why a turn has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnFailure {
    /// What sort of failure.
    pub kind: FailureKind,
    /// What the agent said about it; at most 1,000 characters.
    pub message: String,
    /// When a usage limit ends, if it is one and the agent says so.
    pub resets_at: Option<Timestamp>,
}

impl TurnFailure {
    /// A failure that is no usage limit.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            resets_at: None,
        }
    }
}

/// The sorts of failure of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The agent reported an error.
    Agent,
    /// The turn was interrupted.
    Interrupted,
    /// The process ended in the middle of the turn.
    Exited,
    /// The agent could not be started.
    Unavailable,
    /// It took longer than `turn-timeout`.
    TimedOut,
    /// The agent showed no sign of life for `stall-limit`.
    Stalled,
    /// The agent's account has used up what it may use for now.
    UsageLimit,
    /// Each attempt was cut off.
    Exhausted,
    /// The gateway itself failed at it.
    Gateway,
}

impl FailureKind {
    /// All kinds, in the order of their names' table.
    pub const ALL: [Self; 9] = [
        Self::Agent,
        Self::Interrupted,
        Self::Exited,
        Self::Unavailable,
        Self::TimedOut,
        Self::Stalled,
        Self::UsageLimit,
        Self::Exhausted,
        Self::Gateway,
    ];

    /// One word for logs, stores and transcripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Interrupted => "interrupted",
            Self::Exited => "exited",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed-out",
            Self::Stalled => "stalled",
            Self::UsageLimit => "usage-limit",
            Self::Exhausted => "exhausted",
            Self::Gateway => "gateway",
        }
    }
}

/// How an agent's process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The exit code, or the signal as 128 + its number.
    pub code: Option<i32>,
    /// The end of what it wrote to standard error, at most 2,000 characters.
    pub stderr: String,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "exit {code}")?,
            None => f.write_str("exit unknown")?,
        }
        match self.stderr.trim() {
            "" => Ok(()),
            stderr => write!(f, ": {stderr}"),
        }
    }
}
