//! What people are told about the changes in a workspace: what there is, what became of it.

use std::fmt::Write as _;
use std::iter;

use super::clean;
use crate::gateway::{CONFIRM_WITHIN, Ends};
use crate::id::AgentName;
use crate::wording::{code, duration, enumerated, fenced, plural};
use crate::workspace::{Diff, Discarded, Merged, Names, Patch, WorkspaceState};

/// How many lines of a diff are shown.
const DIFF_LINES: usize = 120;
/// How many bytes of a diff are shown.
const DIFF_BYTES: usize = 6_000;
/// How many bytes of a summary are shown.
const SUMMARY_BYTES: usize = 1_500;

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
    let left_out = cut + usize::from(patch.cut);
    if left_out > 0 {
        let least = if patch.cut { "at least " } else { "" };
        let _ = write!(text, "\n{least}{} left out", plural(left_out, "more line"));
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
pub(super) fn harmless(line: &str) -> String {
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
    let mut removes = format!("removes the worktree {}", fenced(&state.directory));
    if let Some(branch) = &state.branch {
        let _ = write!(removes, " with its branch {}", fenced(branch));
    }
    let does: Vec<String> = iter::once(removes).chain(ended(ends)).collect();
    let mut text = format!("this {}", enumerated(&does));
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

/// What it ends besides, each as a verb with what it is about.
fn ended(ends: Ends) -> impl Iterator<Item = String> {
    let sessions = plural(ends.sessions, "session");
    let running = match (ends.sessions, ends.runs) {
        (0, false) => None,
        (0, true) => Some("ends the turn that runs".to_owned()),
        (_, false) => Some(format!("ends {sessions}")),
        (_, true) => Some(format!("ends {sessions} with the turn that runs")),
    };
    let waiting = plural(ends.waiting, "waiting message");
    let waiting = (ends.waiting > 0).then(|| format!("drops {waiting}"));
    running.into_iter().chain(waiting)
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

fn files(names: &Names) -> String {
    let count = usize::try_from(names.total()).unwrap_or(usize::MAX);
    format!("{} ({})", plural(count, "file"), clean(&names.to_string()))
}

fn commits(count: u64) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), "commit")
}
