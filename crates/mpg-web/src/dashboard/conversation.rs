//! What was said in a thread, and what is done there now.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use mpg_core::audit::Actor;
use mpg_core::gateway::Order;
use mpg_core::id::RootId;
use mpg_core::token::Scope;
use mpg_core::view::{Content, Entry};

use super::chat::{Composer, Shown, composer, said};
use super::markup;
use super::notation::{Moment, segment};
use super::page::{Page, Trouble, Visitor, done};
use super::request::{Means, RequestCard, cards};
use super::row::{ActiveRow, Link};
use crate::auth::By;
use crate::desk::{Closed, Refusal};
use crate::problem::Problem;
use crate::router::App;
use crate::thread_id;

/// How many parts of a thread a page shows, the newest ones.
const LISTED: u32 = 200;

#[derive(Template)]
#[template(path = "conversation.html")]
struct ConversationPage {
    page: Page,
    thread: String,
    href: String,
    project: Option<Link>,
    entries: Vec<EntryRow>,
    /// What waits for people here.
    requests: Vec<RequestCard>,
    active: Vec<ActiveRow>,
    /// How somebody writes here, where that is in the browser.
    composer: Option<Composer>,
}

/// One part of a thread.
struct EntryRow {
    at: Moment,
    /// `ask` or `post`.
    side: &'static str,
    kind: String,
    by: String,
    to: Option<String>,
    state: Option<String>,
    /// What was said, as HTML that does nothing.
    html: String,
    footer: Option<String>,
    /// The message's id, and what can be done with it.
    message: String,
    means: Vec<Means>,
}

impl From<Shown> for EntryRow {
    fn from(shown: Shown) -> Self {
        Self {
            at: shown.at,
            side: if shown.is_post { "post" } else { "ask" },
            kind: shown.kind.to_owned(),
            by: shown.by,
            to: None,
            state: shown.status,
            html: shown.html,
            footer: shown.footer,
            message: shown.id,
            means: shown.means,
        }
    }
}

impl From<Entry> for EntryRow {
    fn from(entry: Entry) -> Self {
        let (at, html) = (entry.at.into(), markup::html(&entry.text));
        match entry.content {
            Content::Asked {
                turn: _,
                author,
                agent,
                by_person,
            } => Self {
                at,
                side: "ask",
                kind: if by_person { "asked" } else { "handed-over" }.to_owned(),
                by: if by_person {
                    author.to_string()
                } else {
                    format!("handed over, for {author}")
                },
                to: agent.map(|agent| agent.to_string()),
                state: None,
                html,
                footer: None,
                message: String::new(),
                means: Vec::new(),
            },
            Content::Posted {
                delivery: _,
                kind,
                persona,
                state,
                turn: _,
            } => Self {
                at,
                side: "post",
                by: persona.unwrap_or_else(|| "agent".to_owned()),
                kind,
                to: None,
                state: Some(state),
                html,
                footer: None,
                message: String::new(),
                means: Vec::new(),
            },
        }
    }
}

pub(crate) async fn conversation(
    visitor: Visitor,
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Response, Trouble> {
    visitor.shown(look(visitor, &app, name).await)
}

async fn look(visitor: Visitor, app: &App, name: String) -> Result<ConversationPage, Problem> {
    let root = thread_id::read(&name).ok_or_else(nothing)?;
    let entries = app.views.transcript(&root, LISTED).await?;
    let composer = composer(app, &root)?;
    let mut requests = cards(app, &root).await?;
    let entries = match &app.chat {
        Some(chat) if composer.is_some() => {
            let is_known = entries.is_some();
            let said = said(chat, &root, entries.unwrap_or_default());
            if !is_known && said.here.is_empty() {
                return Err(nothing());
            }
            requests.retain(|card| !said.offers(&card.id));
            let rows = said.stored.into_iter().map(EntryRow::from);
            let mut rows: Vec<EntryRow> = rows.collect();
            rows.extend(said.here.into_iter().map(EntryRow::from));
            rows.sort_by_key(|row| row.at);
            rows
        }
        Some(_) | None => {
            let entries = entries.ok_or_else(nothing)?.into_iter();
            entries.map(EntryRow::from).collect()
        }
    };
    let status = app.desk.status().await?;
    let active = status.overview.active.iter();
    let active = active.filter(|one| one.conversation.root == root);
    let config = app.config();
    let project = config.routing.project_of(&root.channel);
    let (href, live) = addresses(&name);
    Ok(ConversationPage {
        page: visitor.page("Conversation", "", Some(live)),
        href,
        project: project.map(|project| Link::to_project(&project.name)),
        entries,
        composer,
        requests,
        active: active.map(ActiveRow::from).collect(),
        thread: name,
    })
}

/// Does something in a thread.
pub(crate) async fn order(
    visitor: Visitor,
    By(by): By,
    State(app): State<App>,
    Path((name, order)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    let (order, needed) = match order.as_str() {
        "stop" => (Order::Stop, Scope::Write),
        "restart" => (Order::Restart, Scope::Admin),
        "kill" => (Order::Kill, Scope::Admin),
        _ => return Err(visitor.trouble(nothing())),
    };
    visitor.may(needed)?;
    let said = give(&app, &name, order, by).await;
    let said = said.map_err(|problem| visitor.trouble(problem))?;
    Ok(done(visitor, said, addresses(&name).0))
}

async fn give(app: &App, name: &str, order: Order, by: Actor) -> Result<String, Problem> {
    let root: RootId = thread_id::read(name).ok_or_else(nothing)?;
    match app.desk.order(root, order, by).await {
        Ok(said) => Ok(said),
        Err(Refusal::NotThere) => Err(nothing()),
        Err(Refusal::Closed) => Err(Closed.into()),
    }
}

fn nothing() -> Problem {
    Problem::not_there("there is no such thread; it may be forgotten")
}

/// The address of a thread's page, and of what says that it may have changed.
fn addresses(name: &str) -> (String, String) {
    let name = segment(name);
    (format!("/threads/{name}"), format!("/live?thread={name}"))
}
