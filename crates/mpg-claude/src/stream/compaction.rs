//! What the CLI says when somebody has it summarise its session: a line about the past, and a result
//! without a text (observed with 2.1.197).

use serde_json::Value;

use super::{count, text};

/// The sentence for a `compact_boundary` line; `None` where nobody asked for it.
pub(super) fn told(line: &Value) -> Option<String> {
    let metadata = &line["compact_metadata"];
    if text(metadata, "trigger") != "manual" {
        return None;
    }
    let [before, after] = ["pre_tokens", "post_tokens"].map(|key| count(&metadata[key]));
    Some(match (before, after) {
        (0, _) => "what was said before is summarised".to_owned(),
        (before, 0) => format!("what was said before is summarised: it was {before} tokens"),
        (before, after) => {
            format!("what was said before is summarised: {before} tokens became {after}")
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_somebody_asked_for_is_told() {
        for (metadata, expected) in [
            (
                json!({"trigger": "manual", "pre_tokens": 22_445, "post_tokens": 680}),
                Some("what was said before is summarised: 22445 tokens became 680"),
            ),
            (
                json!({"trigger": "manual", "pre_tokens": 9}),
                Some("what was said before is summarised: it was 9 tokens"),
            ),
            (
                json!({"trigger": "manual", "pre_tokens": "many"}),
                Some("what was said before is summarised"),
            ),
            (json!({"trigger": "auto", "pre_tokens": 9}), None),
            (json!(null), None),
        ] {
            let line = json!({"subtype": "compact_boundary", "compact_metadata": metadata});
            assert_eq!(told(&line).as_deref(), expected, "{line}");
        }
    }
}
