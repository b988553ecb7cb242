//! The projects of the configuration.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Reader;
use crate::problem::Refusals;
use crate::router::App;

/// A project.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Project {
    /// Its first channel's id on its platform.
    channel_id: Option<String>,
    /// All of its channels, as `PLATFORM:ID`.
    channels: Vec<String>,
    /// Its name.
    name: String,
    /// Its directory.
    directory: String,
    /// The names of its agents.
    agents: Vec<String>,
}

/// All of them, by name.
pub(crate) fn all(app: &App) -> Vec<Project> {
    let config = app.config();
    let projects = config.routing.projects();
    projects
        .map(|project| {
            let channels = project.channels.iter();
            Project {
                channel_id: channels.clone().next().map(|one| one.channel.to_string()),
                channels: channels.map(ToString::to_string).collect(),
                name: project.name.to_string(),
                directory: project.directory.clone(),
                agents: project.agents.keys().map(ToString::to_string).collect(),
            }
        })
        .collect()
}

/// The projects of the configuration.
#[utoipa::path(
    get,
    path = "/api/projects",
    operation_id = "projects",
    tag = "look",
    responses((status = 200, description = "By name.", body = Vec<Project>), Refusals)
)]
pub(crate) async fn projects(_: Reader, State(app): State<App>) -> Json<Vec<Project>> {
    Json(all(&app))
}
