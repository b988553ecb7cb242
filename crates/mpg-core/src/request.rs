//! What an agent asks people while a turn runs: whether a tool may run, what is meant, whether a plan
//! is good, what to fill in.

use crate::control::Field;
use crate::id::RequestId;

/// Something that an agent waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The agent's own name for it, which is unique in its session.
    pub id: RequestId,
    /// What it is about.
    pub about: About,
}

impl Request {
    /// A tool call that somebody has to allow.
    pub fn permission(id: RequestId, permission: Permission) -> Self {
        Self {
            id,
            about: About::Permission(permission),
        }
    }
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Whether a tool may run.
    Permission(Permission),
    /// What somebody means: one or more questions, in order.
    Questions(Vec<Question>),
    /// Whether a plan is to be carried out.
    Plan {
        /// The plan, as Markdown; at most [`Permission::LONGEST_DETAIL`] bytes.
        text: String,
    },
    /// Values that a tool's server wants to have.
    Form {
        /// Who wants them.
        from: String,
        /// What it says about them; at most 2,000 characters.
        message: String,
        /// What they are.
        fields: Vec<Field>,
    },
}

impl About {
    /// One word for stores and transcripts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Permission(_) => "permission",
            Self::Questions(_) => "questions",
            Self::Plan { .. } => "plan",
            Self::Form { .. } => "form",
        }
    }
}

/// A tool call that does not run unless somebody allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The tool.
    pub tool: String,
    /// Its input in one line, at most 200 characters.
    pub summary: String,
    /// Its input, as people read it.
    pub detail: Detail,
    /// The rule that would allow this call, as `allowed-tools` takes it.
    pub rule: String,
}

impl Permission {
    /// The longest detail, in bytes; what is longer is cut and says so.
    pub const LONGEST_DETAIL: usize = 64 * 1024;

    /// A call of which no more is known than one line.
    pub fn new(
        tool: impl Into<String>,
        summary: impl Into<String>,
        rule: impl Into<String>,
    ) -> Self {
        let summary = summary.into();
        Self {
            tool: tool.into(),
            detail: Detail::Text(summary.clone()),
            summary,
            rule: rule.into(),
        }
    }
}

/// The input of a tool call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A command of a shell.
    Command(String),
    /// A change to a file, as a unified diff.
    Diff(String),
    /// Anything else.
    Text(String),
}

impl Detail {
    /// Its text.
    pub fn text(&self) -> &str {
        match self {
            Self::Command(text) | Self::Diff(text) | Self::Text(text) => text,
        }
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// A word or two that name it; may be empty.
    pub header: String,
    /// What is asked, which is also its name in the answer.
    pub text: String,
    /// What can be answered; anything else can be, too.
    pub options: Vec<QuestionOption>,
    /// Whether several of them can be.
    pub multiple: bool,
}

/// One answer to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionOption {
    /// The answer.
    pub label: String,
    /// What it means; may be empty.
    pub description: String,
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The tool runs, or the plan is carried out.
    Allow(Scope),
    /// It does not.
    Deny {
        /// What the agent is told: who said so and why, or that nobody answered.
        message: String,
    },
    /// The plan is carried out, and edits run unasked from here on.
    AcceptEdits,
    /// What is meant: for each question in order, what was chosen or written.
    Replies(Vec<Vec<String>>),
    /// What was filled in, by the names of the fields.
    Filled(Vec<(String, String)>),
}

/// For how long a tool call is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// This once.
    Once,
    /// It and what its rule allows, for as long as the agent's session lasts.
    Session,
    /// It and what its rule allows, in this project from now on.
    Project,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Once, Self::Session, Self::Project];

    /// One word for stores and transcripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Session => "session",
            Self::Project => "project",
        }
    }
}
