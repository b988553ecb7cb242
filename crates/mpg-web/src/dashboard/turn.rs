//! Turns: those that run and wait, and those that are over.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use mpg_core::view::{TurnQuery, TurnState};
use serde::Deserialize;

use super::page::{Choice, Page, Trouble, Visitor, shown};
use super::row::TurnRow;
use crate::problem::Problem;
use crate::router::App;

/// How many turns a page lists.
const LISTED: u32 = 50;

/// How many turns that run or wait are listed.
const MOST: u32 = 200;

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage {
    page: Page,
    running: Vec<TurnRow>,
    queued: Vec<TurnRow>,
}

/// What runs and what waits.
pub(crate) async fn queue(visitor: Visitor, State(app): State<App>) -> Result<Response, Trouble> {
    let of = async |state| {
        let query = TurnQuery {
            state: Some(state),
            limit: MOST,
            ..TurnQuery::default()
        };
        let turns = app.views.recent_turns(&query).await;
        turns.map(|turns| turns.into_iter().map(TurnRow::from).collect())
    };
    let running = of(TurnState::Running).await;
    let mut queued: Vec<TurnRow> = of(TurnState::Queued)
        .await
        .map_err(|error| visitor.trouble(error))?;
    // What waits is taken in the order in which it came.
    queued.reverse();
    Ok(shown(&QueuePage {
        page: visitor.page("Queue", "/queue", Some("/live".to_owned())),
        running: running.map_err(|error| visitor.trouble(error))?,
        queued,
    }))
}

/// Which turns.
#[derive(Deserialize)]
pub(crate) struct Which {
    state: Option<String>,
    before: Option<u64>,
}

#[derive(Template)]
#[template(path = "turns.html")]
struct TurnsPage {
    page: Page,
    choices: Vec<Choice>,
    turns: Vec<TurnRow>,
    older: Option<String>,
}

/// All turns, the newest first.
pub(crate) async fn turns(
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
) -> Result<TurnsPage, Problem> {
    let Query(Which { state, before }) = which?;
    let state = match state.as_deref() {
        None | Some("") => None,
        Some(name) => {
            let mut all = TurnState::ALL.into_iter();
            let known = all.find(|state| state.name() == name);
            Some(known.ok_or_else(|| Problem::bad(format!("{name:?} is no state of a turn")))?)
        }
    };
    let query = TurnQuery {
        state,
        before,
        limit: LISTED,
        ..TurnQuery::default()
    };
    let found = app.views.recent_turns(&query).await?;
    let is_full = found.len() == LISTED as usize;
    let last = found.last().filter(|_| is_full).map(|turn| turn.number);
    let address = |state: Option<TurnState>| {
        let state = state.map_or("", TurnState::name);
        format!("/turns?state={state}")
    };
    let choices = [(None, "All")]
        .into_iter()
        .chain(TurnState::ALL.map(|state| (Some(state), state.name())));
    Ok(TurnsPage {
        // Older turns do not change any more.
        page: visitor.page(
            "Turns",
            "/turns",
            before.is_none().then(|| "/live".to_owned()),
        ),
        choices: choices
            .map(|(choice, name)| Choice::new(name, address(choice), choice == state))
            .collect(),
        turns: found.into_iter().map(TurnRow::from).collect(),
        older: last.map(|last| format!("{}&before={last}", address(state))),
    })
}
