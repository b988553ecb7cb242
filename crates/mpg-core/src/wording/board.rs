//! The message of a channel that tells what its threads do.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::board::Doing;
use crate::id::{AgentName, Place, ProjectName, ThreadId};

/// The first line: how many threads do what.
pub(crate) fn head(project: &ProjectName, counts: &BTreeMap<Doing, usize>) -> String {
    let counts = counts.iter().map(|(doing, count)| match (doing, count) {
        (Doing::Asks, 1) => "1 waits for you".to_owned(),
        (Doing::Asks, count) => format!("{count} wait for you"),
        (Doing::Works, count) => format!("{count} at work"),
        (Doing::Limited, count) => format!("{count} at a usage limit"),
        (Doing::OverBudget, count) => format!("{count} beyond a budget"),
        (Doing::InLine, count) => format!("{count} in line"),
        (Doing::Idle, count) => format!("{count} idle"),
    });
    let counts: Vec<String> = counts.collect();
    if counts.is_empty() {
        return format!("**{project}**: nothing runs");
    }
    format!("**{project}**: {}", counts.join(", "))
}

/// What one thread does, since when.
pub(crate) fn row(doing: Doing, place: &str, agents: &[AgentName], since: &str) -> String {
    let (sign, what) = match doing {
        Doing::Asks => ("🙋", "waits for you"),
        Doing::Works => ("⏳", "at work"),
        Doing::Limited => ("⏸", "waits for a usage limit"),
        Doing::OverBudget => ("⏸", "waits for its budget"),
        Doing::InLine => ("🕒", "in line"),
        Doing::Idle => ("💤", "idle"),
    };
    let agents: Vec<&str> = agents.iter().map(AgentName::as_str).collect();
    let who = if agents.is_empty() {
        String::new()
    } else {
        format!(" ({})", agents.join(", "))
    };
    format!("{sign} {place} · {what}{who} · {since}")
}

/// How many threads do something and are not named.
pub(crate) fn more(count: usize) -> Option<String> {
    (count > 0).then(|| format!("… and {count} more"))
}

/// A place, where its platform has no way to lead there.
pub(crate) fn place(place: &Place) -> String {
    let thread = place.thread.as_ref().map(ThreadId::as_str);
    thread.map_or_else(|| "here".to_owned(), |thread| format!("thread {thread}"))
}

/// Since when, where its platform has no way to tell times.
pub(crate) fn since(at: Timestamp) -> String {
    format!("since {}", at.strftime("%Y-%m-%d %H:%M UTC"))
}

/// What is left of the message where nothing is told any more.
pub(crate) fn retired() -> String {
    "what the threads do is not shown here any more".to_owned()
}
