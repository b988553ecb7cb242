//! Posts that are owed, and those that were given up.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use mpg_core::id::DeliveryId;
use mpg_core::snapshot::DeadLetter;
use mpg_core::token::Scope;
use mpg_core::view::OwedPost;

use super::notation::Moment;
use super::page::{Page, Trouble, Visitor, done, shown};
use super::row::{Link, excerpt};
use crate::auth::By;
use crate::desk::{Closed, Refusal};
use crate::problem::Problem;
use crate::router::App;

/// How many posts that are owed a page lists.
const MOST: u32 = 200;

#[derive(Template)]
#[template(path = "deliveries.html")]
struct DeliveriesPage {
    page: Page,
    owed: Vec<PostRow>,
    dead: Vec<PostRow>,
}

/// A post that is not made.
struct PostRow {
    id: String,
    at: Moment,
    thread: Link,
    kind: String,
    /// Why it was given up.
    reason: String,
    text: String,
}

impl From<OwedPost> for PostRow {
    fn from(post: OwedPost) -> Self {
        Self {
            id: post.id.to_string(),
            at: post.planned_at.into(),
            thread: Link::to_thread(&post.root),
            kind: post.kind,
            reason: String::new(),
            text: excerpt(&post.text),
        }
    }
}

impl From<DeadLetter> for PostRow {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.post.id.to_string(),
            at: letter.at.into(),
            thread: Link::to_thread(&letter.root),
            kind: letter.post.kind.name().to_owned(),
            reason: excerpt(&letter.reason),
            text: excerpt(letter.post.said()),
        }
    }
}

pub(crate) async fn deliveries(
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Trouble> {
    let status = app.desk.status().await;
    let status = status.map_err(|closed| visitor.trouble(closed))?;
    let owed = app.views.owed(MOST).await;
    let owed = owed.map_err(|error| visitor.trouble(error))?;
    let dead = status.dead_letters.into_iter();
    Ok(shown(&DeliveriesPage {
        page: visitor.page("Deliveries", "/deliveries", Some("/live".to_owned())),
        owed: owed.into_iter().map(PostRow::from).collect(),
        dead: dead.map(PostRow::from).collect(),
    }))
}

/// Posts one again that was given up.
pub(crate) async fn redeliver(
    visitor: Visitor,
    By(by): By,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    visitor.may(Scope::Write)?;
    let nothing = || {
        let problem = "there is no such dead letter; it may be posted by now";
        visitor.trouble(Problem::not_there(problem))
    };
    let delivery = DeliveryId::parse(&id).ok_or_else(nothing)?;
    match app.desk.redeliver(delivery, by).await {
        Ok(()) => Ok(done(
            visitor,
            "it is posted again",
            "/deliveries".to_owned(),
        )),
        Err(Refusal::NotThere) => Err(nothing()),
        Err(Refusal::Closed) => Err(visitor.trouble(Closed)),
    }
}
