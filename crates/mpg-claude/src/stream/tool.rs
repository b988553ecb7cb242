//! Tool calls as what they are about: what sort of thing they do, how much they change, what they gave.

use mpg_core::agent::tool::{LONGEST_EXCERPT, LineCount, ToolKind};
use serde_json::Value;

use super::{clip, list, text};

/// What sort of thing a call does, by the CLI's own tools as of 2.1.197. Those of other servers are
/// called `mcp__SERVER__TOOL`.
pub(super) fn kind(name: &str, input: &Value) -> ToolKind {
    match name {
        "Read" | "NotebookRead" | "ReadMcpResourceTool" => ToolKind::Reading,
        "Edit" | "MultiEdit" | "Write" | "NotebookEdit" => ToolKind::Editing(lines(name, input)),
        "Bash" | "BashOutput" | "KillShell" | "KillBash" | "TaskOutput" | "TaskStop" => {
            ToolKind::Running
        }
        "Glob" | "Grep" | "LS" | "LSP" | "ToolSearch" => ToolKind::Searching,
        "WebFetch" | "WebSearch" => ToolKind::Web,
        "Task" | "Agent" => ToolKind::SubAgent,
        "TodoWrite" | "TaskCreate" | "TaskUpdate" | "TaskList" | "TaskGet" => ToolKind::Tasks,
        _ => ToolKind::Other,
    }
}

/// How many lines an edit writes and takes away, as its input says it.
fn lines(name: &str, input: &Value) -> LineCount {
    match name {
        "Write" => LineCount {
            added: count(text(input, "content")),
            removed: 0,
        },
        "NotebookEdit" => LineCount {
            added: count(text(input, "new_source")),
            removed: 0,
        },
        "MultiEdit" => list(&input["edits"])
            .map(change)
            .fold(LineCount::default(), |sum, edit| LineCount {
                added: sum.added.saturating_add(edit.added),
                removed: sum.removed.saturating_add(edit.removed),
            }),
        _ => change(input),
    }
}

/// One replacement: lines that stand at both of its ends are not changed.
fn change(edit: &Value) -> LineCount {
    let old: Vec<&str> = text(edit, "old_string").lines().collect();
    let new: Vec<&str> = text(edit, "new_string").lines().collect();
    let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| {
        pairs.take_while(|(old, new)| old == new).count()
    };
    let ahead = same(&mut old.iter().zip(&new));
    let behind = same(&mut old[ahead..].iter().rev().zip(new[ahead..].iter().rev()));
    let changed = |all: usize| u32::try_from(all - ahead - behind).unwrap_or(u32::MAX);
    LineCount {
        added: changed(new.len()),
        removed: changed(old.len()),
    }
}

fn count(text: &str) -> u32 {
    u32::try_from(text.lines().count()).unwrap_or(u32::MAX)
}

/// The beginning of what a tool gave: a text, or blocks of which some are texts.
pub(super) fn excerpt(content: &Value) -> String {
    if let Some(whole) = content.as_str() {
        return clip(whole.trim_start(), LONGEST_EXCERPT);
    }
    let mut excerpt = String::new();
    for block in list(content) {
        let part = match text(block, "type") {
            "text" => text(block, "text"),
            "image" => "(an image)",
            _ => continue,
        };
        if !excerpt.is_empty() {
            excerpt.push('\n');
        }
        excerpt.push_str(&clip(part.trim_start(), LONGEST_EXCERPT));
        if excerpt.chars().count() >= LONGEST_EXCERPT {
            break;
        }
    }
    clip(&excerpt, LONGEST_EXCERPT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn edits_are_counted_by_what_changes() {
        let table = [
            ("Write", json!({ "content": "a\nb\n" }), (2, 0)),
            (
                "Edit",
                json!({ "old_string": "a\nb\nc", "new_string": "a\nx\ny\nc" }),
                (2, 1),
            ),
            (
                "Edit",
                json!({ "old_string": "a\na", "new_string": "a" }),
                (0, 1),
            ),
            (
                "Edit",
                json!({ "old_string": "", "new_string": "a\nb" }),
                (2, 0),
            ),
            ("Edit", json!({ "old_string": 3 }), (0, 0)),
            (
                "MultiEdit",
                json!({ "edits": [
                    { "old_string": "a", "new_string": "b" },
                    { "old_string": "c\nd", "new_string": "" },
                ] }),
                (1, 3),
            ),
            ("NotebookEdit", json!({ "new_source": "x" }), (1, 0)),
        ];
        for (name, input, (added, removed)) in table {
            let expected = ToolKind::Editing(LineCount { added, removed });
            assert_eq!(kind(name, &input), expected, "{name} {input}");
        }
        assert_eq!(kind("mcp__x__y", &json!({})), ToolKind::Other);
    }

    #[test]
    fn an_excerpt_is_the_beginning_of_what_is_text() {
        let table = [
            (json!("  one\ntwo"), "one\ntwo"),
            (
                json!([{ "type": "text", "text": "a" }, { "type": "image" }]),
                "a\n(an image)",
            ),
            (json!([{ "type": "odd" }, 3, "x"]), ""),
            (json!(null), ""),
        ];
        for (content, expected) in table {
            assert_eq!(excerpt(&content), expected);
        }
        assert_eq!(
            excerpt(&json!("é".repeat(1 << 20))).chars().count(),
            LONGEST_EXCERPT
        );
    }
}
