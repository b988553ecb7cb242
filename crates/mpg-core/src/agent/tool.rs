//! What an agent tells of the tools that it uses.

/// How long what a tool gave is at most, in characters.
pub const LONGEST_EXCERPT: usize = 1_000;

/// How many tasks a list has at most.
pub const MAX_TASKS: usize = 50;

/// How long a task is at most, in characters.
pub const LONGEST_TASK: usize = 200;

/// What sort of thing a tool does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolKind {
    /// It reads files.
    Reading,
    /// It changes a file.
    Editing(LineCount),
    /// It runs a command.
    Running,
    /// It looks for something in files.
    Searching,
    /// It asks the network.
    Web,
    /// It has another agent do something, whose own tools have it as their parent.
    SubAgent,
    /// It writes down what is to be done.
    Tasks,
    /// Anything else.
    Other,
}

impl ToolKind {
    /// One of each kind, in the order in which they are counted.
    pub const ALL: [Self; 8] = [
        Self::Reading,
        Self::Editing(LineCount {
            added: 0,
            removed: 0,
        }),
        Self::Running,
        Self::Searching,
        Self::Web,
        Self::SubAgent,
        Self::Tasks,
        Self::Other,
    ];

    /// One word for logs and what is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Editing(_) => "editing",
            Self::Running => "running",
            Self::Searching => "searching",
            Self::Web => "web",
            Self::SubAgent => "sub-agent",
            Self::Tasks => "tasks",
            Self::Other => "other",
        }
    }
}

/// How many lines an edit writes, and how many it takes away; both zero where that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCount {
    /// Written.
    pub added: u32,
    /// Taken away.
    pub removed: u32,
}

/// One entry of an agent's list of what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What is to be done, in one line of at most [`LONGEST_TASK`] characters.
    pub text: String,
    /// How far it is.
    pub state: TaskState,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskState {
    /// Not begun.
    #[default]
    Open,
    /// Being worked on.
    Active,
    /// Done.
    Done,
}

impl TaskState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Active, Self::Done];

    /// One word for logs and what is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Active => "active",
            Self::Done => "done",
        }
    }
}
