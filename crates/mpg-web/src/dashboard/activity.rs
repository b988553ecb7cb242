//! What turns took over time.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::chart::Chart;
use super::notation::{count, dollars, span};
use super::page::{Choice, Page, Trouble, Visitor, shown};
use crate::api::activity::{Bucket, OfAgent, Summary, summarize};
use crate::problem::Problem;
use crate::router::App;

/// The ranges, with what they are called.
const RANGES: [(&str, &str); 3] = [("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days")];

#[derive(Template)]
#[template(path = "activity.html")]
struct ActivityPage {
    page: Page,
    choices: Vec<Choice>,
    turns: u64,
    answered: u64,
    cost: String,
    tokens_in: String,
    tokens_out: String,
    worked: String,
    charts: Vec<Chart>,
    by_agent: Vec<AgentRow>,
}

/// What the turns of an agent took.
struct AgentRow {
    project: String,
    agent: String,
    turns: u64,
    tokens: String,
    worked: String,
    cost: String,
}

impl From<OfAgent> for AgentRow {
    fn from(of: OfAgent) -> Self {
        Self {
            project: of.project.unwrap_or_else(|| "none any more".to_owned()),
            agent: of.agent.unwrap_or_default(),
            turns: of.turns,
            tokens: count(of.usage.tokens()),
            worked: span(of.usage.duration_ms),
            cost: dollars(of.usage.cost_microdollars),
        }
    }
}

/// How far back.
#[derive(Deserialize)]
pub(crate) struct HowFar {
    range: Option<String>,
}

pub(crate) async fn activity(
    visitor: Visitor,
    State(app): State<App>,
    how_far: Result<Query<HowFar>, QueryRejection>,
) -> Result<Response, Trouble> {
    let summary = look(&app, how_far).await;
    let summary = summary.map_err(|problem| visitor.trouble(problem))?;
    let page = visitor.page("Activity", "/activity", Some("/live".to_owned()));
    Ok(shown(&lay_out(page, summary)))
}

async fn look(
    app: &App,
    how_far: Result<Query<HowFar>, QueryRejection>,
) -> Result<Summary, Problem> {
    let Query(HowFar { range }) = how_far?;
    summarize(app, range.as_deref().unwrap_or("24h")).await
}

fn lay_out(page: Page, summary: Summary) -> ActivityPage {
    let choices = RANGES.into_iter().map(|(range, name)| {
        let is_current = range == summary.range;
        Choice::new(name, format!("/activity?range={range}"), is_current)
    });
    let charts = [
        chart(&summary, "Turns, failed ones in red", plain, |it| {
            (it.turns, it.failed)
        }),
        chart(&summary, "Cost", dollars, |it| {
            (it.usage.cost_microdollars, 0)
        }),
        chart(&summary, "Tokens", count, |it| (it.usage.tokens(), 0)),
        chart(&summary, "Mean wait for an agent", span, |it| {
            (it.mean_wait_ms, 0)
        }),
    ];
    ActivityPage {
        page,
        choices: choices.collect(),
        turns: summary.turns,
        answered: summary.answered,
        cost: dollars(summary.total.cost_microdollars),
        tokens_in: count(summary.total.input_tokens),
        tokens_out: count(summary.total.output_tokens),
        worked: span(summary.total.duration_ms),
        charts: charts.into(),
        by_agent: summary.by_agent.into_iter().map(AgentRow::from).collect(),
    }
}

fn chart(
    summary: &Summary,
    title: &'static str,
    write: fn(u64) -> String,
    value: impl Fn(&Bucket) -> (u64, u64),
) -> Chart {
    // An hour of the day, or a day of the year, of a time as `2026-01-31T12:00:00Z`.
    let part = if summary.range == "24h" {
        11..16
    } else {
        5..10
    };
    let name = |bucket: &Bucket| bucket.begins.get(part.clone()).unwrap_or("").to_owned();
    let values = summary.over_time.iter().map(|bucket| {
        let (value, marked) = value(bucket);
        (name(bucket), value, marked)
    });
    Chart::new(title, write, values.collect())
}

fn plain(number: u64) -> String {
    number.to_string()
}
