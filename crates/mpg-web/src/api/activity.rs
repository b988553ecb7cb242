//! What turns took over time.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use jiff::Timestamp;
use mpg_core::agent::Usage;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::turn::Taken;
use crate::auth::Reader;
use crate::problem::{Problem, Refusals};
use crate::router::App;

const HOUR: u32 = 3_600;

/// What turns took over time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Summary {
    /// `24h`, `7d` or `30d`.
    pub(crate) range: &'static str,
    /// How many turns ended.
    pub(crate) turns: u64,
    /// How many of them were answered.
    pub(crate) answered: u64,
    /// What they took.
    pub(crate) total: Taken,
    /// By project and agent.
    pub(crate) by_agent: Vec<OfAgent>,
    /// By hour for a day, by day for more, oldest first; stretches without turns are there too.
    pub(crate) over_time: Vec<Bucket>,
}

/// What the turns of an agent took.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OfAgent {
    /// The project; null for channels that belong to none any more.
    pub(crate) project: Option<String>,
    /// The agent's name; null for the default one.
    pub(crate) agent: Option<String>,
    /// How many turns ended.
    pub(crate) turns: u64,
    /// What they took.
    pub(crate) usage: Taken,
}

/// What the turns of a stretch of time took.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Bucket {
    /// When it begins.
    pub(crate) begins: String,
    /// How many turns ended.
    pub(crate) turns: u64,
    /// How many of them failed.
    pub(crate) failed: u64,
    /// What they took.
    pub(crate) usage: Taken,
    /// How long they waited for their first attempt, on average, in milliseconds.
    pub(crate) mean_wait_ms: u64,
}

/// How far back.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HowFar {
    /// `24h`, `7d` (the default) or `30d`.
    range: Option<String>,
}

/// What turns took over time, as far as their threads are remembered.
#[utoipa::path(
    get,
    path = "/api/activity/summary",
    operation_id = "activity",
    tag = "look",
    params(HowFar),
    responses((status = 200, description = "Sums.", body = Summary), Refusals)
)]
pub(crate) async fn summary(
    _: Reader,
    State(app): State<App>,
    how_far: Result<Query<HowFar>, QueryRejection>,
) -> Result<Json<Summary>, Problem> {
    let Query(HowFar { range }) = how_far?;
    summarize(&app, range.as_deref().unwrap_or("7d"))
        .await
        .map(Json)
}

/// The sums of a range.
pub(crate) async fn summarize(app: &App, range: &str) -> Result<Summary, Problem> {
    let (range, seconds, count): (&'static str, u32, u32) = match range {
        "24h" => ("24h", HOUR, 24),
        "7d" => ("7d", 24 * HOUR, 7),
        "30d" => ("30d", 24 * HOUR, 30),
        other => {
            return Err(Problem::bad(format!(
                "{other:?} is no range; use 24h, 7d or 30d"
            )));
        }
    };
    let length = i64::from(seconds);
    let newest = Timestamp::now().as_second() / length * length;
    let first = newest - length * i64::from(count - 1);
    let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    let stretches = app.views.activity(at(first), seconds).await?;
    let mut buckets: BTreeMap<i64, (u64, u64, u64, Usage)> = (0..i64::from(count))
        .map(|number| (first + number * length, Default::default()))
        .collect();
    let mut agents: BTreeMap<(Option<String>, Option<String>), (u64, Usage)> = BTreeMap::new();
    let (mut turns, mut answered, mut total) = (0, 0, Usage::default());
    let config = app.config();
    for stretch in stretches {
        turns += stretch.turns;
        if stretch.outcome == "answered" {
            answered += stretch.turns;
        }
        total.add(&stretch.usage);
        let project = config.routing.project_of(&stretch.channel);
        let key = (
            project.map(|project| project.name.to_string()),
            stretch.agent.map(|agent| agent.to_string()),
        );
        let of_agent = agents.entry(key).or_default();
        of_agent.0 += stretch.turns;
        of_agent.1.add(&stretch.usage);
        if let Some(bucket) = buckets.get_mut(&stretch.begins.as_second()) {
            bucket.0 += stretch.turns;
            if stretch.outcome == "failed" {
                bucket.1 += stretch.turns;
            }
            bucket.2 = bucket.2.saturating_add(stretch.waited_ms);
            bucket.3.add(&stretch.usage);
        }
    }
    let by_agent = agents
        .into_iter()
        .map(|((project, agent), (turns, usage))| OfAgent {
            project,
            agent,
            turns,
            usage: Taken::from(&usage),
        });
    let over_time = buckets
        .into_iter()
        .map(|(begins, (turns, failed, waited, usage))| Bucket {
            begins: at(begins).to_string(),
            turns,
            failed,
            usage: Taken::from(&usage),
            mean_wait_ms: waited.checked_div(turns).unwrap_or(0),
        });
    Ok(Summary {
        range,
        turns,
        answered,
        total: Taken::from(&total),
        by_agent: by_agent.collect(),
        over_time: over_time.collect(),
    })
}
