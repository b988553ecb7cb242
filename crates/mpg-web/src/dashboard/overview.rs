//! The first page: what works, what waits, what failed.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use mpg_core::agent::Usage;
use mpg_core::view::{TurnQuery, TurnState};

use super::notation::{count, dollars};
use super::page::{Page, Trouble, Visitor};
use super::row::{ActiveRow, TurnRow, active};
use crate::health::{Health, examine};
use crate::problem::Problem;
use crate::router::App;

/// Among how many of the latest turns that ended failures are looked for.
const LOOKED_AT: u32 = 200;

/// How many turns are listed.
const LISTED: u32 = 5;

/// A day, in seconds.
const DAY: u32 = 86_400;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    page: Page,
    health: Health,
    running: u32,
    queued: usize,
    parked: usize,
    owed: usize,
    dead: usize,
    turns_today: u64,
    failed_today: u64,
    tokens_today: String,
    cost_today: String,
    active: Vec<ActiveRow>,
    failed: Vec<TurnRow>,
    latest: Vec<TurnRow>,
}

pub(crate) async fn overview(
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Trouble> {
    visitor.shown(look(visitor, &app).await)
}

async fn look(visitor: Visitor, app: &App) -> Result<OverviewPage, Problem> {
    let health = examine(app).await;
    let status = app.desk.status().await?;
    let now = Timestamp::now().as_second();
    let today = Timestamp::from_second(now - now.rem_euclid(DAY.into()));
    let today = today.unwrap_or(Timestamp::UNIX_EPOCH);
    let day = app.views.activity(today, DAY).await?;
    let turns = |wanted: Option<&str>| {
        let of = day.iter();
        let of = of.filter(|stretch| wanted.is_none_or(|outcome| stretch.outcome == outcome));
        of.map(|stretch| stretch.turns).sum()
    };
    let mut usage = Usage::default();
    for stretch in &day {
        usage.add(&stretch.usage);
    }
    let ended = TurnQuery {
        state: Some(TurnState::Ended),
        limit: LOOKED_AT,
        ..TurnQuery::default()
    };
    let ended = app.views.recent_turns(&ended).await?.into_iter();
    let failed = ended
        .filter(|turn| turn.failure.is_some())
        .take(LISTED as usize);
    let latest = TurnQuery {
        limit: LISTED,
        ..TurnQuery::default()
    };
    let latest = app.views.recent_turns(&latest).await?.into_iter();
    let active = active(&status);
    Ok(OverviewPage {
        page: visitor.page("Overview", "/", Some("/live".to_owned())),
        running: status.overview.turns,
        queued: status.overview.queued,
        parked: active.iter().filter(|one| one.activity == "parked").count(),
        owed: status.overview.posts,
        dead: status.dead_letters.len(),
        turns_today: turns(None),
        failed_today: turns(Some("failed")),
        tokens_today: count(usage.input_tokens.saturating_add(usage.output_tokens)),
        cost_today: dollars(usage.cost_microdollars),
        active,
        failed: failed.map(TurnRow::from).collect(),
        latest: latest.map(TurnRow::from).collect(),
        health,
    })
}
