//! What the CLI asks people, as a request to them.
//!
//! Seen with 2.1.197: what a tool asks comes as `can_use_tool`, the questions of `AskUserQuestion` and
//! the plan of `ExitPlanMode` too; what a server of tools asks comes as `elicitation`.

mod answer;
mod elicitation;
mod grant;
mod look;

use mpg_core::control::MAX_OPTIONS;
use mpg_core::id::RequestId;
use mpg_core::request::{About, Detail, Permission, Question, QuestionOption, Request};
use serde_json::Value;

use self::elicitation::{Elicitation, elicited};
use self::grant::{Grant, rule};
pub(crate) use self::look::{Look, Seen};
use crate::stream::{clip, list, summary, text};

/// How many questions one request has at most; the rest is not asked.
const QUESTIONS: usize = 8;

/// How long the texts of a question may be, in characters.
const HEADER: usize = 100;
const QUESTION: usize = 2_000;
const OPTION: usize = 500;

/// A request, with what it takes to answer it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Inquiry {
    pub(crate) request: Request,
    pub(crate) open: Open,
    /// What has to be looked at before people can judge it.
    pub(crate) look: Option<Look>,
}

/// What is kept of a request until it is answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Open {
    /// A tool call.
    Permission { input: Value, grant: Grant },
    /// Questions, by their texts.
    Questions { input: Value, texts: Vec<String> },
    /// A plan.
    Plan { input: Value },
    /// Values for a server of tools.
    Form(Elicitation),
}

impl Open {
    /// Whether it is about a tool call.
    pub(crate) fn is_permission(&self) -> bool {
        match self {
            Self::Permission { .. } => true,
            Self::Questions { .. } | Self::Plan { .. } | Self::Form(_) => false,
        }
    }

    /// What requests that are allowed together have in common.
    pub(crate) fn key(&self, seen: Option<&Seen>) -> Option<&str> {
        match self {
            Self::Permission { grant, .. } => grant.key(seen),
            Self::Questions { .. } | Self::Plan { .. } | Self::Form(_) => None,
        }
    }

    /// How much it keeps, in bytes of JSON.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Permission { input, .. }
            | Self::Questions { input, .. }
            | Self::Plan { input } => input.to_string().len(),
            Self::Form(elicitation) => elicitation.length(),
        }
    }
}

/// Reads the `control_request` of a CLI that works in `directory`; `None` of one that is no request to
/// people, or that people cannot be shown.
pub(crate) fn inquiry(line: &Value, directory: &str) -> Option<Inquiry> {
    let id = RequestId::new(text(line, "request_id"));
    let request = &line["request"];
    let (about, open, look) = match text(request, "subtype") {
        "can_use_tool" => asked(request, directory),
        "elicitation" => {
            let (about, elicitation) = elicited(request)?;
            (about, Open::Form(elicitation), None)
        }
        _ => return None,
    };
    let request = Request { id, about };
    Some(Inquiry {
        request,
        open,
        look,
    })
}

fn asked(request: &Value, directory: &str) -> (About, Open, Option<Look>) {
    let input = request["input"].clone();
    match text(request, "tool_name") {
        "AskUserQuestion" => {
            let questions = questions(&input);
            if !questions.is_empty() {
                let texts = list(&input["questions"])
                    .map(|question| text(question, "question").to_owned())
                    .filter(|text| !text.is_empty())
                    .take(questions.len())
                    .collect();
                let about = About::Questions(questions);
                return (about, Open::Questions { input, texts }, None);
            }
        }
        "ExitPlanMode" if !text(&input, "plan").is_empty() => {
            let text = bounded(text(&input, "plan"));
            return (About::Plan { text }, Open::Plan { input }, None);
        }
        _ => {}
    }
    permission(request, input, directory)
}

fn permission(request: &Value, input: Value, directory: &str) -> (About, Open, Option<Look>) {
    let tool = text(request, "tool_name");
    let rule = rule(request, directory);
    let look = Look::of(tool, &input);
    let detail = match text(&input, "command") {
        "" if look.as_ref().is_some_and(Look::is_change) => Detail::Diff(String::new()),
        "" => Detail::Text(written(&input)),
        command => Detail::Command(bounded(command)),
    };
    let about = About::Permission(Permission {
        tool: clip(tool, 200),
        summary: summary(&input),
        detail,
        rule: rule.clone(),
    });
    let grant = Grant::of(request, rule);
    (about, Open::Permission { input, grant }, look)
}

fn questions(input: &Value) -> Vec<Question> {
    list(&input["questions"])
        .filter(|question| !text(question, "question").is_empty())
        .take(QUESTIONS)
        .map(|question| Question {
            header: clip(text(question, "header"), HEADER),
            text: clip(text(question, "question"), QUESTION),
            options: list(&question["options"])
                .filter(|option| !text(option, "label").is_empty())
                .take(MAX_OPTIONS)
                .map(|option| QuestionOption {
                    label: clip(text(option, "label"), OPTION),
                    description: clip(text(option, "description"), OPTION),
                })
                .collect(),
            multiple: question["multiSelect"] == true,
        })
        .collect()
}

/// An input as people read it.
fn written(input: &Value) -> String {
    match input {
        Value::Object(fields) if fields.is_empty() => String::new(),
        Value::Null => String::new(),
        Value::Object(_)
        | Value::Array(_)
        | Value::String(_)
        | Value::Number(_)
        | Value::Bool(_) => bounded(&format!("{input:#}")),
    }
}

/// A text of at most [`Permission::LONGEST_DETAIL`] bytes. One that is longer ends where a line does,
/// and says what is missing.
fn bounded(text: &str) -> String {
    /// Room for the line that says it.
    const NOTE: usize = 80;
    if text.len() <= Permission::LONGEST_DETAIL {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(Permission::LONGEST_DETAIL - NOTE);
    let kept = &text[..end];
    let kept = match kept.rfind('\n') {
        Some(line) if line > end / 2 => &kept[..line],
        Some(_) | None => kept,
    };
    let (bytes, lines) = (
        text.len() - kept.len(),
        text[kept.len()..].matches('\n').count(),
    );
    format!("{kept}\n… {bytes} bytes more, {lines} line breaks among them, are not shown")
}

#[cfg(test)]
mod tests;
