//! Tool calls in one line.

use serde_json::Value;

use super::{clip, text};

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
pub(crate) fn summary(input: &Value) -> String {
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
}
