//! Stopping turns, and ending sessions.

use axum::Json;
use axum::extract::{Path, State};
use mpg_core::audit::Actor;
use mpg_core::gateway::Order;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{Admin, By, Writer};
use crate::desk::{Closed, Refusal};
use crate::problem::{NotThere, Problem, Refusals};
use crate::router::App;
use crate::thread_id;

/// What was done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Done {
    /// What a person is told who asks for the same in the chat.
    said: String,
}

/// Stops what runs in a thread; what waits goes on.
#[utoipa::path(
    post,
    path = "/api/threads/{thread}/stop",
    operation_id = "stop",
    tag = "act",
    params(("thread" = String, Path, description = "The thread.")),
    responses((status = 200, description = "What was done.", body = Done), NotThere, Refusals)
)]
pub(crate) async fn stop(
    _: Writer,
    By(by): By,
    State(app): State<App>,
    Path(thread): Path<String>,
) -> Result<Json<Done>, Problem> {
    give(&app, &thread, Order::Stop, by).await
}

/// Begins fresh sessions in a thread; what waits and what was worked on is kept.
#[utoipa::path(
    post,
    path = "/api/threads/{thread}/restart",
    operation_id = "restart",
    tag = "act",
    params(("thread" = String, Path, description = "The thread.")),
    responses((status = 200, description = "What was done.", body = Done), NotThere, Refusals)
)]
pub(crate) async fn restart(
    _: Admin,
    By(by): By,
    State(app): State<App>,
    Path(thread): Path<String>,
) -> Result<Json<Done>, Problem> {
    give(&app, &thread, Order::Restart, by).await
}

/// Ends the sessions of a thread with everything that waits.
#[utoipa::path(
    post,
    path = "/api/threads/{thread}/kill",
    operation_id = "kill",
    tag = "act",
    params(("thread" = String, Path, description = "The thread.")),
    responses((status = 200, description = "What was done.", body = Done), NotThere, Refusals)
)]
pub(crate) async fn kill(
    _: Admin,
    By(by): By,
    State(app): State<App>,
    Path(thread): Path<String>,
) -> Result<Json<Done>, Problem> {
    give(&app, &thread, Order::Kill, by).await
}

async fn give(app: &App, thread: &str, order: Order, by: Actor) -> Result<Json<Done>, Problem> {
    let nothing = || Problem::not_there("there is no such thread; it may be forgotten");
    let root = thread_id::read(thread).ok_or_else(nothing)?;
    match app.desk.order(root, order, by).await {
        Ok(said) => Ok(Json(Done { said })),
        Err(Refusal::NotThere) => Err(nothing()),
        Err(Refusal::Closed) => Err(Closed.into()),
    }
}
