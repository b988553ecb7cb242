//! What the CLI writes, as what it means.
//!
//! One JSON object a line, as seen with 2.1.197. The CLI changes weekly: what is not known here is
//! ignored, and no line can make the parser fail.

mod compaction;
mod limit;
mod line;
mod summary;
mod tasks;
mod tool;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::agent::{AgentEvent, ContextUse, PermissionMode, Retry, Usage};
use mpg_core::id::{RequestId, SubmitId};
use serde_json::Value;
use uuid::Uuid;

pub(crate) use self::limit::UsageLimit;

use self::limit::Limits;
use self::line::{Lines, Piece};
pub(crate) use self::summary::summary;
use self::tasks::Tasks;
use crate::request::{Inquiry, inquiry};

/// How many tool calls are remembered as running.
const OPEN_TOOLS: usize = 1_000;

/// The lines that show that the CLI works on a turn, even where they say nothing that is told. Its
/// `keep_alive` is none of them: that one comes from a clock.
const SIGNS_OF_LIFE: &[&str] = &[
    "stream_event",
    "system",
    "assistant",
    "user",
    "tool_progress",
];

/// One thing that the CLI says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Output {
    /// Something for whoever watches.
    Event(AgentEvent),
    /// A turn begins.
    Began { model: String },
    /// It asks before so much from here on.
    Mode(PermissionMode),
    /// The model begins to answer this submission, or the session knew it before.
    Replayed(SubmitId),
    /// A turn ended.
    Ended(TurnResult),
    /// A request of the gateway is answered.
    Answered {
        id: String,
        error: Option<String>,
        response: Value,
    },
    /// People are asked.
    Asked(Box<Inquiry>),
    /// A tool no longer asks.
    Withdrawn(RequestId),
    /// The CLI asks for something that the gateway does not have.
    Unsupported { id: String },
}

/// A `result` line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TurnResult {
    pub(crate) is_error: bool,
    /// Whether the CLI says that the turn was aborted.
    pub(crate) aborted: bool,
    /// The usage limit that ended the turn, if one did.
    pub(crate) limit: Option<UsageLimit>,
    /// The answer, or what went wrong.
    pub(crate) text: String,
    /// How often the model was asked; a command of the CLI itself asks it never.
    pub(crate) steps: u64,
    /// What the turn took, but for the money.
    pub(crate) usage: Usage,
    /// What the process took so far, in millionths of a US dollar.
    pub(crate) total_microdollars: u64,
}

/// Reads the CLI's standard output.
#[derive(Debug)]
pub(crate) struct Stream {
    lines: Lines,
    directory: String,
    /// Whether the block of text or thought that comes whole was seen in parts.
    text_streamed: bool,
    thought_streamed: bool,
    open_tools: BTreeSet<String>,
    /// How many tools were used since the last result.
    used_tools: u64,
    tasks: Tasks,
    /// What was in the model's memory when it was asked last, in tokens, and which model that was.
    context: u64,
    model: String,
    limits: Limits,
    /// What a summary that somebody asked for did.
    compacted: Option<String>,
}

impl Stream {
    /// A parser for a CLI that works in `directory`.
    pub(crate) fn new(directory: impl Into<String>) -> Self {
        Self {
            lines: Lines::default(),
            directory: directory.into(),
            text_streamed: false,
            thought_streamed: false,
            open_tools: BTreeSet::new(),
            used_tools: 0,
            tasks: Tasks::default(),
            context: 0,
            model: String::new(),
            limits: Limits::default(),
            compacted: None,
        }
    }

    /// Reads on; what became complete is appended to `out`.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<Output>) {
        self.push_at(bytes, Timestamp::now(), out);
    }

    /// Reads on at a time, from which the end of a usage limit is found.
    pub(crate) fn push_at(&mut self, bytes: &[u8], now: Timestamp, out: &mut Vec<Output>) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.push(bytes, |piece| match piece {
            Piece::Line(line) => self.line(line, now, out),
            Piece::Oversized { head, length } => oversized(head, length, out),
        });
        self.lines = lines;
    }

    fn line(&mut self, line: &[u8], now: Timestamp, out: &mut Vec<Output>) {
        let parsed = serde_json::from_slice(line)
            .or_else(|_| serde_json::from_str(&String::from_utf8_lossy(line)));
        let Ok(line) = parsed else {
            tracing::debug!(length = line.len(), "a line of the agent is not JSON");
            return;
        };
        self.value(&line, now, out);
    }

    fn value(&mut self, line: &Value, now: Timestamp, out: &mut Vec<Output>) {
        let before = out.len();
        let kind = text(line, "type");
        match kind {
            "system" => self.system(line, out),
            "stream_event" if main(line) => self.delta(&line["event"], out),
            "assistant" => self.assistant(line, out),
            "user" => self.user(line, out),
            "result" => {
                self.text_streamed = false;
                self.thought_streamed = false;
                self.open_tools.clear();
                out.push(Output::Ended(self.result(line, now)));
            }
            "control_request" => self.request(line, out),
            "control_cancel_request" => {
                let id = RequestId::new(text(line, "request_id"));
                out.push(Output::Withdrawn(id));
            }
            "control_response" => answered(&line["response"], out),
            "rate_limit_event" => self.limits.change(line),
            _ => {}
        }
        // A tool's input that is being written, a sub-agent that thinks: somebody is at work.
        let told = out[before..]
            .iter()
            .any(|output| !matches!(output, Output::Mode(_)));
        if !told && SIGNS_OF_LIFE.contains(&kind) {
            out.push(Output::Event(AgentEvent::Alive));
        }
    }

    fn result(&mut self, line: &Value, now: Timestamp) -> TurnResult {
        let mut result = result(line);
        result.usage.steps = std::mem::take(&mut self.used_tools);
        result.usage.context = window(&line["modelUsage"], &self.model)
            .filter(|_| self.context > 0)
            .map(|window| ContextUse {
                used: self.context,
                window,
            });
        let compacted = self.compacted.take();
        if let (false, true, Some(compacted)) = (result.is_error, result.text.is_empty(), compacted)
        {
            result.text = compacted;
        }
        if result.is_error && !result.aborted {
            result.limit = self.limits.of_error(&result.text, now);
        }
        result
    }

    fn system(&mut self, line: &Value, out: &mut Vec<Output>) {
        let mode = text(line, "permissionMode");
        let mode = PermissionMode::ALL
            .into_iter()
            .find(|known| known.name() == mode);
        out.extend(mode.map(Output::Mode));
        match text(line, "subtype") {
            "init" => out.push(Output::Began {
                model: text(line, "model").to_owned(),
            }),
            "compact_boundary" => self.compacted = compaction::told(line),
            "api_retry" => {
                let number = |key| u32::try_from(count(&line[key])).unwrap_or(u32::MAX);
                out.push(Output::Event(AgentEvent::Retrying(Retry {
                    attempt: number("attempt"),
                    max: number("max_retries"),
                    delay: milliseconds(&line["retry_delay_ms"]),
                    error: clip(text(line, "error"), 200),
                })));
            }
            _ => {}
        }
    }

    fn delta(&mut self, event: &Value, out: &mut Vec<Output>) {
        if text(event, "type") != "content_block_delta" {
            return;
        }
        let delta = &event["delta"];
        let event = match text(delta, "type") {
            "text_delta" => {
                self.text_streamed = true;
                AgentEvent::Text {
                    delta: text(delta, "text").to_owned(),
                }
            }
            "thinking_delta" => {
                self.thought_streamed = true;
                AgentEvent::Thinking {
                    delta: text(delta, "thinking").to_owned(),
                }
            }
            _ => return,
        };
        out.push(Output::Event(event));
    }

    fn assistant(&mut self, line: &Value, out: &mut Vec<Output>) {
        let message = &line["message"];
        // What the CLI says by itself (an API error, a command's reply) is in the result too.
        let spoken = main(line) && text(message, "model") != "<synthetic>";
        if spoken && message["usage"].is_object() {
            self.context = in_context(&message["usage"]);
            self.model = clip(text(message, "model"), 200);
        }
        let parent = line["parent_tool_use_id"].as_str();
        for block in list(&message["content"]) {
            match text(block, "type") {
                "text" if spoken => {
                    if !std::mem::take(&mut self.text_streamed) {
                        let delta = text(block, "text").to_owned();
                        out.push(Output::Event(AgentEvent::Text { delta }));
                    }
                    out.push(Output::Event(AgentEvent::TextEnded));
                }
                "thinking" if spoken && !std::mem::take(&mut self.thought_streamed) => {
                    let delta = text(block, "thinking").to_owned();
                    out.push(Output::Event(AgentEvent::Thinking { delta }));
                }
                "tool_use" => self.tool(block, parent, out),
                _ => {}
            }
        }
    }

    fn tool(&mut self, block: &Value, parent: Option<&str>, out: &mut Vec<Output>) {
        let id = text(block, "id").to_owned();
        if self.open_tools.len() >= OPEN_TOOLS || !self.open_tools.insert(id.clone()) {
            return;
        }
        self.used_tools += 1;
        let (name, input) = (text(block, "name"), &block["input"]);
        out.push(Output::Event(AgentEvent::ToolStarted {
            id,
            parent: parent.map(ToOwned::to_owned),
            kind: tool::kind(name, input),
            name: name.to_owned(),
            summary: self.summary(name, input),
        }));
        // Another agent's list is its own.
        if parent.is_none() && self.tasks.call(name, input) {
            out.push(Output::Event(AgentEvent::Tasks(self.tasks.list())));
        }
    }

    /// A call in one line, with its file as the workspace has it.
    fn summary(&self, name: &str, input: &Value) -> String {
        let line = summary(input);
        let names_a_file = ["file_path", "notebook_path", "path"]
            .iter()
            .any(|key| !text(input, key).is_empty());
        match line.strip_prefix(self.directory.trim_end_matches('/')) {
            Some(rest) if names_a_file && rest.starts_with('/') && name != "Bash" => {
                rest.trim_start_matches('/').to_owned()
            }
            Some(_) | None => line,
        }
    }

    fn user(&mut self, line: &Value, out: &mut Vec<Output>) {
        if line["isReplay"] == true {
            if let Ok(id) = Uuid::parse_str(text(line, "uuid")) {
                out.push(Output::Replayed(SubmitId::from_uuid(id)));
            }
            return;
        }
        for block in list(&line["message"]["content"]) {
            let id = text(block, "tool_use_id");
            if text(block, "type") == "tool_result" && self.open_tools.remove(id) {
                out.push(Output::Event(AgentEvent::ToolEnded {
                    id: id.to_owned(),
                    is_error: block["is_error"] == true,
                    excerpt: tool::excerpt(&block["content"]),
                }));
            }
        }
    }

    fn request(&self, line: &Value, out: &mut Vec<Output>) {
        out.push(match inquiry(line, &self.directory) {
            Some(inquiry) => Output::Asked(Box::new(inquiry)),
            None => Output::Unsupported {
                id: text(line, "request_id").to_owned(),
            },
        });
    }
}

fn answered(response: &Value, out: &mut Vec<Output>) {
    let error = match text(response, "subtype") {
        "success" => None,
        _ => Some(clip(text(response, "error"), 1_000)),
    };
    out.push(Output::Answered {
        id: text(response, "request_id").to_owned(),
        error,
        response: response["response"].clone(),
    });
}

/// A line that is too long to be kept; of a result, at least the end of the turn is.
fn oversized(head: &[u8], length: usize, out: &mut Vec<Output>) {
    tracing::warn!(length, "a line of the agent is too long and was dropped");
    let head = String::from_utf8_lossy(head);
    if head.starts_with("{\"type\":\"result\"") {
        out.push(Output::Ended(TurnResult {
            is_error: true,
            text: format!("the answer is too long to be kept ({length} bytes)"),
            steps: 1,
            ..TurnResult::default()
        }));
    }
}

fn result(line: &Value) -> TurnResult {
    let errors: Vec<&str> = list(&line["errors"]).filter_map(Value::as_str).collect();
    let is_error = line["is_error"] == true;
    let answer = text(line, "result");
    let said = match (answer, errors.as_slice()) {
        ("", []) if is_error => clip(text(line, "subtype"), 1_000),
        ("", errors) => clip(&errors.join("\n"), 1_000),
        (answer, _) if is_error => clip(answer, 1_000),
        (answer, _) => answer.to_owned(),
    };
    let usage = &line["usage"];
    TurnResult {
        is_error,
        limit: None,
        aborted: text(line, "terminal_reason").starts_with("aborted"),
        text: said,
        steps: count(&line["num_turns"]),
        usage: Usage {
            input_tokens: count(&usage["input_tokens"]),
            output_tokens: count(&usage["output_tokens"]),
            cache_read_tokens: count(&usage["cache_read_input_tokens"]),
            cache_creation_tokens: count(&usage["cache_creation_input_tokens"]),
            cost_microdollars: 0,
            duration: milliseconds(&line["duration_ms"]),
            steps: 0,
            context: None,
        },
        total_microdollars: microdollars(&line["total_cost_usd"]),
    }
}

/// What one request and its answer take of the model's memory.
fn in_context(usage: &Value) -> u64 {
    let parts = [
        "input_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "output_tokens",
    ];
    let parts = parts.iter().map(|part| count(&usage[part]));
    parts.fold(0, u64::saturating_add)
}

/// What fits into the memory of a model; of one that is not named, of the largest one.
fn window(models: &Value, model: &str) -> Option<u64> {
    let window = |entry: &Value| Some(count(&entry["contextWindow"])).filter(|n| *n > 0);
    let models = models.as_object()?;
    let named = models.get(model).and_then(window);
    named.or_else(|| models.values().filter_map(window).max())
}

/// Whether a line is of the agent itself and not of one that it called.
fn main(line: &Value) -> bool {
    line["parent_tool_use_id"].is_null()
}

pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn milliseconds(value: &Value) -> Duration {
    let milliseconds = value.as_f64().unwrap_or_default().max(0.0);
    Duration::try_from_secs_f64(milliseconds / 1_000.0).unwrap_or(Duration::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float is cast to the nearest value of its target, and rounding is meant"
)]
fn microdollars(value: &Value) -> u64 {
    (value.as_f64().unwrap_or_default() * 1_000_000.0).round() as u64
}

pub(crate) fn clip(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

#[cfg(test)]
mod tests;
