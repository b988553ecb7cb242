//! The conversations that do something.

use axum::Json;
use axum::extract::State;
use mpg_core::gateway::{ActiveConversation, Activity};
use mpg_core::id::ConversationId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Reader;
use crate::problem::{Problem, Refusals};
use crate::router::App;
use crate::thread_id;

/// A conversation that does something or has an agent ready.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActiveSession {
    /// The agent's session, if it has one.
    session_id: Option<String>,
    /// The project's name.
    project_key: String,
    /// The project's name, too.
    project: String,
    /// The thread, as in `/api/threads/{thread}`.
    thread: String,
    /// The agent's name; null for the project's default agent.
    agent: Option<String>,
    /// Where the agent works.
    cwd: Option<String>,
    /// The project's directory.
    project_dir: Option<String>,
    /// When something last happened in its thread.
    last_activity: Option<String>,
    /// How many turns wait.
    queue_length: usize,
    /// Whether a turn runs.
    processing: bool,
    /// `working`, `asking`, `ready`, `waiting` or `parked`.
    activity: &'static str,
    /// Since when it works, asks or is ready.
    since: Option<String>,
    /// When what is parked goes on by itself.
    until: Option<String>,
}

impl ActiveSession {
    fn new(app: &App, active: &ActiveConversation) -> Self {
        let ConversationId { root, agent } = &active.conversation;
        let activity = active.activity;
        let config = app.config();
        let project = config.routing.project(&active.project);
        Self {
            session_id: active.session.map(|session| session.to_string()),
            project_key: active.project.to_string(),
            project: active.project.to_string(),
            thread: thread_id::write(root),
            agent: agent.as_ref().map(ToString::to_string),
            cwd: active.directory.clone(),
            project_dir: project.map(|project| project.directory.clone()),
            last_activity: active.active_at.map(|at| at.to_string()),
            queue_length: active.queued,
            processing: matches!(activity, Activity::Working(_) | Activity::Asking(_)),
            activity: activity.name(),
            since: activity.since().map(|since| since.to_string()),
            until: activity.until().map(|until| until.to_string()),
        }
    }
}

/// All of them.
pub(crate) fn all(app: &App, status: &crate::desk::Status) -> Vec<ActiveSession> {
    let active = status.overview.active.iter();
    active
        .map(|active| ActiveSession::new(app, active))
        .collect()
}

/// The conversations that do something or have an agent ready.
#[utoipa::path(
    get,
    path = "/api/sessions",
    operation_id = "sessions",
    tag = "look",
    responses((status = 200, description = "By thread and agent.", body = Vec<ActiveSession>), Refusals)
)]
pub(crate) async fn sessions(
    _: Reader,
    State(app): State<App>,
) -> Result<Json<Vec<ActiveSession>>, Problem> {
    let status = app.desk.status().await?;
    Ok(Json(all(&app, &status)))
}
