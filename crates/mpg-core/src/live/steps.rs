//! What an agent did in a turn, step by step: the last steps, and how many came before them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::agent::tool::{LONGEST_EXCERPT, MAX_TASKS, Task, ToolKind};

/// How many steps are kept one by one; of older ones, their number.
const KEPT: usize = 64;

/// How long a name, a summary or an id is kept, in characters.
const LONGEST: usize = 200;

/// The steps of one turn. Each costs the same, however many there were.
#[derive(Debug, Default)]
pub(super) struct Steps {
    kept: VecDeque<Step>,
    folded: Folded,
    tasks: Vec<Task>,
    all: u64,
}

/// One tool call.
#[derive(Clone, Debug)]
pub(super) struct Step {
    id: String,
    pub(super) kind: ToolKind,
    pub(super) name: String,
    pub(super) summary: String,
    /// How many other agents it is inside.
    pub(super) depth: usize,
    /// When it began, since the turn did; `None` where it is told after it happened.
    pub(super) began: Option<Duration>,
    pub(super) end: Option<End>,
}

/// How a tool call ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// `None` where its beginning or its end is told after it happened.
    pub(super) took: Option<Duration>,
    pub(super) is_error: bool,
    pub(super) excerpt: String,
}

/// Steps that are not kept one by one.
#[derive(Clone, Debug, Default)]
pub(super) struct Folded {
    /// How many of each kind, by its name.
    pub(super) kinds: BTreeMap<&'static str, usize>,
    pub(super) failed: usize,
}

impl Folded {
    pub(super) fn add(&mut self, step: &Step) {
        *self.kinds.entry(step.kind.name()).or_default() += 1;
        let failed = step.end.as_ref().is_some_and(|end| end.is_error);
        self.failed += usize::from(failed);
    }

    pub(super) fn count(&self) -> usize {
        self.kinds.values().sum()
    }
}

impl Steps {
    /// A tool began to run.
    pub(super) fn start(
        &mut self,
        id: &str,
        parent: Option<&str>,
        (kind, name, summary): (ToolKind, &str, &str),
        now: Option<Duration>,
    ) {
        self.all += 1;
        while self.kept.len() >= KEPT {
            self.fold();
        }
        let caller = parent.and_then(|parent| self.find(parent));
        let depth = caller
            .and_then(|at| self.kept.get(at))
            .map_or(0, |step| step.depth + 1);
        let step = Step {
            id: id.to_owned(),
            kind,
            name: clipped(name, LONGEST),
            summary: clipped(summary, LONGEST),
            depth,
            began: now,
            end: None,
        };
        let at = caller.map_or(self.kept.len(), |caller| {
            let behind = self.kept.iter().skip(caller + 1);
            caller + 1 + behind.take_while(|step| step.depth >= depth).count()
        });
        self.kept.insert(at, step);
    }

    /// A tool ended; gives its step, if it is kept and had not ended before.
    pub(super) fn end(
        &mut self,
        id: &str,
        is_error: bool,
        excerpt: &str,
        now: Option<Duration>,
    ) -> Option<&Step> {
        let at = self.find(id)?;
        let step = self.kept.get_mut(at)?;
        let first = step.end.is_none();
        step.end = Some(End {
            took: span(step.began, now),
            is_error,
            excerpt: clipped(excerpt, LONGEST_EXCERPT),
        });
        first.then_some(&*step)
    }

    /// There is another list of what is to be done.
    pub(super) fn plan(&mut self, tasks: &[Task]) {
        self.tasks = tasks.iter().take(MAX_TASKS).cloned().collect();
    }

    /// How many steps there were.
    pub(super) fn all(&self) -> u64 {
        self.all
    }

    /// The steps that are kept, oldest first, those of another agent behind its own.
    pub(super) fn kept(&self) -> impl DoubleEndedIterator<Item = &Step> + ExactSizeIterator {
        self.kept.iter()
    }

    /// The steps before those.
    pub(super) fn folded(&self) -> &Folded {
        &self.folded
    }

    pub(super) fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// The step that runs and began last.
    pub(super) fn running(&self) -> Option<&Step> {
        let running = self.kept.iter().filter(|step| step.end.is_none());
        running.max_by_key(|step| step.began)
    }

    fn find(&self, id: &str) -> Option<usize> {
        self.kept.iter().rposition(|step| step.id == id)
    }

    /// Counts the oldest step that has ended, or else the oldest one.
    fn fold(&mut self) {
        let ended = self.kept.iter().position(|step| step.end.is_some());
        if let Some(step) = self.kept.remove(ended.unwrap_or(0)) {
            self.folded.add(&step);
        }
    }
}

/// How long it is between two times, if both are known.
pub(super) fn span(began: Option<Duration>, now: Option<Duration>) -> Option<Duration> {
    Some(now?.saturating_sub(began?))
}

/// The beginning of a text.
fn clipped(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}
