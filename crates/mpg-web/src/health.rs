//! Whether the gateway does its work.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::router::App;

/// How long the gateway's loop may take to answer: it answers between two events, so that one that
/// does not is stuck.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether the gateway does its work.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, `draining` while the gateway ends, else `failing`.
    pub(crate) status: &'static str,
    /// What is wrong, if something is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<String>,
    /// For how long the gateway has been running, in seconds.
    uptime: u64,
    /// What it does.
    sessions: Sessions,
    /// Each platform by its name: `connecting`, `connected`, `reconnecting` or `failed`.
    #[serde(flatten)]
    pub(crate) platforms: BTreeMap<String, &'static str>,
}

/// How many conversations do something.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Sessions {
    /// How many have an agent, a turn, or something that waits.
    active: usize,
    /// How many turns wait.
    queued: usize,
}

impl Health {
    /// Whether it does its work.
    pub(crate) fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }

    /// The same, for people.
    pub(crate) fn words(&self) -> &'static str {
        match self.status {
            "ok" => "All is well.",
            "draining" => "The gateway ends what runs, and stops.",
            _ => "Something is wrong.",
        }
    }
}

/// Health, for whoever restarts what is not well. Nothing in it is secret.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "operation",
    security(()),
    responses(
        (status = 200, description = "The gateway does its work, or ends as it was told to.", body = Health),
        (status = 503, description = "A platform has been away for two minutes, or the state cannot be written.", body = Health),
        (status = 403, description = "A page of another site asks.", body = Problem),
        (status = 408, description = "It took too long.", body = Problem),
        (status = 421, description = "The host that was asked for is not served here.", body = Problem),
    )
)]
pub(crate) async fn health(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let health = examine(&app).await;
    let status = if health.is_ok() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(health))
}

/// Looks at everything that health is judged by.
pub(crate) async fn examine(app: &App) -> Health {
    let now = Instant::now();
    let mut problems = Vec::new();
    let mut platforms = BTreeMap::new();
    for (platform, state) in app.watch.links.states() {
        if state.is_down(now) {
            problems.push(format!("{platform} is not connected"));
        }
        platforms.insert(platform.to_string(), state.word);
    }
    let mut draining = false;
    let mut sessions = Sessions::default();
    // An engine that cannot store anything ends at once, and answers nothing any more.
    match timeout(PATIENCE, app.desk.status()).await {
        Ok(Ok(status)) => {
            draining = status.draining;
            sessions.active = status.overview.active.len();
            sessions.queued = status.overview.queued;
        }
        Ok(Err(closed)) => problems.push(closed.to_string()),
        Err(_) => problems.push("the gateway does not answer".to_owned()),
    }
    let status = match (problems.is_empty(), draining) {
        (false, _) => "failing",
        (true, true) => "draining",
        (true, false) => "ok",
    };
    Health {
        status,
        problems,
        uptime: app.started.elapsed().as_secs(),
        sessions,
        platforms,
    }
}
