//! The lines that the gateway writes to the CLI.

use mpg_core::agent::{PermissionAnswer, PermissionMode};
use mpg_core::id::RequestId;
use mpg_core::port::Submission;
use serde_json::{Value, json};

/// A prompt; the CLI swallows one whose id its session knows.
pub(crate) fn prompt(submission: &Submission) -> Vec<u8> {
    line(&json!({
        "type": "user",
        "message": { "role": "user", "content": submission.prompt },
        "parent_tool_use_id": null,
        "uuid": submission.id.to_string(),
    }))
}

/// The request that the CLI answers as soon as it reads its input.
pub(crate) fn initialize(id: &str) -> Vec<u8> {
    request(id, &json!({ "subtype": "initialize", "hooks": null }))
}

/// The request that ends the running turn.
pub(crate) fn interrupt(id: &str) -> Vec<u8> {
    request(id, &json!({ "subtype": "interrupt" }))
}

/// A request whose answer comes behind everything that was written before it.
///
/// It sets what is set already.
pub(crate) fn barrier(id: &str, mode: PermissionMode) -> Vec<u8> {
    request(
        id,
        &json!({ "subtype": "set_permission_mode", "mode": mode.name() }),
    )
}

/// The answer to a tool that asks.
pub(crate) fn permission(id: &RequestId, answer: &PermissionAnswer, input: &Value) -> Vec<u8> {
    let answer = match answer {
        PermissionAnswer::Allow => json!({ "behavior": "allow", "updatedInput": input }),
        PermissionAnswer::Deny { message } => json!({ "behavior": "deny", "message": message }),
    };
    line(&json!({
        "type": "control_response",
        "response": { "subtype": "success", "request_id": id.as_str(), "response": answer },
    }))
}

/// The answer to a request that the gateway does not know.
pub(crate) fn unsupported(id: &str) -> Vec<u8> {
    line(&json!({
        "type": "control_response",
        "response": { "subtype": "error", "request_id": id, "error": "not supported" },
    }))
}

fn request(id: &str, request: &Value) -> Vec<u8> {
    line(&json!({ "type": "control_request", "request_id": id, "request": request }))
}

fn line(value: &Value) -> Vec<u8> {
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use mpg_core::id::SubmitId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn everything_is_one_line() {
        let submission = Submission {
            id: SubmitId::from_uuid(Uuid::from_u128(1)),
            prompt: "one\ntwo \u{2028} \"three\"".to_owned(),
            repeat: false,
        };
        let asked = RequestId::new("a");
        let deny = PermissionAnswer::Deny {
            message: "no\nno".to_owned(),
        };
        let lines = [
            prompt(&submission),
            initialize("1"),
            interrupt("2"),
            barrier("3", PermissionMode::AcceptEdits),
            permission(
                &asked,
                &PermissionAnswer::Allow,
                &json!({ "command": "ls" }),
            ),
            permission(&asked, &deny, &Value::Null),
            unsupported("b"),
        ];
        let text: String = lines
            .into_iter()
            .map(|line| String::from_utf8(line).unwrap())
            .collect();
        assert_eq!(text.lines().count(), 7);
        insta::assert_snapshot!(text);
    }
}
