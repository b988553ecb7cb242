//! What agents ask people in a turn, from the moment at which it is asked until the turn ends.

use jiff::Timestamp;

use crate::ask::Said;
use crate::id::{AskId, RequestId, UserId};
use crate::persona::one_line;
use crate::request::About;

/// A request of an agent that people are to answer, with what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Its id, which stays the same when the agent is told of it again.
    pub id: AskId,
    /// The agent's own name for it. An agent that was started anew and asks the same has another one.
    pub request: RequestId,
    /// What is asked.
    pub about: About,
    /// When it was asked.
    pub at: Timestamp,
    /// Until when somebody may answer.
    pub until: Timestamp,
    /// The answers to its first questions, where it has several and not all of them are answered.
    pub replies: Vec<Vec<String>>,
    /// What came of it; `None` while people may answer.
    pub verdict: Option<Verdict>,
}

impl Ask {
    /// How many of one turn are remembered.
    pub const MOST: usize = 32;

    /// Whether people may answer.
    pub fn is_open(&self) -> bool {
        self.verdict.is_none()
    }

    /// Whether there is an answer that the agent was not told yet.
    pub fn is_untold(&self) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| !verdict.told)
    }
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What was said; `None` where nobody said anything in time.
    pub said: Option<Said>,
    /// Who gave it; `None` where nobody did, or an operator of the gateway.
    pub by: Option<Answerer>,
    /// When.
    pub at: Timestamp,
    /// Whether the agent was told, or may have been.
    pub told: bool,
}

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answerer {
    /// The person's id.
    pub id: UserId,
    /// What they are called.
    pub name: String,
}

impl Answerer {
    /// Somebody by this id, who is called so, in one line; by the id, where the name says nothing.
    pub fn new(id: UserId, name: &str) -> Self {
        let name = one_line(name, Self::LONGEST_NAME);
        let name = if name.is_empty() {
            id.to_string()
        } else {
            name
        };
        Self { id, name }
    }

    /// The longest name, in code points.
    const LONGEST_NAME: usize = 80;
}

/// Something that was allowed for good in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The rule, as `allowed-tools` takes it.
    pub rule: String,
    /// Who allowed it; `None` for an operator of the gateway.
    pub by: Option<Answerer>,
    /// When.
    pub at: Timestamp,
}

impl Rule {
    /// How many a project, or a session, has at most.
    pub const MOST: usize = 200;
}
