//! Answers as the Messages API sends them: one JSON message, or server-sent events.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::pending;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::Log;
use super::script::{Answer, Before, Script};

/// How many characters one delta carries.
const DELTA: usize = 20;

/// Plays a script; `size` is the length of the request, from which its tokens are taken.
pub(super) async fn play(
    script: Script,
    log: &Log,
    stream: bool,
    model: &str,
    size: usize,
) -> Response {
    let mut blocks = Vec::new();
    for before in script.before {
        match before {
            Before::Wait(wait) => tokio::time::sleep(wait).await,
            Before::Hold(name) => log.released(&name).await,
            Before::Think(text) => blocks.push(json!({
                "type": "thinking", "thinking": text, "signature": "c2lnbmF0dXJl",
            })),
            Before::Tool { index, name, input } => blocks.push(call(index, size, &name, &input)),
        }
    }
    let mut ends = true;
    let stop = match script.answer {
        Answer::Hang => return pending().await,
        Answer::Fail(status) => return failure(status, "asked to fail"),
        Answer::Say(text) => {
            blocks.push(json!({ "type": "text", "text": text }));
            "end_turn"
        }
        Answer::Stall(text) => {
            blocks.push(json!({ "type": "text", "text": text }));
            ends = false;
            "end_turn"
        }
        Answer::Tool { index, name, input } => {
            blocks.push(call(index, size, &name, &input));
            "tool_use"
        }
    };
    let written: usize = blocks.iter().map(|block| block.to_string().len()).sum();
    let message = json!({
        "id": format!("msg_{size}"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": blocks,
        "stop_reason": stop,
        "stop_sequence": null,
        "usage": {
            "input_tokens": tokens(size),
            "output_tokens": tokens(written),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
    });
    if stream {
        events(&message, ends)
    } else {
        json(&message)
    }
}

fn call(index: usize, size: usize, name: &str, input: &Value) -> Value {
    let id = format!("toolu_{index}_{size}");
    json!({ "type": "tool_use", "id": id, "name": name, "input": input })
}

/// The number of tokens that `bytes` count as.
pub(super) fn tokens(bytes: usize) -> usize {
    bytes / 4 + 1
}

/// An answer of one JSON value.
pub(super) fn json(value: &Value) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        value.to_string(),
    )
        .into_response()
}

/// An error as the API words it.
pub(super) fn failure(status: u16, message: &str) -> Response {
    let kind = match status {
        401 => "authentication_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    let body = json!({ "type": "error", "error": { "type": kind, "message": message } });
    let mut response = json(&body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    response
}

/// The events of a message; one that does not end keeps the connection open behind its text.
fn events(message: &Value, ends: bool) -> Response {
    let mut text = String::new();
    let mut start = message.clone();
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    event(
        &mut text,
        &json!({ "type": "message_start", "message": start }),
    );
    for (index, block) in message["content"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let (empty, deltas) = opened(block);
        event(
            &mut text,
            &json!({ "type": "content_block_start", "index": index, "content_block": empty }),
        );
        for delta in deltas {
            event(
                &mut text,
                &json!({ "type": "content_block_delta", "index": index, "delta": delta }),
            );
        }
        if ends {
            event(
                &mut text,
                &json!({ "type": "content_block_stop", "index": index }),
            );
        }
    }
    if ends {
        let delta = json!({ "stop_reason": message["stop_reason"], "stop_sequence": null });
        let usage = json!({ "output_tokens": message["usage"]["output_tokens"] });
        event(
            &mut text,
            &json!({ "type": "message_delta", "delta": delta, "usage": usage }),
        );
        event(&mut text, &json!({ "type": "message_stop" }));
    }
    let body = stream::once(async move { Ok::<_, Infallible>(Bytes::from(text)) });
    let body = if ends {
        Body::from_stream(body)
    } else {
        Body::from_stream(body.chain(stream::pending()))
    };
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// A block before anything is in it, and what then comes.
fn opened(block: &Value) -> (Value, Vec<Value>) {
    let mut empty = block.clone();
    let deltas = match block["type"].as_str() {
        Some("text") => {
            empty["text"] = json!("");
            pieces(&block["text"])
                .map(|piece| json!({ "type": "text_delta", "text": piece }))
                .collect()
        }
        Some("thinking") => {
            empty["thinking"] = json!("");
            empty["signature"] = json!("");
            pieces(&block["thinking"])
                .map(|piece| json!({ "type": "thinking_delta", "thinking": piece }))
                .chain([json!({ "type": "signature_delta", "signature": block["signature"] })])
                .collect()
        }
        _ => {
            empty["input"] = json!({});
            let input = block["input"].to_string();
            vec![json!({ "type": "input_json_delta", "partial_json": input })]
        }
    };
    (empty, deltas)
}

fn pieces(text: &Value) -> impl Iterator<Item = String> {
    let characters: Vec<char> = text.as_str().unwrap_or_default().chars().collect();
    let pieces: Vec<String> = characters
        .chunks(DELTA)
        .map(|piece| piece.iter().collect())
        .collect();
    pieces.into_iter()
}

fn event(text: &mut String, event: &Value) {
    let kind = event["type"].as_str().unwrap_or_default();
    writeln!(text, "event: {kind}\ndata: {event}\n").expect("writing to a string cannot fail");
}
