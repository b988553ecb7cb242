//! What agents do, and what it takes, as it stands in a spool.

use std::time::Duration;

use mpg_core::agent::tool::{LineCount, Task, TaskState, ToolKind};
use mpg_core::agent::{ContextUse, Usage};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Spent {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_tokens: u64,
    cache_creation_tokens: u64,
    cost_microdollars: u64,
    duration_us: u64,
    steps: u64,
    context: Option<Context>,
}

/// How full the model's memory is, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Context {
    used: u64,
    window: u64,
}

/// What sort of thing a tool does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Sort {
    name: String,
    added: u32,
    removed: u32,
}

/// One entry of the list of what is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(super) text: String,
    state: String,
}

impl From<ToolKind> for Sort {
    fn from(kind: ToolKind) -> Self {
        let lines = match kind {
            ToolKind::Editing(lines) => lines,
            ToolKind::Reading
            | ToolKind::Running
            | ToolKind::Searching
            | ToolKind::Web
            | ToolKind::SubAgent
            | ToolKind::Tasks
            | ToolKind::Other => LineCount::default(),
        };
        Self {
            name: kind.name().to_owned(),
            added: lines.added,
            removed: lines.removed,
        }
    }
}

/// One that is not known here is another one.
impl From<Sort> for ToolKind {
    fn from(sort: Sort) -> Self {
        let mut known = Self::ALL.into_iter();
        match known.find(|known| known.name() == sort.name) {
            Some(Self::Editing(_)) => Self::Editing(LineCount {
                added: sort.added,
                removed: sort.removed,
            }),
            Some(other) => other,
            None => Self::Other,
        }
    }
}

impl From<Task> for Entry {
    fn from(task: Task) -> Self {
        Self {
            text: task.text,
            state: task.state.name().to_owned(),
        }
    }
}

impl From<Entry> for Task {
    fn from(entry: Entry) -> Self {
        let mut known = TaskState::ALL.into_iter();
        let state = known.find(|known| known.name() == entry.state);
        Self {
            text: entry.text,
            state: state.unwrap_or_default(),
        }
    }
}

impl From<Usage> for Spent {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cache_read_tokens: usage.cache_read_tokens,
            cache_creation_tokens: usage.cache_creation_tokens,
            cost_microdollars: usage.cost_microdollars,
            duration_us: u64::try_from(usage.duration.as_micros()).unwrap_or(u64::MAX),
            steps: usage.steps,
            context: usage
                .context
                .map(|ContextUse { used, window }| Context { used, window }),
        }
    }
}

impl From<Spent> for Usage {
    fn from(spent: Spent) -> Self {
        Self {
            input_tokens: spent.input_tokens,
            output_tokens: spent.output_tokens,
            cache_read_tokens: spent.cache_read_tokens,
            cache_creation_tokens: spent.cache_creation_tokens,
            cost_microdollars: spent.cost_microdollars,
            duration: Duration::from_micros(spent.duration_us),
            steps: spent.steps,
            context: spent
                .context
                .map(|Context { used, window }| ContextUse { used, window }),
        }
    }
}
