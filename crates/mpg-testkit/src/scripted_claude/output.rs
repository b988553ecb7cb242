//! The lines that the stand-in writes.

use std::io::{self, Write as _};

use serde_json::{Value, json};

/// What the CLI says when it cannot begin.
pub(super) fn refuse(reason: &str) {
    write(&json!({
        "type": "result", "subtype": "error_during_execution", "is_error": true,
        "num_turns": 0, "errors": [reason],
    }));
    // Nobody may be left to read it.
    drop(writeln!(io::stderr(), "{reason}"));
}

/// The answer to a request, which is always granted.
pub(super) fn responded(id: &Value) {
    write(&json!({
        "type": "control_response",
        "response": { "subtype": "success", "request_id": id, "response": {} },
    }));
}

pub(super) fn began(session: &str) {
    write(&json!({
        "type": "system", "subtype": "init", "session_id": session, "model": "scripted",
        "claude_code_version": crate::claude_cli::CLAUDE_VERSION,
    }));
}

pub(super) fn replayed(uuid: &str) {
    write(&json!({ "type": "user", "isReplay": true, "uuid": uuid }));
}

pub(super) fn text(delta: &str) {
    write(&json!({
        "type": "stream_event", "parent_tool_use_id": null,
        "event": {
            "type": "content_block_delta",
            "delta": { "type": "text_delta", "text": delta },
        },
    }));
}

pub(super) fn said(text: &str) {
    assistant(&json!({ "type": "text", "text": text }));
}

pub(super) fn tool_started(id: &str) {
    assistant(&json!({
        "type": "tool_use", "id": id, "name": "Read", "input": { "file_path": "notes" },
    }));
}

/// Asks whether a command may run.
pub(super) fn asked(id: &str) {
    write(&json!({
        "type": "control_request", "request_id": id,
        "request": {
            "subtype": "can_use_tool", "tool_name": "Bash",
            "input": { "command": "make all" }, "tool_use_id": id,
        },
    }));
}

pub(super) fn tool_ended(id: &str) {
    write(&json!({
        "type": "user", "parent_tool_use_id": null,
        "message": {
            "role": "user",
            "content": [{ "type": "tool_result", "tool_use_id": id, "content": "fine" }],
        },
    }));
}

pub(super) fn ended(session: &str, result: Result<&str, &str>, aborted: bool) {
    let subtype = if aborted {
        "error_during_execution"
    } else {
        "success"
    };
    let mut line = json!({
        "type": "result", "subtype": subtype, "is_error": result.is_err(), "num_turns": 1,
        "session_id": session, "duration_ms": 1, "usage": { "output_tokens": 1 },
    });
    match result {
        Ok(text) => line["result"] = json!(text),
        Err(text) => line["errors"] = json!([text]),
    }
    if aborted {
        line["terminal_reason"] = json!("aborted_streaming");
    }
    write(&line);
}

fn assistant(block: &Value) {
    write(&json!({
        "type": "assistant", "parent_tool_use_id": null,
        "message": { "model": "scripted", "content": [block] },
    }));
}

/// A line is written at once and whole.
fn write(value: &Value) {
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    // An owner that is gone is noticed by the end of the input.
    drop(stdout.write_all(&line).and_then(|()| stdout.flush()));
}
