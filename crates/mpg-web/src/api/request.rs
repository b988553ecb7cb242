//! What agents ask people.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use mpg_core::ask::Given;
use mpg_core::control::{Control, Form};
use mpg_core::gateway::{AnyRequest, OpenRequest, PastRequest, RequestEnd};
use mpg_core::id::AskId;
use mpg_core::interaction::ActionId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::{Reader, Who, Writer};
use crate::problem::{NotThere, Problem, Refusals, TooLarge, TooLate};
use crate::router::App;
use crate::thread_id;

/// What nobody has answered yet.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Requests {
    /// Oldest first, at most 200.
    requests: Vec<Waiting>,
}

/// Something that an agent waits for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// Its id.
    id: String,
    /// Its thread.
    thread: String,
    /// The agent, where it has a name.
    agent: Option<String>,
    /// Its project.
    project: String,
    /// The turn that waits.
    turn: String,
    /// `permission`, `questions`, `plan` or `form`.
    kind: &'static str,
    /// What is asked, in one line.
    summary: String,
    /// When it was asked.
    asked_at: String,
    /// Until when it waits.
    until: String,
}

impl From<&OpenRequest> for Waiting {
    fn from(open: &OpenRequest) -> Self {
        let agent = open.conversation.agent.as_ref();
        Self {
            id: open.ask.id.to_string(),
            thread: thread_id::write(&open.conversation.root),
            agent: agent.map(ToString::to_string),
            project: open.project.to_string(),
            turn: open.turn.to_string(),
            kind: open.ask.about.name(),
            summary: open.summary.clone(),
            asked_at: open.ask.at.to_string(),
            until: open.until.to_string(),
        }
    }
}

/// A request, open or not.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Request {
    /// Its id.
    id: String,
    /// Its thread.
    thread: String,
    /// The agent, where it has a name.
    agent: Option<String>,
    /// `permission`, `questions`, `plan` or `form`.
    kind: &'static str,
    /// What is asked, in one line.
    summary: String,
    /// `open`, `answered`, `expired`, or `over` where the agent does not wait any more.
    state: &'static str,
    /// Who answered; nothing for an operator of the gateway.
    by: Option<String>,
    /// The answer, for people.
    outcome: Option<String>,
    /// What is open.
    open: Option<Box<Open>>,
}

/// What is open of a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Open {
    /// Its project.
    project: String,
    /// The turn that waits.
    turn: String,
    /// When it was asked.
    asked_at: String,
    /// Until when it waits.
    until: String,
    /// What is asked, whole, as Markdown; of several questions, the one that is open.
    text: String,
    /// How it is answered in words.
    how: String,
    /// The controls by which it is answered.
    controls: Vec<Means>,
}

/// A control by which a request is answered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Means {
    /// What it is called in an answer.
    id: String,
    /// What it says.
    label: String,
    /// What has to be filled in.
    fields: Vec<Field>,
    /// What can be chosen.
    options: Vec<Choosable>,
    /// How many of them can be chosen at once.
    most: usize,
}

/// A text that is to be filled in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Field {
    /// What it is called in an answer.
    name: String,
    /// What it says.
    label: String,
    /// Whether it must not be left empty.
    required: bool,
}

/// Something that can be chosen.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Choosable {
    /// What it is called in an answer.
    value: String,
    /// What it says.
    label: String,
}

impl From<OpenRequest> for Request {
    fn from(open: OpenRequest) -> Self {
        Self {
            id: open.ask.id.to_string(),
            thread: thread_id::write(&open.conversation.root),
            kind: open.ask.about.name(),
            state: "open",
            by: None,
            outcome: None,
            open: Some(Box::new(Open {
                project: open.project.to_string(),
                turn: open.turn.to_string(),
                asked_at: open.ask.at.to_string(),
                until: open.until.to_string(),
                text: open.text(),
                how: open.how(Timestamp::now()),
                controls: open.controls().into_iter().map(Means::from).collect(),
            })),
            agent: open.conversation.agent.map(|agent| agent.to_string()),
            summary: open.summary,
        }
    }
}

impl From<PastRequest> for Request {
    fn from(past: PastRequest) -> Self {
        let (state, by, outcome) = match past.end {
            RequestEnd::Answered { by, outcome } => {
                ("answered", by.map(|by| by.name), Some(outcome))
            }
            RequestEnd::Expired => ("expired", None, None),
            RequestEnd::Over => ("over", None, None),
        };
        Self {
            id: past.id.to_string(),
            thread: thread_id::write(&past.conversation.root),
            agent: past.conversation.agent.map(|agent| agent.to_string()),
            kind: past.kind,
            summary: past.summary,
            state,
            by,
            outcome,
            open: None,
        }
    }
}

impl From<Control> for Means {
    fn from(control: Control) -> Self {
        match control {
            Control::Button(button) => Self {
                id: button.id.as_str().to_owned(),
                label: button.label,
                fields: button.opens.map(fields).unwrap_or_default(),
                options: Vec::new(),
                most: 0,
            },
            Control::Choice(choice) => Self {
                id: choice.id.as_str().to_owned(),
                label: choice.prompt,
                fields: Vec::new(),
                options: choice
                    .options
                    .into_iter()
                    .map(|option| Choosable {
                        value: option.value,
                        label: option.label,
                    })
                    .collect(),
                most: choice.most,
            },
        }
    }
}

fn fields(form: Form) -> Vec<Field> {
    let fields = form.fields.into_iter().map(|field| Field {
        name: field.name,
        label: field.label,
        required: field.required,
    });
    fields.collect()
}

/// An answer: a text, or one of the controls.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    /// A number or a word that `how` names, such as `allow` or `deny: too early`, or the answer to a
    /// question.
    text: Option<String>,
    /// The id of a control.
    control: Option<String>,
    /// What was chosen.
    #[serde(default)]
    values: Vec<String>,
    /// What was filled in, by the names of the fields.
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

impl Said {
    fn given(self) -> Result<Given, Problem> {
        match (self.text, self.control) {
            (Some(text), None) if self.values.is_empty() && self.fields.is_empty() => {
                Ok(Given::Written(text))
            }
            (None, Some(control)) => Ok(Given::Used {
                control: control_id(&control)?,
                values: self.values,
                fields: self.fields.into_iter().collect(),
            }),
            (_, _) => Err(Problem::bad(
                "an answer is either a `text`, or a `control` with its `values` and `fields`",
            )),
        }
    }
}

/// What agents ask and nobody has answered yet.
#[utoipa::path(
    get,
    path = "/api/requests",
    operation_id = "requests",
    tag = "look",
    responses((status = 200, description = "All of it.", body = Requests), Refusals)
)]
pub(crate) async fn requests(_: Reader, State(app): State<App>) -> Result<Json<Requests>, Problem> {
    let open = app.desk.requests().await?;
    let requests = open.iter().map(Waiting::from).collect();
    Ok(Json(Requests { requests }))
}

/// What an agent asks or asked not long ago, and what came of it.
#[utoipa::path(
    get,
    path = "/api/requests/{id}",
    operation_id = "request",
    tag = "look",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "All of it.", body = Request), NotThere, Refusals)
)]
pub(crate) async fn request(
    _: Reader,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Request>, Problem> {
    let request = app.desk.request(ask_id(&id)?).await?;
    Ok(Json(match request.ok_or_else(nothing)? {
        AnyRequest::Open(open) => Request::from(*open),
        AnyRequest::Past(past) => past.into(),
    }))
}

/// Answers what an agent asks, in the name of the token. The first answer counts, whoever gives it.
#[utoipa::path(
    post,
    path = "/api/requests/{id}/answer",
    operation_id = "answer",
    tag = "act",
    params(("id" = String, Path, description = "Its id.")),
    request_body = Said,
    responses((status = 202, description = "It is answered."), NotThere, TooLate, TooLarge, Refusals)
)]
pub(crate) async fn answer(
    _: Writer,
    Who(by): Who,
    State(app): State<App>,
    Path(id): Path<String>,
    said: Result<Json<Said>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Json(said) = said?;
    let given = said.given()?;
    app.desk.answer(ask_id(&id)?, given, by).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The control of this id.
pub(crate) fn control_id(id: &str) -> Result<ActionId, Problem> {
    ActionId::parse(id).ok_or_else(|| Problem::bad("this is no id of a control"))
}

/// The request of this id.
pub(crate) fn ask_id(id: &str) -> Result<AskId, Problem> {
    Uuid::try_parse(id)
        .map(AskId::from_uuid)
        .map_err(|_| nothing())
}

pub(crate) fn nothing() -> Problem {
    Problem::not_there("there is no such request; it may be forgotten")
}
