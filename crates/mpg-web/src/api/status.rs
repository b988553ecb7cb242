//! Everything at once.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::project::{self, Project};
use super::session::{self, ActiveSession};
use crate::auth::Reader;
use crate::health::{Health, examine};
use crate::problem::{Problem, Refusals};
use crate::router::App;

/// What the gateway is and does.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    /// The daemon's version.
    version: &'static str,
    /// As `/health` says.
    health: Health,
    /// How many conversations are known.
    conversations: usize,
    /// How many turns run.
    turns: u32,
    /// How many turns wait.
    queued: usize,
    /// How many posts are owed.
    owed: usize,
    /// How many posts were given up.
    dead: usize,
    /// The conversations that do something.
    sessions: Vec<ActiveSession>,
    /// The projects.
    projects: Vec<Project>,
}

/// Version, health, sessions and projects at once.
#[utoipa::path(
    get,
    path = "/api/status",
    operation_id = "status",
    tag = "look",
    responses((status = 200, description = "What the gateway is and does.", body = Status), Refusals)
)]
pub(crate) async fn status(_: Reader, State(app): State<App>) -> Result<Json<Status>, Problem> {
    let health = examine(&app).await;
    let status = app.desk.status().await?;
    Ok(Json(Status {
        version: app.version,
        health,
        conversations: status.overview.conversations,
        turns: status.overview.turns,
        queued: status.overview.queued,
        owed: status.overview.posts,
        dead: status.dead_letters.len(),
        sessions: session::all(&app, &status),
        projects: project::all(&app),
    }))
}
