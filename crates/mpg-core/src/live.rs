//! What a running turn looks like, and how often that may be shown.

mod pacer;
mod render;
mod results;
mod steps;
mod tail;
#[cfg(test)]
mod tests;
mod whole;

use std::collections::BTreeSet;
use std::time::Duration;

use self::steps::Steps;
use self::tail::Tail;
use self::whole::Whole;
use crate::agent::AgentEvent;
use crate::agent::tool::ToolKind;
use crate::config::Verbosity;
use crate::id::{MessageId, Place, RequestId, TurnId};
use crate::persona::Persona;
use crate::port::LiveFrame;
use crate::post::{Post, Status};

pub use self::pacer::{Pacer, Worth};
pub use self::render::Look;
pub use self::results::Results;

/// How much text of a turn is kept whole for a channel that appends to what it shows, in bytes: what
/// is shown ends before the first piece that does not fit. The answer itself is not cut by this.
pub const MAX_LIVE_TEXT: usize = 256 * 1024;

/// How much of what the agent thinks is kept, in bytes.
const MAX_THOUGHT: usize = 2 * 1024;

/// How many questions are remembered as open.
const MAX_OPEN: usize = 64;

/// The message that a running turn is shown in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveMessage {
    /// The turn.
    pub turn: TurnId,
    /// Where it is.
    pub place: Place,
    /// The message.
    pub message: MessageId,
    /// What it is, but for its text.
    pub post: Post,
}

/// What a running turn looks like. It is a view: nothing durable depends on it.
///
/// What it takes in costs what is added, and what it keeps is bounded. Times are those since the turn
/// began.
#[derive(Debug)]
pub struct LiveView {
    turn: TurnId,
    persona: Option<Persona>,
    steps: Steps,
    tail: Tail,
    whole: Option<Whole>,
    thought: String,
    open: BTreeSet<RequestId>,
    /// Whether there was no sign of life for long.
    silent: bool,
    /// Whether the agent was heard of.
    begun: bool,
    changed: bool,
}

impl LiveView {
    /// The view of a turn that has shown nothing yet, and whom it speaks for.
    pub fn new(turn: TurnId, persona: Option<Persona>) -> Self {
        Self {
            turn,
            persona,
            steps: Steps::default(),
            tail: Tail::default(),
            whole: None,
            thought: String::new(),
            open: BTreeSet::new(),
            silent: false,
            begun: false,
            changed: false,
        }
    }

    /// The same view, which keeps the text whole for [`LiveView::frame`].
    #[must_use]
    pub fn with_whole_text(mut self) -> Self {
        self.whole = Some(Whole::default());
        self
    }

    /// The view of the same turn, with nothing in it.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self {
            whole: self.whole.as_ref().map(Whole::anew),
            ..Self::new(self.turn, self.persona.clone())
        }
    }

    /// Takes in what the agent reports.
    pub fn apply(&mut self, event: &AgentEvent, now: Duration) {
        self.take_in(event, Some(now));
    }

    /// Takes in what the agent reported earlier, nobody knows when: what began or ended then is
    /// shown without the time that it took.
    pub fn apply_replayed(&mut self, event: &AgentEvent) {
        self.take_in(event, None);
    }

    /// A question is no longer open.
    pub fn answered(&mut self, question: &RequestId) {
        if self.open.remove(question) {
            self.changed = true;
        }
    }

    /// There was no sign of life for long.
    pub fn fell_silent(&mut self) {
        self.silent = true;
        self.changed = true;
    }

    /// The turn.
    pub fn turn(&self) -> TurnId {
        self.turn
    }

    /// What it does now.
    pub fn doing(&self) -> Status {
        if !self.open.is_empty() {
            return Status::Waiting;
        }
        if self.silent {
            return Status::Stalled;
        }
        match self.steps.running().map(|step| step.kind) {
            Some(ToolKind::Reading | ToolKind::Searching) => Status::Reading,
            Some(ToolKind::Editing(_)) => Status::Editing,
            Some(ToolKind::Running | ToolKind::Other) => Status::Running,
            Some(ToolKind::Web) => Status::Web,
            None if !self.begun => Status::Received,
            Some(ToolKind::SubAgent | ToolKind::Tasks) | None => Status::Thinking,
        }
    }

    /// How many tools it used.
    pub fn steps(&self) -> u64 {
        self.steps.all()
    }

    /// Whether there is something new to show.
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// The newest state as a text that fits, which then counts as shown: the last steps and how many
    /// there were before, the list of what is to be done, the end of the text, and what happens now.
    pub fn render(&mut self, look: Look, now: Duration) -> String {
        self.changed = false;
        render::render(self, look, now)
    }

    /// The newest state for a channel that appends to what it shows, which then counts as shown.
    pub fn frame(&mut self, verbosity: Verbosity) -> LiveFrame {
        self.changed = false;
        let whole = self.whole.as_ref();
        let acts = whole.is_none_or(Whole::acts);
        let running = self.steps.running().filter(|_| acts);
        LiveFrame {
            turn: self.turn,
            text: whole.map_or_else(String::new, |whole| whole.text().to_owned()),
            lines: whole.map_or_else(Vec::new, |whole| whole.lines(verbosity)),
            activity: running.map(render::activity),
            persona: self.persona.clone(),
        }
    }

    /// What its steps gave; `None` where they gave nothing.
    pub fn results(&self) -> Option<Results> {
        Results::of(&self.steps)
    }

    fn take_in(&mut self, event: &AgentEvent, now: Option<Duration>) {
        self.silent = false;
        self.begun = true;
        match event {
            AgentEvent::Text { delta } => self.write(delta),
            AgentEvent::TextEnded => {
                self.tail.end_paragraph();
                if let Some(whole) = &mut self.whole {
                    whole.end_paragraph();
                }
            }
            AgentEvent::Thinking { delta } => self.think(delta),
            AgentEvent::ToolStarted {
                id,
                parent,
                kind,
                name,
                summary,
            } => {
                let what = (*kind, name.as_str(), summary.as_str());
                self.steps.start(id, parent.as_deref(), what, now);
                self.end_thought();
                if let Some(whole) = &mut self.whole {
                    whole.act();
                }
                self.changed = true;
            }
            AgentEvent::ToolEnded {
                id,
                is_error,
                excerpt,
            } => {
                let step = self.steps.end(id, *is_error, excerpt, now);
                if let (Some(step), Some(whole)) = (step, &mut self.whole) {
                    whole.step(step.clone());
                }
                self.changed = true;
            }
            AgentEvent::Tasks(tasks) => {
                self.steps.plan(tasks);
                self.changed = true;
            }
            AgentEvent::Requested(request) => {
                if self.open.len() < MAX_OPEN {
                    self.open.insert(request.id.clone());
                }
                self.changed = true;
            }
            AgentEvent::Withdrawn(id) => self.answered(id),
            AgentEvent::Started { .. }
            | AgentEvent::Retrying(_)
            | AgentEvent::Alive
            | AgentEvent::Ended(_)
            | AgentEvent::Exited(_) => {}
        }
    }

    fn write(&mut self, delta: &str) {
        if delta.is_empty() {
            return;
        }
        self.end_thought();
        self.tail.push(delta);
        let shown = self.whole.as_mut().is_none_or(|whole| whole.write(delta));
        self.changed |= shown;
    }

    fn think(&mut self, delta: &str) {
        self.thought.push_str(delta);
        // Only now and then, so that a long thought costs no more than a short one.
        if self.thought.len() > 2 * MAX_THOUGHT {
            let from = self.thought.len() - MAX_THOUGHT;
            self.thought.drain(..self.thought.ceil_char_boundary(from));
        }
        self.changed |= self.whole.is_none();
    }

    /// The agent does something else than to think.
    fn end_thought(&mut self) {
        let is_blank = self.thought.trim().is_empty();
        if !is_blank && self.whole.is_some() {
            let thought = self.thought(render::LONGEST_THOUGHT);
            if let Some(whole) = &mut self.whole {
                whole.thought(thought);
                self.changed = true;
            }
        }
        self.thought.clear();
    }

    /// The end of what the agent thinks.
    fn thought(&self, longest: usize) -> String {
        let count = self.thought.chars().count();
        let end = self.thought.chars().skip(count.saturating_sub(longest));
        let end: String = end.collect();
        if count > longest {
            format!("…{end}")
        } else {
            end
        }
    }
}
