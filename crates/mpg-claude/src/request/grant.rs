//! What a tool call is allowed by, beyond the one time.
//!
//! Seen with 2.1.197: a rule that asks wins over a rule for the session, and without rules that ask
//! the CLI suggests rules of its own, one for each command of a line. So both is done: the CLI is told
//! what it suggested, and what it asks all the same is answered from memory.

use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use super::Seen;
use crate::stream::{list, text};
use crate::tools::FILE_TOOLS;

/// How long a call may be that is remembered, in bytes; others are asked again.
const LONGEST_KEY: usize = 8 << 10;

/// How long a rule may be, in bytes.
const LONGEST_RULE: usize = 500;

/// What allows the calls that are like one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The same for calls that are allowed together; `None`: this one stands alone.
    key: Option<String>,
    /// What the CLI is told to allow in its session.
    rules: Vec<Value>,
    /// Whether the key holds only where the path of the call is what it seems.
    of_path: bool,
}

impl Grant {
    /// What allows calls like this request, whose rule is `rule`.
    pub(super) fn of(request: &Value, rule: String) -> Self {
        let tool = text(request, "tool_name");
        if FILE_TOOLS.contains(&tool) {
            return Self {
                key: Some(rule),
                rules: Vec::new(),
                of_path: true,
            };
        }
        let mut rules: Vec<Value> = suggested(request).cloned().collect();
        // A rule about a shell's command is for the CLI alone to match: it knows what a line runs.
        let key = match text(&request["input"], "command") {
            "" => Some(rule),
            command => Some(format!("{tool}: {command}")),
        };
        if rules.is_empty() && tool != "Bash" {
            rules.push(json!({ "toolName": tool }));
        }
        Self {
            key: key.filter(|key| key.len() <= LONGEST_KEY),
            rules,
            of_path: false,
        }
    }

    /// What calls that are allowed together have in common, once it was looked at what this one is
    /// about.
    pub(crate) fn key(&self, seen: Option<&Seen>) -> Option<&str> {
        let holds = !self.of_path || seen.is_some_and(|seen| seen.is_plain);
        self.key.as_deref().filter(|_| holds)
    }

    /// What the CLI is told with an answer for the session; nothing where that says nothing.
    pub(super) fn update(&self) -> Option<Value> {
        (!self.rules.is_empty()).then(|| {
            json!([{
                "type": "addRules",
                "rules": self.rules,
                "behavior": "allow",
                "destination": "session",
            }])
        })
    }
}

/// The rules that the CLI suggests about the tool.
fn suggested(request: &Value) -> impl Iterator<Item = &Value> {
    let tool = text(request, "tool_name");
    list(&request["permission_suggestions"])
        .filter(|suggestion| text(suggestion, "type") == "addRules")
        .filter(|suggestion| matches!(text(suggestion, "behavior"), "" | "allow"))
        .flat_map(|suggestion| list(&suggestion["rules"]))
        .filter(move |rule| text(rule, "toolName") == tool)
}

/// The rule for `allowed-tools` that would let a `can_use_tool` request of a CLI in `directory` run
/// unasked.
pub(super) fn rule(request: &Value, directory: &str) -> String {
    let tool = text(request, "tool_name");
    let input = &request["input"];
    if FILE_TOOLS.contains(&tool) {
        return file_rule(tool, input, directory);
    }
    let mut suggested = suggested(request).map(|rule| text(rule, "ruleContent"));
    let only = suggested
        .next()
        .filter(|_| suggested.next().is_none())
        .unwrap_or_default();
    let content = match (tool, only) {
        // Of a line with several commands, the whole line.
        ("Bash", "") => text(input, "command").to_owned(),
        ("WebFetch", "") => domain(text(input, "url")),
        (_, only) => only.to_owned(),
    };
    match content.as_str() {
        // A rule is one line of a configuration file.
        "" => tool.to_owned(),
        content if content.contains('\n') || content.len() > LONGEST_RULE => {
            let word = content.split_whitespace().next().unwrap_or_default();
            format!("{tool}({word}:*)")
        }
        content => format!("{tool}({content})"),
    }
}

/// What a rule says about the host of an address.
fn domain(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    if host.is_empty() {
        return String::new();
    }
    format!("domain:{host}")
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
pub(super) fn plain(path: &Path) -> PathBuf {
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let plain = [
            ("Bash", json!({ "command": "a b\nc" }), "Bash(a:*)"),
            ("Bash", json!({ "command": "a && b" }), "Bash(a && b)"),
            (
                "WebFetch",
                json!({ "url": "https://me:pw@a.org:8080/b?c" }),
                "WebFetch(domain:a.org)",
            ),
            ("WebFetch", json!({ "url": "" }), "WebFetch"),
        ];
        for (tool, input, expected) in plain {
            let request = json!({ "tool_name": tool, "input": input });
            assert_eq!(rule(&request, "/srv/p"), expected, "{tool} {input}");
        }
    }

    fn key(request: &Value, plain: Option<bool>) -> Option<String> {
        let grant = Grant::of(request, rule(request, "/srv/p"));
        let seen = plain.map(|is_plain| Seen {
            detail: None,
            is_plain,
        });
        grant.key(seen.as_ref()).map(str::to_owned)
    }

    #[test]
    fn a_line_of_several_commands_is_not_allowed_by_one_of_them() {
        let bash = |command: &str, rules: &[&str]| {
            let rules: Vec<Value> = rules
                .iter()
                .map(|rule| json!({ "toolName": "Bash", "ruleContent": rule }))
                .collect();
            json!({
                "tool_name": "Bash",
                "input": { "command": command },
                "permission_suggestions": [{ "type": "addRules", "rules": rules }],
            })
        };
        let one = bash("npm run a", &["npm run:*"]);
        let two = bash("npm run a && rm -r b", &["npm run:*", "rm -r b"]);
        assert_eq!(rule(&one, "/srv/p"), "Bash(npm run:*)");
        assert_eq!(rule(&two, "/srv/p"), "Bash(npm run a && rm -r b)");
        assert_ne!(key(&one, None), key(&two, None));
        assert!(key(&bash(&"a".repeat(LONGEST_KEY), &[]), None).is_none());
        let update = Grant::of(&two, String::new()).update().unwrap();
        assert_eq!(update[0]["destination"], "session");
        assert_eq!(update[0]["rules"].as_array().unwrap().len(), 2);
        assert_eq!(Grant::of(&bash("ls", &[]), String::new()).update(), None);
    }

    #[test]
    fn a_file_behind_a_link_is_not_allowed_by_its_folder() {
        let write = json!({ "tool_name": "Write", "input": { "file_path": "/srv/p/link/a" } });
        assert_eq!(key(&write, Some(true)).as_deref(), Some("Write"));
        assert_eq!(key(&write, Some(false)), None);
        assert_eq!(key(&write, None), None);
        let tool = json!({ "tool_name": "mcp__a__b", "input": {} });
        assert_eq!(key(&tool, None).as_deref(), Some("mcp__a__b"));
    }
}
