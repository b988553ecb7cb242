//! A stand-in for `claude` whose text is the moment at which it was written.

use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// How many events a turn has.
pub(crate) const EVENTS: usize = 200;

/// Between two events, so that each finds everybody waiting.
const PAUSE: Duration = Duration::from_millis(2);

/// Whether this process is to be the stand-in.
pub(crate) fn is_called(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| argument == "stream-json")
}

/// Answers every prompt with moments, until its input ends.
pub(crate) fn run() -> ExitCode {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let line: Value = serde_json::from_str(&line).unwrap_or_default();
        if line["type"] == "control_request" {
            let response =
                json!({ "subtype": "success", "request_id": line["request_id"], "response": {} });
            write(&json!({ "type": "control_response", "response": response }));
        } else if line["type"] == "user" {
            turn(&line["uuid"]);
        }
    }
    ExitCode::SUCCESS
}

fn turn(uuid: &Value) {
    write(&json!({ "type": "system", "subtype": "init", "model": "none" }));
    write(&json!({ "type": "user", "isReplay": true, "uuid": uuid }));
    for _ in 0..EVENTS {
        sleep(PAUSE);
        let delta = json!({ "type": "text_delta", "text": format!("{} ", now()) });
        let event = json!({ "type": "content_block_delta", "delta": delta });
        write(&json!({ "type": "stream_event", "parent_tool_use_id": null, "event": event }));
    }
    write(&json!({
        "type": "result", "subtype": "success", "is_error": false, "num_turns": 1, "result": "",
    }));
}

/// The time that has passed since the moment in a text.
pub(crate) fn since(text: &str) -> Option<Duration> {
    let then: u64 = text.trim().parse().ok()?;
    Some(Duration::from_nanos(now().saturating_sub(then)))
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_nanos()).unwrap()
}

fn write(value: &Value) {
    let mut stdout = io::stdout().lock();
    // Whoever reads may be gone.
    drop(writeln!(stdout, "{value}").and_then(|()| stdout.flush()));
}
