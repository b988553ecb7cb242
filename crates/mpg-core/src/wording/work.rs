//! What people are told about workspaces, queues and what was done before.

mod changes;

use std::time::Duration;

use jiff::Timestamp;

use self::changes::harmless;
pub(crate) use self::changes::{
    asks_to_discard, diff, discarded, merged, nested, nothing_to_confirm, state,
};
use super::{code, duration, fenced, plural};
use crate::agent::Usage;
use crate::id::{AgentName, ConversationId, UserId};
use crate::job::{PastTurn, Turns};
use crate::snapshot::{Origin, QueuedTurn};

/// How many waiting messages a list shows.
const LONGEST_LIST: usize = 30;

/// How many characters of what was asked a list shows.
const FIRST_WORDS: usize = 60;

/// That nothing was begun where a command looks for a workspace.
pub(crate) fn no_workspace() -> &'static str {
    "nothing was begun here, so there is no worktree"
}

/// That a channel has several threads.
pub(crate) fn which_thread(threads: usize) -> String {
    format!(
        "this channel has {}, each with its own work; say it in the one that you mean",
        plural(threads, "thread")
    )
}

/// That a thread has several workspaces.
pub(crate) fn which_agent<'a>(agents: impl Iterator<Item = Option<&'a AgentName>>) -> String {
    let agents: Vec<String> = agents.flatten().map(|agent| format!("`{agent}`")).collect();
    format!(
        "each agent has its own worktree here; name the one that you mean: {}",
        agents.join(", ")
    )
}

/// That the project has no such agent.
pub(crate) fn no_such_agent(name: &str) -> String {
    let name: String = name.chars().take(40).collect();
    format!(
        "there is no agent {} in this project; `!agents` lists those that there are",
        fenced(&name)
    )
}

/// That a turn runs where it must not.
pub(crate) fn turn_runs() -> &'static str {
    "a turn runs in this worktree; merge when it has ended, or `!stop` it"
}

/// That something is done in a workspace already.
pub(crate) fn busy() -> &'static str {
    "another command is at work in this worktree; say it again when that is done"
}

/// That too many commands are being carried out.
pub(crate) fn too_much_at_once() -> &'static str {
    "too many commands are being carried out just now; say it again in a moment"
}

/// That the gateway is about to end.
pub(crate) fn ending() -> &'static str {
    "the gateway is being restarted, and this was not done; say it again when it is back"
}

/// The reply to `!queue`.
pub(crate) fn queue(
    waiting: &[(ConversationId, QueuedTurn)],
    in_thread: bool,
    name: impl Fn(&UserId) -> String,
    now: Timestamp,
) -> String {
    if waiting.is_empty() {
        return "nothing waits here".to_owned();
    }
    let mut lines = Vec::new();
    for (number, (id, turn)) in (1..).zip(waiting).take(LONGEST_LIST) {
        let who = match &turn.origin {
            Origin::Person => clean(&name(&turn.author)),
            Origin::Handoff {
                from: Some(from), ..
            } => format!("@{from}"),
            Origin::Handoff { from: None, .. } | Origin::Joined { .. } => "the agents".to_owned(),
        };
        let to = id.agent.as_ref();
        let to = to.map_or_else(String::new, |agent| format!(" to @{agent}"));
        let place = if in_thread {
            String::new()
        } else {
            format!(" in {}", fenced(&id.root.to_string()))
        };
        lines.push(format!(
            "{number}. {who}{to}{place}, {} ago: {}",
            ago(turn.at, now),
            first_words(&turn.prompt)
        ));
    }
    if waiting.len() > LONGEST_LIST {
        lines.push(format!("and {} more", waiting.len() - LONGEST_LIST));
    }
    lines.push("`!queue drop N` takes one back, `!queue clear` all".to_owned());
    lines.join("\n")
}

/// The reply to `!queue clear`.
pub(crate) fn cleared(dropped: usize) -> String {
    match dropped {
        0 => "nothing waits here".to_owned(),
        dropped => format!(
            "dropped {}; what runs goes on",
            plural(dropped, "waiting message")
        ),
    }
}

/// The reply to `!queue drop`.
pub(crate) fn dropped(turn: &QueuedTurn, who: &str) -> String {
    format!(
        "dropped what {} asked: {}",
        clean(who),
        first_words(&turn.prompt)
    )
}

/// The reply to `!queue drop` with a number that nothing has.
pub(crate) fn no_such_number(number: usize, waiting: usize) -> String {
    match waiting {
        0 => "nothing waits here".to_owned(),
        _ => format!("there is no {number}: {} here", waits(waiting)),
    }
}

fn waits(waiting: usize) -> String {
    let verb = if waiting == 1 { "waits" } else { "wait" };
    format!("{} {verb}", plural(waiting, "message"))
}

/// The reply to `!history`.
pub(crate) fn history(turns: &Turns, now: Timestamp, name: impl Fn(&UserId) -> String) -> String {
    if turns.last.is_empty() {
        return "no turn has ended here".to_owned();
    }
    let line = |turn: &PastTurn| {
        let who = clean(&name(&turn.author));
        let agent = turn.agent.as_ref();
        let agent = agent.map_or_else(String::new, |agent| format!(" to @{agent}"));
        let by = if turn.by_person { "" } else { ", handed over" };
        format!(
            "- {} ago, {who}{agent}{by}: {} — {}, {}",
            ago(turn.at, now),
            first_words(&turn.prompt),
            turn.outcome,
            duration(turn.usage.duration)
        )
    };
    let mut lines: Vec<String> = turns.last.iter().map(line).collect();
    let shown = u64::try_from(turns.last.len()).unwrap_or(u64::MAX);
    if turns.ended > shown {
        lines.push(format!(
            "- and {} before; `!history N` shows more",
            turns.ended - shown
        ));
    }
    lines.join("\n")
}

/// The reply to `!cost`.
pub(crate) fn cost(turns: &Turns, place: &str) -> String {
    let Usage {
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_creation_tokens,
        cost_microdollars,
        duration: worked,
        steps: _,
        context: _,
    } = turns.usage;
    if turns.ended == 0 {
        return format!("no turn has ended {}", code(place));
    }
    let turns = usize::try_from(turns.ended).unwrap_or(usize::MAX);
    format!(
        "{} {}: ${}.{:04}, as the agents count it\ntokens: {input_tokens} read, {output_tokens} written, \
         {cache_read_tokens} read from the cache, {cache_creation_tokens} written to it\nworking time: \
         {}\nthreads that are forgotten (`session-ttl`) are not counted",
        plural(turns, "turn"),
        code(place),
        cost_microdollars / 1_000_000,
        cost_microdollars % 1_000_000 / 100,
        duration(worked)
    )
}

/// A session, for the reply to `!resume-info`.
pub(crate) fn session(id: &ConversationId, directory: &str, agent: &str) -> String {
    let name = id.agent.as_ref();
    let name = name.map_or_else(String::new, |name| format!("**@{name}** "));
    format!("{name}directory: {}{agent}", fenced(directory))
}

/// That a session is in use by its agent.
pub(crate) fn session_runs() -> &'static str {
    "\n⚠ a turn runs in this session: wait for its end or `!stop` it, then look again; two at once \
     would part its history"
}

/// That a session is held by an agent that waits for work.
pub(crate) fn session_is_ready() -> &'static str {
    "\n⚠ its agent still runs and holds the session: `!release` lets go of it, and so do \
     `idle-timeout` and the gateway's stop; two at once would part its history"
}

/// The reply to `!resume-info`.
pub(crate) fn resume(lines: &[Option<String>], sessions: &[String]) -> String {
    let of = |(session, line): (&String, &Option<String>)| match line {
        Some(line) => format!("{session}\n```\n{}\n```", harmless(line)),
        None => format!("{session}\nits agent has no command to go on with it elsewhere"),
    };
    let all: Vec<String> = sessions.iter().zip(lines).map(of).collect();
    all.join("\n\n")
}

fn first_words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(FIRST_WORDS).collect();
    let line = words.join(" ");
    if line.chars().count() <= FIRST_WORDS {
        return fenced(&line);
    }
    let line: String = line.chars().take(FIRST_WORDS - 1).collect();
    fenced(&format!("{}…", line.trim_end()))
}

/// A text that formats nothing around it.
fn clean(text: &str) -> String {
    let mut clean = String::new();
    for c in text.chars() {
        match c {
            '`' => clean.push('\''),
            '*' | '_' | '|' | '~' => clean.extend(['\\', c]),
            c if c.is_control() => clean.push('?'),
            c => clean.push(c),
        }
    }
    clean
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    let passed = Duration::try_from(now.duration_since(at)).unwrap_or_default();
    duration(Duration::from_secs(passed.as_secs().max(1)))
}
