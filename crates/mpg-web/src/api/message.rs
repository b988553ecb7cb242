//! Asking agents something, and telling people something.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use mpg_core::audit::Actor;
use mpg_core::gateway::{Prompt, Purpose};
use mpg_core::id::{AgentName, ProjectName, RootId};
use mpg_core::snapshot::Answerer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::{By, Who, Writer, random};
use crate::problem::{Conflict, NotThere, Problem, Refusals, TooLarge};
use crate::router::App;
use crate::thread_id;

/// The header by which a request that is sent again is known.
const KEY: &str = "idempotency-key";

/// How long such a key is at most.
const LONGEST_KEY: usize = 200;

/// What is asked.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// The text, as it is: nothing in it is a command or a mention. At most 128 KiB.
    text: String,
    /// Who answers; the project's default agent, if it is left out.
    agent: Option<String>,
    /// The thread that it is asked in; a new one in the project's first channel, if it is left out.
    thread: Option<String>,
}

/// What is told.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notice {
    /// The project.
    project: String,
    /// The text, as Markdown. At most 128 KiB.
    text: String,
    /// The thread that it is told in; the project's first channel, if it is left out.
    thread: Option<String>,
}

/// What was taken.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Stored {
    /// The post that it becomes, as deliveries are called.
    delivery: String,
    /// The thread that it was said in, if one was named. Otherwise one grows from the post, where it
    /// is asked.
    thread: Option<String>,
}

/// Asks an agent of a project something, as if a person had: it is posted, and answered there.
#[utoipa::path(
    post,
    path = "/api/projects/{project}/messages",
    operation_id = "ask",
    tag = "act",
    params(
        ("project" = String, Path, description = "Its name."),
        ("Idempotency-Key" = Option<String>, Header, description = "From one to 200 visible characters. What is sent again with the same one is said once."),
    ),
    request_body = Question,
    responses(
        (status = 202, description = "It is stored, and will be posted.", body = Stored),
        NotThere, Conflict, TooLarge, Refusals
    )
)]
pub(crate) async fn ask(
    _: Writer,
    Who(who): Who,
    By(by): By,
    State(app): State<App>,
    Path(project): Path<String>,
    headers: HeaderMap,
    question: Result<Json<Question>, JsonRejection>,
) -> Result<(StatusCode, Json<Stored>), Problem> {
    let Json(Question {
        text,
        agent,
        thread,
    }) = question?;
    let prompt = Prompt {
        key: key(&who, "ask", &headers)?,
        earlier: None,
        purpose: Purpose::Ask,
        project: ProjectName::new(project),
        thread: thread.map(|name| root(&name)).transpose()?,
        agent: agent.map(AgentName::new),
        text,
        from: who.name,
    };
    take(&app, prompt, by).await
}

/// Tells people something, in a project's first channel or in a thread. Nobody answers it.
#[utoipa::path(
    post,
    path = "/api/notify",
    operation_id = "notify",
    tag = "act",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "From one to 200 visible characters. What is sent again with the same one is said once."),
    ),
    request_body = Notice,
    responses(
        (status = 202, description = "It is stored, and will be posted.", body = Stored),
        NotThere, Conflict, TooLarge, Refusals
    )
)]
pub(crate) async fn tell(
    _: Writer,
    Who(who): Who,
    By(by): By,
    State(app): State<App>,
    headers: HeaderMap,
    notice: Result<Json<Notice>, JsonRejection>,
) -> Result<(StatusCode, Json<Stored>), Problem> {
    let Json(Notice {
        project,
        text,
        thread,
    }) = notice?;
    let prompt = Prompt {
        key: key(&who, "tell", &headers)?,
        earlier: None,
        purpose: Purpose::Tell,
        project: ProjectName::new(project),
        thread: thread.map(|name| root(&name)).transpose()?,
        agent: None,
        text,
        from: who.name,
    };
    take(&app, prompt, by).await
}

/// Says it, unless that was done before: the gateway remembers what may not be stored yet, and the
/// state the rest.
async fn take(
    app: &App,
    mut prompt: Prompt,
    by: Actor,
) -> Result<(StatusCode, Json<Stored>), Problem> {
    prompt.earlier = app.views.prompted(&prompt.key).await?;
    let thread = prompt.thread.as_ref().map(thread_id::write);
    let delivery = app.desk.prompt(prompt, by).await?.to_string();
    Ok((StatusCode::ACCEPTED, Json(Stored { delivery, thread })))
}

fn root(thread: &str) -> Result<RootId, Problem> {
    let nothing = || Problem::not_there("there is no such thread; it may be forgotten");
    thread_id::read(thread).ok_or_else(nothing)
}

/// What tells it from others. One holder of a token does not meet the keys of another.
fn key(who: &Answerer, what: &str, headers: &HeaderMap) -> Result<String, Problem> {
    let ours = format!("http {what} {}", who.id);
    let mut given = headers.get_all(KEY).iter();
    let key = match (given.next(), given.next()) {
        (None, _) => return Ok(format!("{ours} at random {}", random()?)),
        (Some(key), None) => key.to_str().ok(),
        (Some(_), Some(_)) => None,
    };
    let key = key.filter(|key| !key.is_empty() && key.len() <= LONGEST_KEY);
    let key = key.ok_or_else(|| {
        Problem::bad(format!(
            "one `Idempotency-Key` is taken, of one to {LONGEST_KEY} visible characters"
        ))
    })?;
    Ok(format!("{ours} as {key}"))
}
