//! What a command has done outside of the gateway before it is replied to.

mod ledger;

pub use self::ledger::Ledger;
use crate::agent::Usage;
use crate::id::{AgentName, RootId, SessionId, TurnId, UserId};
use crate::port::WorkspaceRequest;
use crate::workspace::{Diff, Discarded, Merged, WorkspaceState};
use jiff::Timestamp;

/// The number of a job. It does not outlive the process, and neither does the job: whoever asked is
/// not replied to then, and may ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// One job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What is to be done.
    pub work: Work,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Look at a workspace.
    Inspect(WorkspaceRef),
    /// Compare a workspace with what it began from.
    Diff(WorkspaceRef),
    /// Bring what is committed in a workspace to where it began from.
    Merge(WorkspaceRef),
    /// Remove a workspace, and keep what would be lost.
    Discard(WorkspaceRef),
    /// Look the turns of threads up.
    Turns {
        /// The threads.
        threads: Vec<RootId>,
        /// How many of the last ones are told one by one.
        last: usize,
    },
    /// Say how sessions are gone on with outside of the gateway: each with its directory.
    Resume(Vec<(SessionId, String)>),
}

/// A workspace, as far as the gateway knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceRef {
    /// What it was prepared for.
    pub request: WorkspaceRequest,
    /// Where a session works in it, if there is one.
    pub directory: Option<String>,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// Of [`Work::Inspect`].
    Inspected(WorkspaceState),
    /// Of [`Work::Diff`].
    Compared(Diff),
    /// Of [`Work::Merge`].
    Merged(Merged),
    /// Of [`Work::Discard`].
    Discarded(Discarded),
    /// Of [`Work::Turns`].
    Turns(Turns),
    /// Of [`Work::Resume`]: a line for a shell for each session, or none where there is no such.
    Resume(Vec<Option<String>>),
}

/// The turns of some threads, as long as the threads are remembered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turns {
    /// How many have ended.
    pub ended: u64,
    /// What those took together.
    pub usage: Usage,
    /// The last ones that ended, the newest first.
    pub last: Vec<PastTurn>,
}

/// A turn that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct PastTurn {
    /// The turn.
    pub id: TurnId,
    /// The agent that was asked.
    pub agent: Option<AgentName>,
    /// Whose message it goes back to.
    pub author: UserId,
    /// The beginning of what was asked, at most [`PastTurn::LONGEST`] bytes of it.
    pub prompt: String,
    /// Whether a person asked, and not an agent that handed over.
    pub by_person: bool,
    /// How it ended, in the word that stores have for it.
    pub outcome: String,
    /// What it took.
    pub usage: Usage,
    /// When it ended.
    pub at: Timestamp,
}

impl PastTurn {
    /// How much of what was asked is kept here, in bytes.
    pub const LONGEST: usize = 400;

    /// As much of what was asked as is kept here.
    pub fn beginning(prompt: &str) -> &str {
        let end = prompt.floor_char_boundary(Self::LONGEST);
        prompt.get(..end).unwrap_or_default()
    }
}

impl Turns {
    /// Keeps the last turns, whatever thread they are of.
    pub fn keep_last(&mut self, last: usize) {
        // Stable: of one moment, the later one of a thread comes first already.
        self.last.sort_by_key(|turn| std::cmp::Reverse(turn.at));
        self.last.truncate(last);
    }
}

impl Usage {
    /// Adds what another turn took; the sum stays at the most that can be counted.
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.input_tokens, other.input_tokens),
            (&mut self.output_tokens, other.output_tokens),
            (&mut self.cache_read_tokens, other.cache_read_tokens),
            (&mut self.cache_creation_tokens, other.cache_creation_tokens),
            (&mut self.cost_microdollars, other.cost_microdollars),
            (&mut self.steps, other.steps),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
        self.duration = self.duration.saturating_add(other.duration);
        // That of several turns says nothing.
        self.context = None;
    }
}
