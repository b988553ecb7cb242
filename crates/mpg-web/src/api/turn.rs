//! Turns, waiting, running and past.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use mpg_core::agent::Usage;
use mpg_core::id::TurnId;
use mpg_core::view::{TurnQuery, TurnState, TurnView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::Reader;
use crate::problem::{NotThere, Problem, Refusals};
use crate::router::App;
use crate::thread_id;

/// The most turns that are given at once.
const MOST: u32 = 500;

/// A turn: one message answered by one agent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Turn {
    /// Its number: it rises in the order in which turns are accepted.
    number: u64,
    /// Its id.
    id: String,
    /// Its project; null if the channel belongs to none any more.
    project: Option<String>,
    /// Its thread, as in `/api/threads/{thread}`.
    thread: String,
    /// The agent's name; null for the project's default agent.
    agent: Option<String>,
    /// `queued`, `running` or `ended`.
    state: &'static str,
    /// The platform's id of the author.
    author: String,
    /// What was asked.
    prompt: String,
    /// Whether a person asked, and not an agent that handed over.
    by_person: bool,
    /// The attempt that runs or ran last.
    attempt: Option<u32>,
    /// When it was accepted.
    queued_at: String,
    /// When its first attempt started.
    started_at: Option<String>,
    /// When it ended.
    ended_at: Option<String>,
    /// `answered`, `failed`, `stopped` or `abandoned`, once it has ended.
    outcome: Option<String>,
    /// What sort of failure it was, and what the agent said about it.
    failure: Option<Failure>,
    /// What it took.
    usage: Taken,
}

/// Why a turn has no answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Failure {
    /// The sort.
    kind: String,
    /// What the agent said.
    message: String,
}

/// What turns took.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Taken {
    /// Tokens read.
    pub(crate) input_tokens: u64,
    /// Tokens written.
    pub(crate) output_tokens: u64,
    /// Tokens read from the cache.
    pub(crate) cache_read_tokens: u64,
    /// Tokens written to the cache.
    pub(crate) cache_creation_tokens: u64,
    /// US dollars, in millionths.
    pub(crate) cost_microdollars: u64,
    /// The agent's own time, in milliseconds.
    pub(crate) duration_ms: u64,
}

impl Taken {
    /// All tokens.
    pub(crate) fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

impl From<&Usage> for Taken {
    fn from(usage: &Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cache_read_tokens: usage.cache_read_tokens,
            cache_creation_tokens: usage.cache_creation_tokens,
            cost_microdollars: usage.cost_microdollars,
            duration_ms: u64::try_from(usage.duration.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl Turn {
    pub(crate) fn new(app: &App, turn: TurnView) -> Self {
        let root = &turn.conversation.root;
        let config = app.config();
        let project = config.routing.project_of(&root.channel);
        Self {
            number: turn.number,
            id: turn.id.to_string(),
            project: project.map(|project| project.name.to_string()),
            thread: thread_id::write(root),
            agent: turn.conversation.agent.as_ref().map(ToString::to_string),
            state: turn.state.name(),
            author: turn.author.to_string(),
            prompt: turn.prompt,
            by_person: turn.by_person,
            attempt: turn.attempt,
            queued_at: turn.queued_at.to_string(),
            started_at: turn.started_at.map(|at| at.to_string()),
            ended_at: turn.ended_at.map(|at| at.to_string()),
            outcome: turn.outcome,
            failure: turn
                .failure
                .map(|(kind, message)| Failure { kind, message }),
            usage: Taken::from(&turn.usage),
        }
    }
}

/// Which turns.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only those in this state: `queued`, `running` or `ended`.
    state: Option<String>,
    /// Only those of this thread.
    thread: Option<String>,
    /// Only those with a lower number than this one.
    before: Option<u64>,
    /// How many at most: 50, or what is given, up to 500.
    limit: Option<u32>,
}

/// Turns, the newest first.
#[utoipa::path(
    get,
    path = "/api/turns",
    operation_id = "turns",
    tag = "look",
    params(Which),
    responses((status = 200, description = "The newest first.", body = Vec<Turn>), Refusals)
)]
pub(crate) async fn turns(
    _: Reader,
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Vec<Turn>>, Problem> {
    let Query(which) = which?;
    let state = which.state.as_deref().map(state).transpose()?;
    let thread = which.thread.as_deref().map(|name| {
        thread_id::read(name).ok_or_else(|| Problem::bad(format!("{name:?} names no thread")))
    });
    let query = TurnQuery {
        turn: None,
        thread: thread.transpose()?,
        channel: None,
        state,
        before: which.before,
        limit: which.limit.unwrap_or(50).min(MOST),
    };
    found(&app, &query).await.map(Json)
}

/// The turns that wait, the newest first.
#[utoipa::path(
    get,
    path = "/api/queue",
    operation_id = "queue",
    tag = "look",
    responses((status = 200, description = "The newest first, at most 500.", body = Vec<Turn>), Refusals)
)]
pub(crate) async fn queue(_: Reader, State(app): State<App>) -> Result<Json<Vec<Turn>>, Problem> {
    let query = TurnQuery {
        state: Some(TurnState::Queued),
        limit: MOST,
        ..TurnQuery::default()
    };
    found(&app, &query).await.map(Json)
}

/// One turn.
#[utoipa::path(
    get,
    path = "/api/turns/{id}",
    operation_id = "turn",
    tag = "look",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The turn.", body = Turn), NotThere, Refusals)
)]
pub(crate) async fn turn(
    _: Reader,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Turn>, Problem> {
    let nothing = || Problem::not_there("there is no such turn; it may be forgotten");
    let id = Uuid::try_parse(&id).map_err(|_| nothing())?;
    let query = TurnQuery {
        turn: Some(TurnId::from_uuid(id)),
        limit: 1,
        ..TurnQuery::default()
    };
    let found = found(&app, &query).await?.pop();
    found.map(Json).ok_or_else(nothing)
}

async fn found(app: &App, query: &TurnQuery) -> Result<Vec<Turn>, Problem> {
    let turns = app.views.recent_turns(query).await?;
    let turns = turns.into_iter();
    Ok(turns.map(|turn| Turn::new(app, turn)).collect())
}

fn state(name: &str) -> Result<TurnState, Problem> {
    let mut all = TurnState::ALL.into_iter();
    all.find(|state| state.name() == name).ok_or_else(|| {
        Problem::bad(format!(
            "{name:?} is no state; use queued, running or ended"
        ))
    })
}
