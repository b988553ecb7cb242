//! Tool calls in one line, and the rules that would allow them.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::{clip, list, text};
use crate::tools::FILE_TOOLS;

/// How long a summary may be, in characters.
const SUMMARY: usize = 200;

/// The inputs that say most, best first.
const TELLING: &[&str] = &[
    "command",
    "file_path",
    "notebook_path",
    "pattern",
    "url",
    "query",
    "description",
    "path",
    "skill",
    "prompt",
];

/// A call's input in one line.
pub(super) fn summary(input: &Value) -> String {
    let telling = TELLING
        .iter()
        .map(|key| text(input, key))
        .find(|value| !value.is_empty());
    let whole = match (telling, input) {
        (Some(value), _) => value.to_owned(),
        (None, Value::Object(fields)) if fields.is_empty() => String::new(),
        (None, Value::Null) => String::new(),
        (None, input) => short_json(input),
    };
    let line = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SUMMARY {
        return line;
    }
    let mut line = clip(&line, SUMMARY - 1);
    line.push('…');
    line
}

/// The rule for `allowed-tools` that would let a `can_use_tool` request of a CLI in `directory` run
/// unasked.
pub(super) fn rule(request: &Value, directory: &str) -> String {
    let tool = text(request, "tool_name");
    if FILE_TOOLS.contains(&tool) {
        return file_rule(tool, &request["input"], directory);
    }
    let suggested = list(&request["permission_suggestions"])
        .filter(|suggestion| text(suggestion, "type") == "addRules")
        .flat_map(|suggestion| list(&suggestion["rules"]))
        .find(|rule| text(rule, "toolName") == tool)
        .map_or("", |rule| text(rule, "ruleContent"));
    let command = text(&request["input"], "command");
    let content = match (tool, suggested) {
        ("Bash", "") => command,
        (_, suggested) => suggested,
    };
    match content {
        // A rule is one line of a configuration file.
        "" => tool.to_owned(),
        content if content.contains('\n') || content.len() > 500 => {
            let word = content.split_whitespace().next().unwrap_or_default();
            format!("{tool}({word}:*)")
        }
        content => format!("{tool}({content})"),
    }
}

/// The tool's name inside the workspace, the folder outside of it.
fn file_rule(tool: &str, input: &Value, directory: &str) -> String {
    let path = ["file_path", "notebook_path", "path"]
        .iter()
        .map(|key| text(input, key))
        .find(|path| !path.is_empty())
        .unwrap_or_default();
    let path = plain(&Path::new(directory).join(path));
    if path.starts_with(directory) {
        return tool.to_owned();
    }
    // Rules about editing count for all tools that edit, rules about reading for all that read.
    let kind = match tool {
        "Edit" | "MultiEdit" | "NotebookEdit" | "Write" => "Edit",
        _ => "Read",
    };
    let folder = match tool {
        "Glob" | "Grep" | "LS" => path.as_path(),
        _ => path.parent().unwrap_or(&path),
    };
    let folder = folder.display().to_string();
    format!("{kind}(/{}/**)", folder.trim_end_matches('/'))
}

/// The path without `.` and `..`, by its text alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                plain.push(component);
            }
        }
    }
    plain
}

/// JSON of an input; one that is very long is cut before it is written out.
fn short_json(input: &Value) -> String {
    let Value::Object(fields) = input else {
        return clip(&input.to_string(), SUMMARY + 1);
    };
    let mut written = String::new();
    for (name, value) in fields {
        if written.len() > SUMMARY {
            break;
        }
        let value = match value {
            Value::String(text) => clip(text, SUMMARY + 1),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => clip(&value.to_string(), SUMMARY + 1),
        };
        if !written.is_empty() {
            written.push_str(", ");
        }
        written.push_str(name);
        written.push_str(": ");
        written.push_str(&value);
    }
    written
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn summaries_are_one_short_line() {
        let table = [
            (json!({ "command": "git  status\n-s" }), "git status -s"),
            (json!({ "file_path": "/a", "content": "x" }), "/a"),
            (json!({ "todos": [1, 2], "x": "y" }), "todos: [1,2], x: y"),
            (json!({}), ""),
            (json!(null), ""),
            (json!([1]), "[1]"),
        ];
        for (input, expected) in table {
            assert_eq!(summary(&input), expected);
        }
        let long = summary(&json!({ "command": "é".repeat(300) }));
        assert_eq!(long.chars().count(), SUMMARY);
    }

    #[test]
    fn rules_are_what_the_tool_list_takes() {
        let suggestions = json!([
            { "type": "setMode", "mode": "acceptEdits" },
            { "type": "addRules", "rules": [
                { "toolName": "Bash", "ruleContent": "npm run:*" },
                { "toolName": "WebFetch", "ruleContent": "domain:example.org" },
            ] },
        ]);
        let table = [
            ("Bash", json!({ "command": "npm run x" }), "Bash(npm run:*)"),
            (
                "WebFetch",
                json!({ "url": "https://example.org" }),
                "WebFetch(domain:example.org)",
            ),
            ("Task", json!({}), "Task"),
            ("Write", json!({ "file_path": "/srv/p/a/b" }), "Write"),
            ("Write", json!({ "file_path": "a" }), "Write"),
            (
                "Write",
                json!({ "file_path": "/srv/x/a" }),
                "Edit(//srv/x/**)",
            ),
            (
                "Write",
                json!({ "file_path": "/srv/p/../x/a" }),
                "Edit(//srv/x/**)",
            ),
            (
                "Read",
                json!({ "file_path": "/etc/passwd" }),
                "Read(//etc/**)",
            ),
            ("Read", json!({ "file_path": "/passwd" }), "Read(//**)"),
            ("Grep", json!({ "path": "/etc/ssl" }), "Read(//etc/ssl/**)"),
            ("Glob", json!({ "pattern": "*" }), "Glob"),
        ];
        for (tool, input, expected) in table {
            let request = json!({
                "tool_name": tool, "input": input, "permission_suggestions": suggestions,
            });
            assert_eq!(rule(&request, "/srv/p"), expected, "{tool} {input}");
        }
        let command = json!({ "tool_name": "Bash", "input": { "command": "a b\nc" } });
        assert_eq!(rule(&command, "/srv/p"), "Bash(a:*)");
    }
}
