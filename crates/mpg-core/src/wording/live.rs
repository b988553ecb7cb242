//! What people are shown of a turn while it runs, and the line that is left of it.

use std::time::Duration;

use super::{code, duration};
use crate::agent::Usage;
use crate::agent::tool::{LineCount, Task, TaskState, ToolKind};
use crate::config::Verbosity;
use crate::persona::one_line;
use crate::post::Status;
use crate::record::{ParkReason, TurnOutcome};

/// Before what runs.
pub(crate) const RUNS: &str = "⏳";

/// Before what is done.
pub(crate) const DONE: &str = "✓";

/// Before what failed.
pub(crate) const FAILED: &str = "✗";

/// On the button that stops a turn.
pub(crate) const STOP: &str = "Stop";

/// What a turn does now, how long it has run, and how many steps it took.
pub(crate) fn state(doing: Status, elapsed: Duration, steps: u64) -> String {
    let doing = match doing {
        Status::Received => "starting",
        Status::Thinking => "thinking",
        Status::Reading => "reading",
        Status::Editing => "editing",
        Status::Running => "running",
        Status::Web => "on the web",
        Status::Waiting => "waiting for you",
        Status::Stalled => "no sign of life",
        Status::Done | Status::Failed | Status::Stopped => "ending",
    };
    let steps = match steps {
        0 => String::new(),
        1 => " · 1 step".to_owned(),
        steps => format!(" · {steps} steps"),
    };
    format!("{RUNS} *{doing}* · {}{steps}", whole(elapsed))
}

/// A step: what it does, or did.
pub(crate) fn step(
    kind: ToolKind,
    ended: bool,
    name: &str,
    summary: &str,
    longest: usize,
) -> String {
    let (doing, done) = verbs(kind);
    let verb = match (kind, ended) {
        (ToolKind::Other, _) => name,
        (_, true) => done,
        (_, false) => doing,
    };
    let verb = one_line(verb, longest);
    let line = clipped(summary, longest);
    let what = match (line.is_empty(), kind) {
        (true, _) | (false, ToolKind::Tasks) => verb,
        (false, ToolKind::SubAgent) => format!("{verb}: {}", code(&line)),
        (false, _) => format!("{verb} `{}`", code(&line)),
    };
    match kind {
        ToolKind::Editing(LineCount { added, removed }) if added > 0 || removed > 0 => {
            format!("{what} +{added} −{removed}")
        }
        ToolKind::Editing(_)
        | ToolKind::Reading
        | ToolKind::Running
        | ToolKind::Searching
        | ToolKind::Web
        | ToolKind::SubAgent
        | ToolKind::Tasks
        | ToolKind::Other => what,
    }
}

/// The beginning of a text as one line, which says so where there is more.
fn clipped(text: &str, longest: usize) -> String {
    let mut line = one_line(text, longest + 1);
    if let Some((at, _)) = line.char_indices().nth(longest) {
        line.truncate(at);
        line.push('…');
    }
    line
}

/// What a tool of this kind does, and did.
fn verbs(kind: ToolKind) -> (&'static str, &'static str) {
    match kind {
        ToolKind::Reading => ("reading", "read"),
        ToolKind::Editing(_) => ("editing", "edited"),
        ToolKind::Running => ("running", "ran"),
        ToolKind::Searching => ("searching", "searched"),
        ToolKind::Web => ("looking up", "looked up"),
        ToolKind::SubAgent => ("sub-agent", "sub-agent"),
        ToolKind::Tasks => ("planning", "planned"),
        ToolKind::Other => ("using", "used"),
    }
}

/// How many steps came before those that are shown.
pub(crate) fn earlier(
    count: usize,
    kinds: impl Iterator<Item = (ToolKind, usize)>,
    failed: usize,
) -> String {
    let kinds = kinds.map(|(kind, count)| format!("{count} {}", verbs(kind).1));
    let mut kinds: Vec<String> = kinds.collect();
    if failed > 0 {
        kinds.push(format!("{failed} failed"));
    }
    let steps = super::plural(count, "earlier step");
    format!("… {steps} ({})", kinds.join(", "))
}

/// The beginning of what a tool gave, in one line; `None` of a blank text.
pub(crate) fn excerpt(text: &str, longest: usize) -> Option<String> {
    let line = clipped(text, longest);
    (!line.is_empty()).then(|| format!("`{}`", code(&line)))
}

/// What the agent thinks: hidden where a platform can do that.
pub(crate) fn thought(text: &str, spoilers: bool) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if spoilers {
        format!("💭 ||{}||", line.replace('|', "¦"))
    } else {
        format!("> 💭 {line}")
    }
}

/// One entry of the list of what is to be done.
pub(crate) fn task(task: &Task, longest: usize) -> String {
    let text = one_line(&task.text, longest);
    match task.state {
        TaskState::Open => format!("☐ {text}"),
        TaskState::Active => format!("▣ **{}**", text.replace('*', "∗")),
        TaskState::Done => format!("☑ {text}"),
    }
}

/// How many tasks are done that are not shown.
pub(crate) fn tasks_done(count: usize) -> String {
    format!("☑ {} done", super::plural(count, "task"))
}

/// How many tasks follow that are not shown.
pub(crate) fn tasks_left_out(count: usize) -> String {
    format!("☐ and {count} more")
}

/// What stands above what the steps of a turn gave.
pub(crate) fn results_title() -> &'static str {
    "What the steps gave"
}

/// The text of a post that has that as a file.
pub(crate) fn results(name: &str) -> String {
    format!("what the steps gave is in `{name}`")
}

/// What is left of the view of a turn that ended.
pub(crate) fn summary(outcome: &TurnOutcome, elapsed: Duration, usage: &Usage) -> String {
    let (sign, ended) = match outcome {
        TurnOutcome::Answered => (DONE, "done in"),
        TurnOutcome::Failed(_) => (FAILED, "failed after"),
        TurnOutcome::Stopped => ("◼", "stopped after"),
        TurnOutcome::Abandoned => ("◼", "ended after"),
    };
    let mut parts = vec![format!("{sign} {ended} {}", whole(elapsed))];
    if usage.steps > 0 {
        let steps = usize::try_from(usage.steps).unwrap_or(usize::MAX);
        parts.push(super::plural(steps, "step"));
    }
    let read = usage
        .input_tokens
        .saturating_add(usage.cache_read_tokens)
        .saturating_add(usage.cache_creation_tokens);
    let tokens = read.saturating_add(usage.output_tokens);
    if tokens > 0 {
        let cached = u128::from(usage.cache_read_tokens) * 100;
        let cached = cached.checked_div(u128::from(read)).unwrap_or(0);
        parts.push(format!("{} tokens ({cached}% cached)", amount(tokens)));
    }
    if usage.cost_microdollars > 0 {
        parts.push(format!(
            "${}.{:04}",
            usage.cost_microdollars / 1_000_000,
            usage.cost_microdollars % 1_000_000 / 100
        ));
    }
    if let Some(context) = usage.context {
        parts.push(format!("{}% of the context left", context.left()));
    }
    parts.join(" · ")
}

/// What the view of a turn says that waits.
pub(crate) fn waits(reason: ParkReason, elapsed: Duration) -> String {
    let what = match reason {
        ParkReason::UsageLimit => "waits for the end of a usage limit",
        ParkReason::Budget => "waits for another day: the budget is used up",
        ParkReason::Interrupted => "waits for your word: it was cut off",
    };
    format!("⏸ {what} · {} so far", whole(elapsed))
}

/// A number of tokens as people say it.
fn amount(tokens: u64) -> String {
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..1_000_000 => format!("{}.{}k", tokens / 1_000, tokens % 1_000 / 100),
        _ => format!("{}.{}M", tokens / 1_000_000, tokens % 1_000_000 / 100_000),
    }
}

/// The time of one step.
pub(crate) fn span(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        return format!("{}.{}s", time.as_secs(), time.subsec_millis() / 100);
    }
    whole(time)
}

/// A time in whole seconds, minutes with their seconds.
fn whole(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => duration(time),
    }
}

/// That `!verbosity` was said where no thread is.
pub(crate) fn no_thread() -> &'static str {
    "say `!verbosity` in a thread, after its first message; for all threads, set `verbosity` in the \
     configuration"
}

/// How much is shown in a thread.
pub(crate) fn verbosity(verbosity: Verbosity) -> String {
    format!(
        "turns in this thread are shown `{}`: {}",
        verbosity.name(),
        meaning(verbosity)
    )
}

/// How much is shown in a thread from now on.
pub(crate) fn verbosity_set(verbosity: Verbosity) -> String {
    format!(
        "from now on, turns in this thread are shown `{}`: {}",
        verbosity.name(),
        meaning(verbosity)
    )
}

fn meaning(verbosity: Verbosity) -> &'static str {
    match verbosity {
        Verbosity::Quiet => "a sign on the message, then the answer",
        Verbosity::Normal => "steps and text while they run, then the answer",
        Verbosity::Full => {
            "steps with what they gave, thoughts and text while they run, then the answer"
        }
    }
}
