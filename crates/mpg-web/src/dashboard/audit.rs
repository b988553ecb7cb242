//! Who did what.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use mpg_core::audit::Audited;
use serde::Deserialize;

use super::notation::Moment;
use super::page::{Page, Trouble, Visitor};
use super::row::{Link, excerpt};
use crate::api::audit::{Actor, Body};
use crate::problem::Problem;
use crate::router::App;
use crate::thread_id;

/// How many entries a page lists.
const LISTED: u32 = 100;

/// Which entries.
#[derive(Deserialize)]
pub(crate) struct Which {
    before: Option<u64>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    page: Page,
    entries: Vec<AuditRow>,
    older: Option<String>,
}

/// One entry.
struct AuditRow {
    at: Moment,
    who: String,
    act: String,
    about: String,
    project: String,
    thread: Option<Link>,
    agent: Option<String>,
    text: String,
}

impl From<Audited> for AuditRow {
    fn from(entry: Audited) -> Self {
        let body = Body::of(&entry);
        let hash = body.text_sha256.map(|hash| format!("sha256:{hash}"));
        let text = body.text.map(|text| excerpt(&text));
        let root = body.thread.as_deref().and_then(thread_id::read);
        Self {
            at: entry.at.into(),
            who: who(&body.actor),
            act: body.act,
            about: body.about.unwrap_or_default(),
            project: body.project.unwrap_or_default(),
            thread: root.as_ref().map(Link::to_thread),
            agent: body.agent,
            text: text.or(hash).unwrap_or_default(),
        }
    }
}

fn who(actor: &Actor) -> String {
    let name = actor.name.as_deref().unwrap_or_default();
    let id = actor.id.as_deref().unwrap_or_default();
    let platform = actor.platform.as_deref().unwrap_or_default();
    match actor.kind.as_str() {
        "person" => format!("{name} ({platform}:{id})"),
        "token" => format!("token {name} ({id})"),
        "local" => format!("{name} at the command line"),
        "platform" => format!("somebody on {platform}"),
        kind => kind.to_owned(),
    }
}

/// The log, the newest entries first.
pub(crate) async fn audit(
    visitor: Visitor,
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Trouble> {
    visitor.shown(look(visitor, &app, which).await)
}

async fn look(
    visitor: Visitor,
    app: &App,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<AuditPage, Problem> {
    let Query(Which { before }) = which?;
    let found = app.audit.audited(before, LISTED).await?;
    let is_full = found.len() == LISTED as usize;
    let last = found.last().filter(|_| is_full).map(|entry| entry.number);
    let live = before.is_none().then(|| "/live".to_owned());
    Ok(AuditPage {
        // Older entries do not change any more.
        page: visitor.page("Audit", "/audit", live),
        entries: found.into_iter().map(AuditRow::from).collect(),
        older: last.map(|last| format!("/audit?before={last}")),
    })
}
