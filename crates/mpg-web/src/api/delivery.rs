//! Posts that are owed, and those that were given up.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use mpg_core::id::DeliveryId;
use mpg_core::snapshot::DeadLetter;
use mpg_core::view::OwedPost;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{By, Reader, Writer};
use crate::desk::Refusal;
use crate::problem::{NotThere, Problem, Refusals};
use crate::router::App;
use crate::thread_id;

/// The most posts that are given at once.
const MOST: u32 = 500;

/// Posts that are not made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Deliveries {
    /// Those that are owed and not known to be made, oldest first, at most 500.
    owed: Vec<Owed>,
    /// Those that were given up, oldest first. They can be posted again.
    dead: Vec<Dead>,
}

/// A post that is owed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Owed {
    /// Its id.
    id: String,
    /// Its thread.
    thread: String,
    /// What it is for.
    kind: String,
    /// When it was planned.
    planned_at: String,
    /// The text, as Markdown.
    text: String,
}

/// A post that was given up.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Dead {
    /// Its id.
    id: String,
    /// Its thread.
    thread: String,
    /// What it is for.
    kind: &'static str,
    /// When it was given up.
    given_up_at: String,
    /// Why.
    reason: String,
    /// The text, as Markdown.
    text: String,
}

impl From<OwedPost> for Owed {
    fn from(post: OwedPost) -> Self {
        Self {
            id: post.id.to_string(),
            thread: thread_id::write(&post.root),
            kind: post.kind,
            planned_at: post.planned_at.to_string(),
            text: post.text,
        }
    }
}

impl From<DeadLetter> for Dead {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.post.id.to_string(),
            thread: thread_id::write(&letter.root),
            kind: letter.post.kind.name(),
            given_up_at: letter.at.to_string(),
            reason: letter.reason,
            text: letter.post.text,
        }
    }
}

/// Posts that are owed, and those that were given up.
#[utoipa::path(
    get,
    path = "/api/deliveries",
    operation_id = "deliveries",
    tag = "look",
    responses((status = 200, description = "Both.", body = Deliveries), Refusals)
)]
pub(crate) async fn deliveries(
    _: Reader,
    State(app): State<App>,
) -> Result<Json<Deliveries>, Problem> {
    let status = app.desk.status().await?;
    let owed = app.views.owed(MOST).await?;
    Ok(Json(Deliveries {
        owed: owed.into_iter().map(Owed::from).collect(),
        dead: status.dead_letters.into_iter().map(Dead::from).collect(),
    }))
}

/// Posts one again that was given up: in its thread, or in the thread's channel.
#[utoipa::path(
    post,
    path = "/api/deliveries/{id}/redeliver",
    operation_id = "redeliver",
    tag = "act",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 202, description = "It is planned."), NotThere, Refusals)
)]
pub(crate) async fn redeliver(
    _: Writer,
    By(by): By,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let nothing = || Problem::not_there("there is no such dead letter; it may be posted by now");
    let delivery = DeliveryId::parse(&id).ok_or_else(nothing)?;
    match app.desk.redeliver(delivery, by).await {
        Ok(()) => Ok(StatusCode::ACCEPTED),
        Err(Refusal::NotThere) => Err(nothing()),
        Err(Refusal::Closed) => Err(crate::desk::Closed.into()),
    }
}
