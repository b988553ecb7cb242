//! How long a running agent has shown no sign of life.

use std::collections::BTreeSet;

use mpg_core::agent::AgentEvent;
use mpg_core::config::Patience;
use mpg_core::event::TurnNotice;
use mpg_core::id::RequestId;
use tokio::time::Instant;

/// How many tools, and how many questions, are remembered as open. Those beyond it are not waited
/// for.
const MAX_OPEN: usize = 1_000;

/// Listens for signs of life. A tool that runs is one, and so is a question that is open.
#[derive(Debug)]
pub(super) struct Vigil {
    patience: Patience,
    heard_at: Instant,
    tools: BTreeSet<String>,
    questions: BTreeSet<RequestId>,
    stage: Stage,
}

/// What was said about the silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Nothing,
    Silent,
    /// Nothing more is to be said.
    Over,
}

impl Vigil {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            patience,
            heard_at: Instant::now(),
            tools: BTreeSet::new(),
            questions: BTreeSet::new(),
            stage: Stage::Nothing,
        }
    }

    /// Takes in a sign of life.
    pub(super) fn hear(&mut self, event: &AgentEvent) {
        self.heard_at = Instant::now();
        if self.stage == Stage::Silent {
            self.stage = Stage::Nothing;
        }
        match event {
            AgentEvent::ToolStarted { id, .. } if self.tools.len() < MAX_OPEN => {
                self.tools.insert(id.clone());
            }
            AgentEvent::ToolEnded { id, .. } => {
                self.tools.remove(id);
            }
            AgentEvent::Requested(request) if self.questions.len() < MAX_OPEN => {
                self.questions.insert(request.id.clone());
            }
            AgentEvent::Withdrawn(id) => self.answered(id),
            AgentEvent::ToolStarted { .. }
            | AgentEvent::Tasks(_)
            | AgentEvent::Requested(_)
            | AgentEvent::Started { .. }
            | AgentEvent::Text { .. }
            | AgentEvent::TextEnded
            | AgentEvent::Thinking { .. }
            | AgentEvent::Retrying(_)
            | AgentEvent::Alive
            | AgentEvent::Ended(_)
            | AgentEvent::Exited(_) => {}
        }
    }

    /// A question is no longer open.
    pub(super) fn answered(&mut self, question: &RequestId) {
        if self.questions.remove(question) {
            self.heard_at = Instant::now();
        }
    }

    /// What was heard belongs to an earlier turn.
    pub(super) fn begin_again(&mut self) {
        self.heard_at = Instant::now();
        self.tools.clear();
        self.questions.clear();
    }

    /// Nobody wants to know any more.
    pub(super) fn give_up(&mut self) {
        self.stage = Stage::Over;
    }

    /// When there will be something to say, unless a sign of life comes first.
    pub(super) fn due(&self) -> Option<Instant> {
        if !self.tools.is_empty() || !self.questions.is_empty() {
            return None;
        }
        let after = match self.stage {
            Stage::Nothing => self.patience.notice,
            Stage::Silent => self.patience.limit,
            Stage::Over => return None,
        };
        self.heard_at.checked_add(after)
    }

    /// What there is to say once it is due.
    pub(super) fn notice(&mut self) -> Option<TurnNotice> {
        match self.stage {
            Stage::Nothing => {
                self.stage = Stage::Silent;
                Some(TurnNotice::Silent(self.patience.notice))
            }
            Stage::Silent => {
                self.stage = Stage::Over;
                Some(TurnNotice::Stalled(self.patience.limit))
            }
            Stage::Over => None,
        }
    }
}
