//! A running turn as text.

use std::time::Duration;

use super::LiveView;
use super::steps::{Folded, Step, span};
use crate::agent::tool::{LineCount, Task, TaskState, ToolKind};
use crate::capability::TextLimit;
use crate::config::Verbosity;
use crate::wording::live as words;

/// How many steps are shown one by one.
const MAX_STEPS: usize = 8;

/// How many tasks are shown.
const MAX_TASKS: usize = 8;

/// How long the line of a step is at most, in characters, without its time.
const LONGEST_STEP: usize = 90;

/// How much of what a tool gave is shown, in characters.
const LONGEST_EXCERPT: usize = 160;

/// How much of what the agent thinks is shown, in characters.
pub(super) const LONGEST_THOUGHT: usize = 400;

/// How a channel shows a running turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The longest text.
    pub limit: TextLimit,
    /// Whether a text between two pairs of bars is hidden until somebody wants to see it.
    pub spoilers: bool,
    /// How much is shown.
    pub verbosity: Verbosity,
}

/// Steps above, text below, and in the last line what happens now.
pub(super) fn render(view: &LiveView, look: Look, now: Duration) -> String {
    let state = words::state(view.doing(), now, view.steps.all());
    let mut room = Room {
        limit: look.limit,
        left: look
            .limit
            .max
            .saturating_sub(look.limit.unit.count(&state) + 2),
    };
    let mut blocks = Vec::new();
    let full = look.verbosity == Verbosity::Full;
    // A half is kept for the text, where there is one.
    let reserved = if view.tail.is_blank() {
        0
    } else {
        room.left / 2
    };
    room.left -= reserved;
    let steps = steps(view, full, now, &mut room);
    let tasks = tasks(view.steps.tasks(), &mut room);
    blocks.extend([steps, tasks].map(|lines| lines.join("\n")));
    if full && !view.thought.is_empty() {
        blocks.extend(room.take(words::thought(
            &view.thought(LONGEST_THOUGHT),
            look.spoilers,
        )));
    }
    room.left += reserved;
    let limit = TextLimit {
        max: room.left.saturating_sub(2),
        unit: look.limit.unit,
    };
    blocks.push(view.tail.shown(limit));
    blocks.push(state);
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n\n")
}

/// What is left of the longest text.
struct Room {
    limit: TextLimit,
    left: usize,
}

impl Room {
    /// The text, if there is room for it and for a blank line before it.
    fn take(&mut self, text: String) -> Option<String> {
        let taken = self.limit.unit.count(&text) + 2;
        self.left = self.left.checked_sub(taken)?;
        Some(text)
    }
}

/// The lines of the last steps; those that run are left out last.
fn steps(view: &LiveView, full: bool, now: Duration, room: &mut Room) -> Vec<String> {
    let kept: Vec<&Step> = view.steps.kept().collect();
    let mut shown = vec![false; kept.len()];
    let mut lines: Vec<Option<Vec<String>>> = vec![None; kept.len()];
    let mut open = MAX_STEPS;
    // The line about those before takes room too.
    let spare = 80.min(room.left);
    room.left -= spare;
    for running in [true, false] {
        for (at, step) in kept.iter().enumerate().rev() {
            if open == 0 || step.end.is_none() != running {
                continue;
            }
            let text = step_lines(step, full, Some(now));
            let Some(_) = room.take(text.join("\n")) else {
                open = 0;
                break;
            };
            open -= 1;
            shown[at] = true;
            lines[at] = Some(text);
        }
    }
    room.left += spare;
    let mut folded = view.steps.folded().clone();
    for (step, _) in kept.iter().zip(&shown).filter(|(_, shown)| !**shown) {
        folded.add(step);
    }
    let before = earlier(&folded).and_then(|line| room.take(line));
    before
        .into_iter()
        .chain(lines.into_iter().flatten().flatten())
        .collect()
}

/// A step that has ended, with what it gave where that is to be seen.
pub(super) fn ended_step(step: &Step, full: bool) -> String {
    step_lines(step, full, step.began).join("\n")
}

/// A step that has ended, as one line.
pub(super) fn ended_line(step: &Step) -> String {
    line(step, step.began)
}

fn step_lines(step: &Step, full: bool, now: Option<Duration>) -> Vec<String> {
    let indent = "\u{2003}".repeat(step.depth.min(3));
    let mut lines = vec![format!("{indent}{}", line(step, now))];
    let excerpt = step.end.as_ref().filter(|end| full || end.is_error);
    let excerpt = excerpt.and_then(|end| words::excerpt(&end.excerpt, LONGEST_EXCERPT));
    lines.extend(excerpt.map(|excerpt| format!("{indent}\u{2003}↳ {excerpt}")));
    lines
}

fn line(step: &Step, now: Option<Duration>) -> String {
    let (sign, took) = match &step.end {
        None => (words::RUNS, span(step.began, now)),
        Some(end) if end.is_error => (words::FAILED, end.took),
        Some(end) => (words::DONE, end.took),
    };
    let what = words::step(
        step.kind,
        step.end.is_some(),
        &step.name,
        &step.summary,
        LONGEST_STEP,
    );
    match took {
        Some(took) => format!("{sign} {what} · {}", words::span(took)),
        None => format!("{sign} {what}"),
    }
}

/// How many steps came before those that are shown.
pub(super) fn earlier(folded: &Folded) -> Option<String> {
    let kinds = ToolKind::ALL.into_iter().filter_map(|kind| {
        let count = folded.kinds.get(kind.name())?;
        Some((kind, *count))
    });
    (folded.count() > 0).then(|| words::earlier(folded.count(), kinds, folded.failed))
}

/// The list of what is to be done: what is done already is left out first.
fn tasks(tasks: &[Task], room: &mut Room) -> Vec<String> {
    let done = tasks.iter().filter(|task| task.state == TaskState::Done);
    let too_many = tasks.len().saturating_sub(MAX_TASKS);
    let left_out = too_many.min(done.count());
    let mut skipped = 0;
    let mut lines = Vec::new();
    if left_out > 0 {
        lines.extend(room.take(words::tasks_done(left_out)));
    }
    let (mut shown, mut rest) = (0, 0);
    for task in tasks {
        if task.state == TaskState::Done && skipped < left_out {
            skipped += 1;
        } else if shown < MAX_TASKS
            && let Some(line) = room.take(words::task(task, LONGEST_STEP))
        {
            shown += 1;
            lines.push(line);
        } else {
            rest += 1;
        }
    }
    if rest > 0 {
        lines.extend(room.take(words::tasks_left_out(rest)));
    }
    lines
}

/// One line about what happens just now, for channels that append.
pub(super) fn activity(step: &Step) -> String {
    let name = if step.summary.is_empty() {
        step.name.clone()
    } else {
        format!("{} {}", step.name, step.summary)
    };
    match step.kind {
        ToolKind::Editing(LineCount { added, removed }) if added > 0 || removed > 0 => {
            format!("{name} +{added} −{removed}")
        }
        ToolKind::Editing(_)
        | ToolKind::Reading
        | ToolKind::Running
        | ToolKind::Searching
        | ToolKind::Web
        | ToolKind::SubAgent
        | ToolKind::Tasks
        | ToolKind::Other => name,
    }
}
