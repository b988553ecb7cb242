//! What a conversation is doing just now: the part of its state that does not outlive the process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::agent::Choices;
use crate::config::Project;
use crate::event::RunId;
use crate::id::{AskId, MessageRef, SessionId, TurnId, UserId};

/// A conversation that waits, runs or has an agent ready. Conversations that do none of this have
/// no lane.
#[derive(Debug)]
pub(crate) struct Lane {
    /// The project, as it was when the lane came into being.
    pub(crate) project: Arc<Project>,
    /// What it does.
    pub(crate) phase: Phase,
    /// Its share of the slots.
    pub(crate) slot: Slot,
    /// Whether the next submission makes up for a setback that is counted already.
    pub(crate) makes_up: bool,
    /// Whether the running turn went on while no gateway listened.
    pub(crate) adopted: bool,
    /// What the agent that runs was started with, or the one that ran last.
    pub(crate) started: Started,
    /// Whether its directory is missing and is prepared once more.
    pub(crate) prepares_again: bool,
    /// What its agent asked people.
    pub(crate) asked: BTreeSet<AskId>,
    /// The rules beyond the configuration that its agent was started with or has been granted.
    pub(crate) granted: BTreeSet<String>,
    /// What was told about the running turn already, by topic.
    pub(crate) told: BTreeSet<String>,
    /// What was chosen when that agent was started.
    pub(crate) chosen: Choices,
    /// The messages that the running turn took in.
    pub(crate) absorbed: Vec<MessageRef>,
    /// How many files the running turn has handed over.
    pub(crate) handed: usize,
}

/// What an agent was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// The limits on tools of the configuration.
    Limited,
    /// No limits on tools, because somebody lifted them.
    Unlimited,
    /// Settings that an earlier gateway had: it goes on for the running turn alone.
    Otherwise,
}

/// Whether a conversation may run a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// It does not want to.
    None,
    /// It wants to.
    Waiting,
    /// It may.
    Held,
}

/// What a conversation does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No agent runs.
    Cold,
    /// An agent is ready, and has been unused for so long.
    Warm {
        session: SessionId,
        since: Timestamp,
    },
    /// A directory is being prepared for a turn.
    Preparing { turn: TurnId },
    /// A turn runs.
    Running(Run),
    /// A turn is being stopped.
    Stopping(Run, StopReason),
    /// The agent is going; what comes next waits until it is gone.
    Closing { session: SessionId },
}

/// Why the gateway stops a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// It took too long.
    TimedOut,
    /// Its agent showed no sign of life for so long.
    Stalled(Duration),
    /// A person said so, and the turn counts as ended.
    Asked,
}

/// A running turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) id: RunId,
    pub(crate) turn: TurnId,
    pub(crate) attempt: u32,
    pub(crate) session: SessionId,
    /// Who asked.
    pub(crate) author: UserId,
    pub(crate) deadline: Timestamp,
    /// How much of its time is left while it waits for people, and none passes.
    pub(crate) held: Option<Duration>,
    /// Whether it makes up for a setback that is counted already.
    pub(crate) makes_up: bool,
}

impl Lane {
    pub(crate) fn new(project: Arc<Project>) -> Self {
        Self {
            project,
            phase: Phase::Cold,
            slot: Slot::None,
            makes_up: false,
            adopted: false,
            started: Started::Limited,
            prepares_again: false,
            asked: BTreeSet::new(),
            granted: BTreeSet::new(),
            told: BTreeSet::new(),
            chosen: Choices::default(),
            absorbed: Vec::new(),
            handed: 0,
        }
    }

    /// The run with this number, if it is the one that runs.
    pub(crate) fn run(&self, id: RunId) -> Option<&Run> {
        match &self.phase {
            Phase::Running(run) | Phase::Stopping(run, _) if run.id == id => Some(run),
            Phase::Running(_)
            | Phase::Stopping(..)
            | Phase::Cold
            | Phase::Warm { .. }
            | Phase::Preparing { .. }
            | Phase::Closing { .. } => None,
        }
    }

    /// Whether a turn runs that waits for people.
    pub(crate) fn waits_for_people(&self) -> bool {
        matches!(&self.phase, Phase::Running(run) if run.held.is_some())
    }

    /// The session whose agent runs.
    pub(crate) fn session(&self) -> Option<SessionId> {
        match &self.phase {
            Phase::Cold | Phase::Preparing { .. } => None,
            Phase::Warm { session, .. } | Phase::Closing { session } => Some(*session),
            Phase::Running(run) | Phase::Stopping(run, _) => Some(run.session),
        }
    }
}
