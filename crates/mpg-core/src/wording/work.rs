//! What people are told about workspaces, queues and what was done before.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use super::{code, duration, fenced, plural};
use crate::agent::Usage;
use crate::gateway::{CONFIRM_WITHIN, Ends};
use crate::id::{AgentName, ConversationId, UserId};
use crate::job::{PastTurn, Turns};
use crate::snapshot::{Origin, QueuedTurn};
use crate::workspace::{Diff, Discarded, Merged, Names, Patch, WorkspaceState};

/// How many lines of a diff are shown.
const DIFF_LINES: usize = 120;

/// How many bytes of a diff are shown.
const DIFF_BYTES: usize = 6_000;

/// How many bytes of a summary are shown.
const SUMMARY_BYTES: usize = 1_500;

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

/// The reply to `!worktree`.
pub(crate) fn state(state: &WorkspaceState) -> String {
    let mut text = format!(
        "worktree: {}\nbranch: {}",
        fenced(&state.directory),
        state
            .branch
            .as_deref()
            .map_or_else(|| "none".to_owned(), fenced)
    );
    if let Some(base) = &state.base {
        let base = fenced(base);
        let _ = write!(
            text,
            "\nbase: {base}, {} ahead, {} behind",
            state.ahead, state.behind
        );
    }
    if state.dirty.is_empty() {
        text.push_str("\nnot committed: nothing");
    } else {
        let _ = write!(text, "\nnot committed: {}", files(&state.dirty));
    }
    for (what, names) in [
        ("ignored", &state.ignored),
        ("repositories inside of it", &state.nested),
    ] {
        if !names.is_empty() {
            let _ = write!(text, "\n{what}: {}", files(names));
        }
    }
    if let Some(begun) = &state.unfinished {
        let _ = write!(text, "\na {begun} was begun and not ended");
    }
    if state.unsaved > 0 {
        let _ = write!(
            text,
            "\non no other branch, remote or tag: {}",
            commits(state.unsaved)
        );
    }
    text
}

/// The reply to `!diff`.
pub(crate) fn diff(diff: &Diff) -> String {
    if diff.is_empty() {
        return "nothing was changed here".to_owned();
    }
    let mut text = String::new();
    let since = diff.base.as_deref().map_or_else(String::new, |base| {
        format!(" since it left {}", fenced(base))
    });
    for (what, patch) in [
        (format!("committed{since}"), &diff.committed),
        ("not committed".to_owned(), &diff.uncommitted),
    ] {
        if patch.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let _ = write!(text, "**{what}**");
        add_patch(&mut text, patch);
    }
    text
}

fn add_patch(text: &mut String, patch: &Patch) {
    if !patch.summary.is_empty() {
        let (summary, cut) = beginning(&patch.summary, SUMMARY_BYTES, usize::MAX);
        let more = if cut > 0 {
            format!("\n({} more)", plural(cut, "line"))
        } else {
            String::new()
        };
        let _ = write!(text, "\n```\n{summary}{more}\n```");
    }
    if patch.text.is_empty() {
        return;
    }
    let (shown, cut) = beginning(&patch.text, DIFF_BYTES, DIFF_LINES);
    let _ = write!(text, "\n```diff\n{shown}\n```");
    if cut > 0 || patch.cut {
        let least = if patch.cut { "at least " } else { "" };
        let _ = write!(text, "\n{least}{} left out", plural(cut, "more line"));
    }
}

/// The first lines, fit to stand between fences, and how many there are behind them.
fn beginning(text: &str, bytes: usize, lines: usize) -> (String, usize) {
    let all = text.trim_end().lines().count();
    let mut shown = String::new();
    let mut count = 0;
    for line in text.trim_end().lines().take(lines) {
        let line = harmless(line);
        if shown.len() + line.len() > bytes {
            if count == 0 {
                let end = line.floor_char_boundary(bytes);
                shown.push_str(line.get(..end).unwrap_or_default());
                shown.push_str(" (cut)");
                count = 1;
            }
            break;
        }
        if count > 0 {
            shown.push('\n');
        }
        shown.push_str(&line);
        count += 1;
    }
    (shown, all.saturating_sub(count))
}

/// A line that ends no fence and controls no terminal.
fn harmless(line: &str) -> String {
    let line: String = line
        .chars()
        .map(|c| if c.is_control() && c != '\t' { '?' } else { c })
        .collect();
    line.replace("```", "`\u{200b}`\u{200b}`")
}

/// The reply to `!merge`.
pub(crate) fn merged(merged: &Merged) -> String {
    match merged {
        Merged::Done {
            branch,
            base,
            commits: count,
            commit,
        } => format!(
            "merged {} of {} into {}, which is at `{}` now",
            commits(*count),
            fenced(branch),
            fenced(base),
            code(commit.get(..10).unwrap_or(commit))
        ),
        Merged::Nothing { branch, base } => format!(
            "nothing to merge: {} has everything of {}",
            fenced(base),
            fenced(branch)
        ),
        Merged::Conflicts {
            branch,
            base,
            files: names,
        } => format!(
            "not merged, and nothing was touched: {} and {} changed the same places of {}. Have \
             {} merged into the thread's branch and the conflicts resolved there, then say `!merge` \
             again",
            fenced(branch),
            fenced(base),
            files(names),
            fenced(base)
        ),
        Merged::Refused(refusal) => {
            format!(
                "not merged, and nothing was touched: {}",
                clean(&refusal.to_string())
            )
        }
    }
}

/// What `!discard` would do, and how it is confirmed.
pub(crate) fn asks_to_discard(
    state: &WorkspaceState,
    agent: Option<&AgentName>,
    ends: Ends,
) -> String {
    let mut text = format!("this removes the worktree {}", fenced(&state.directory));
    if let Some(branch) = &state.branch {
        let _ = write!(text, " with its branch {}", fenced(branch));
    }
    if ends.sessions > 0 || ends.waiting > 0 {
        let _ = write!(text, ", ends {}", plural(ends.sessions, "session"));
        if ends.runs {
            text.push_str(" with the turn that runs");
        }
        if ends.waiting > 0 {
            let _ = write!(
                text,
                " and drops {}",
                plural(ends.waiting, "waiting message")
            );
        }
    }
    match state.lost() {
        None => text.push_str(". Everything in it is elsewhere too"),
        Some(lost) => {
            let _ = write!(text, ". Only here: {}", clean(&lost));
            if state.unsaved > 0 || !state.dirty.is_empty() || state.unfinished.is_some() {
                text.push_str(". Commits and files are kept below `refs/mpg/discarded/`");
            }
            if !state.ignored.is_empty() {
                text.push_str(". **Ignored files are gone for good**");
            }
        }
    }
    let agent = agent.map_or_else(String::new, |agent| format!(" {agent}"));
    let _ = write!(
        text,
        ". Say `!discard confirm{agent}` here within {} if you mean it",
        duration(CONFIRM_WITHIN)
    );
    text
}

/// That a workspace with repositories inside of it is not discarded.
pub(crate) fn nested(names: &Names) -> String {
    format!(
        "this worktree has repositories inside of it ({}), which cannot be kept; move them away first",
        clean(&names.to_string())
    )
}

/// The reply to a confirmation of nothing.
pub(crate) fn nothing_to_confirm() -> String {
    format!(
        "nothing to confirm: say `!discard` first, and confirm it yourself, here, within {}",
        duration(CONFIRM_WITHIN)
    )
}

/// The reply to `!discard confirm`.
pub(crate) fn discarded(discarded: &Discarded) -> String {
    let mut text = format!("removed the worktree {}", fenced(&discarded.directory));
    if let Some(branch) = &discarded.branch {
        let _ = write!(text, " and its branch {}", fenced(branch));
    }
    match &discarded.saved {
        Some(saved) => {
            let saved = code(saved);
            let _ = write!(
                text,
                ". What was only there is kept as `{saved}`; `git branch again {saved}` has it as a \
                 branch"
            );
        }
        None => text.push_str("; nothing was only there"),
    }
    if !discarded.ignored.is_empty() {
        let _ = write!(
            text,
            ". Ignored files are gone: {}",
            files(&discarded.ignored)
        );
    }
    text.push_str(". The next message starts afresh");
    text
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

fn files(names: &Names) -> String {
    let count = usize::try_from(names.total()).unwrap_or(usize::MAX);
    format!("{} ({})", plural(count, "file"), clean(&names.to_string()))
}

fn commits(count: u64) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), "commit")
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
