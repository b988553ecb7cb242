//! What was said in a thread.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use mpg_core::view::{Content, Entry};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Reader;
use crate::problem::{NotThere, Problem, Refusals};
use crate::router::App;
use crate::thread_id;

/// The most parts that are given at once.
const MOST: u32 = 1_000;

/// A thread with what was said in it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Transcript {
    /// Its name, as in the address.
    thread: String,
    /// Its project; null if the channel belongs to none any more.
    project: Option<String>,
    /// What was asked and posted, oldest first: the newest parts of it.
    entries: Vec<Part>,
}

/// One part of a thread.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Part {
    /// When it was asked or planned.
    pub(crate) at: String,
    /// `asked`, or what a post is for: `answer`, `failure`, `notice`, `reply`, …
    pub(crate) kind: String,
    /// The turn that it belongs to.
    pub(crate) turn: Option<String>,
    /// Who asked, as the platform's id; or the agent that a post speaks for.
    pub(crate) by: Option<String>,
    /// The agent that was asked; null for the project's default agent, and for posts.
    pub(crate) to: Option<String>,
    /// Of a post: `planned`, `confirmed` or `dead`.
    pub(crate) state: Option<String>,
    /// The text, as Markdown.
    pub(crate) text: String,
}

impl From<Entry> for Part {
    fn from(entry: Entry) -> Self {
        let at = entry.at.to_string();
        let text = entry.text;
        match entry.content {
            Content::Asked {
                turn,
                author,
                agent,
                by_person,
            } => Self {
                at,
                kind: if by_person { "asked" } else { "handed-over" }.to_owned(),
                turn: Some(turn.to_string()),
                by: Some(author.to_string()),
                to: agent.map(|agent| agent.to_string()),
                state: None,
                text,
            },
            Content::Posted {
                delivery: _,
                kind,
                persona,
                state,
                turn,
            } => Self {
                at,
                kind,
                turn: turn.map(|turn| turn.to_string()),
                by: persona,
                to: None,
                state: Some(state),
                text,
            },
        }
    }
}

/// How much.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HowMuch {
    /// How many parts at most: 200, or what is given, up to 1000.
    limit: Option<u32>,
}

/// What was asked and posted in a thread.
#[utoipa::path(
    get,
    path = "/api/threads/{thread}",
    operation_id = "thread",
    tag = "look",
    params(("thread" = String, Path, description = "`PLATFORM:CHANNEL~MESSAGE`, or `PLATFORM:CHANNEL` for what is said outside of threads."), HowMuch),
    responses((status = 200, description = "The newest parts, oldest first.", body = Transcript), NotThere, Refusals)
)]
pub(crate) async fn thread(
    _: Reader,
    State(app): State<App>,
    Path(name): Path<String>,
    how_much: Result<Query<HowMuch>, QueryRejection>,
) -> Result<Json<Transcript>, Problem> {
    let Query(HowMuch { limit }) = how_much?;
    let nothing = || Problem::not_there("there is no such thread; it may be forgotten");
    let root = thread_id::read(&name).ok_or_else(nothing)?;
    let limit = limit.unwrap_or(200).min(MOST);
    let entries = app.views.transcript(&root, limit).await?;
    let entries = entries.ok_or_else(nothing)?;
    let config = app.config();
    let project = config.routing.project_of(&root.channel);
    Ok(Json(Transcript {
        thread: name,
        project: project.map(|project| project.name.to_string()),
        entries: entries.into_iter().map(Part::from).collect(),
    }))
}
