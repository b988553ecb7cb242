//! What is counted, for Prometheus.
//!
//! Everything is counted from what the gateway stored, since it started. The sets of labels are
//! bounded by the configuration: projects, their agents and platforms are known, and everything else
//! is one of a few words.

mod label;
mod names;
mod pending;
mod record;
mod registration;
#[cfg(test)]
mod tests;

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError, RwLock};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use mpg_core::config::RoutingTable;
use mpg_core::gateway::{ActiveConversation, Activity};
use mpg_core::observe::Sight;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use self::label::{
    Agent, DeliveryEnd, OfReason, Platform, PlatformDisposition, TokenFlow, TurnEnd, Version,
};
use self::names::Names;
use self::pending::Pending;
use crate::auth::Reader;
use crate::desk::Status;
use crate::problem::{Problem, Refusals};
use crate::router::App;

/// A counter of money, which comes in fractions.
type Money = Counter<f64, AtomicU64>;

/// Histograms of durations by their labels.
type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

/// What is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    names: RwLock<Names>,
    pending: Mutex<Pending>,
    messages: Family<PlatformDisposition, Counter>,
    turns: Family<TurnEnd, Counter>,
    setbacks: Family<Agent, Counter>,
    parked: Family<OfReason, Counter>,
    waits: Durations<Agent>,
    durations: Durations<Agent>,
    tokens: Family<TokenFlow, Counter>,
    cost: Family<Agent, Money>,
    deliveries: Family<DeliveryEnd, Counter>,
    delivery_times: Durations<Platform>,
    retries: Family<Platform, Counter>,
    limits: Family<Platform, Counter>,
    sessions_begun: Family<Agent, Counter>,
    sessions_ended: Family<OfReason, Counter>,
    records: Counter,
    commits: Histogram,
    connected: Family<Platform, Gauge>,
    running: Gauge,
    queued: Gauge,
    owed: Gauge,
    dead: Gauge,
    conversations: Gauge,
    warm: Gauge,
    parked_now: Gauge,
    memory: Gauge,
    build: Family<Version, Gauge>,
}

/// From a millisecond to half an hour.
fn waiting_times() -> Histogram {
    Histogram::new([
        0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 1_800.0,
    ])
}

/// From a tenth of a second to an hour and a half.
fn working_times() -> Histogram {
    Histogram::new([
        0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1_800.0, 5_400.0,
    ])
}

impl Metrics {
    pub(crate) fn new(routing: &RoutingTable) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("mpg"),
            names: RwLock::new(Names::new(routing)),
            pending: Mutex::default(),
            messages: Family::default(),
            turns: Family::default(),
            setbacks: Family::default(),
            parked: Family::default(),
            waits: Family::new_with_constructor(waiting_times),
            durations: Family::new_with_constructor(working_times),
            tokens: Family::default(),
            cost: Family::default(),
            deliveries: Family::default(),
            delivery_times: Family::new_with_constructor(waiting_times),
            retries: Family::default(),
            limits: Family::default(),
            sessions_begun: Family::default(),
            sessions_ended: Family::default(),
            records: Counter::default(),
            commits: Histogram::new([0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0]),
            connected: Family::default(),
            running: Gauge::default(),
            queued: Gauge::default(),
            owed: Gauge::default(),
            dead: Gauge::default(),
            conversations: Gauge::default(),
            warm: Gauge::default(),
            parked_now: Gauge::default(),
            memory: Gauge::default(),
            build: Family::default(),
        };
        metrics.register();
        metrics
    }

    /// Counts by the names of another configuration from now on.
    pub(crate) fn reconfigure(&self, routing: &RoutingTable) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        *names = Names::new(routing);
    }

    /// Counts what was seen.
    pub(crate) fn count(&self, at: Timestamp, sight: &Sight<'_>) {
        match sight {
            Sight::Committed { records, took } => {
                self.commits.observe(took.as_secs_f64());
                self.records.inc_by(records.len() as u64);
                let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
                for record in *records {
                    self.record(at, record, &mut pending);
                }
            }
            Sight::Linked { .. } => {}
            Sight::Retrying { place, limited, .. } => {
                let platform = Platform::of(&place.channel);
                self.retries.get_or_create(&platform).inc();
                if *limited {
                    self.limits.get_or_create(&platform).inc();
                }
            }
        }
    }

    /// Everything, in the text format of `OpenMetrics`.
    fn text(&self, status: &Status, memory: Option<u64>) -> Result<String, std::fmt::Error> {
        let overview = &status.overview;
        let of = |wanted: fn(Activity) -> bool| {
            let active = overview.active.iter();
            active
                .filter(|one: &&ActiveConversation| wanted(one.activity))
                .count()
        };
        self.running.set(i64::from(overview.turns));
        self.queued.set(integer(overview.queued));
        self.owed.set(integer(overview.posts));
        self.dead.set(integer(status.dead_letters.len()));
        self.conversations.set(integer(overview.conversations));
        self.warm
            .set(integer(of(|it| matches!(it, Activity::Ready(_)))));
        self.parked_now
            .set(integer(of(|it| matches!(it, Activity::Parked(_)))));
        self.memory
            .set(i64::try_from(memory.unwrap_or(0)).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn integer(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What is counted, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "operation",
    responses(
        (status = 200, description = "Counters, gauges and histograms in the text format of OpenMetrics 1.0.", body = String, content_type = "application/openmetrics-text"),
        Refusals,
    )
)]
pub(crate) async fn metrics(_: Reader, State(app): State<App>) -> Result<Response, Problem> {
    let status = app.desk.status().await?;
    let metrics = &app.watch.metrics;
    for (platform, state) in app.watch.links.states() {
        let connected = metrics.connected.get_or_create(&Platform::new(&platform));
        connected.set(i64::from(state.down_since.is_none()));
    }
    let build = metrics.build.get_or_create(&Version::new(app.version));
    build.set(1);
    drop(build);
    let text = metrics.text(&status, app.desk.resident_memory());
    let text = text.map_err(|_| Problem::internal("what was counted cannot be written"))?;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, media_type)], text).into_response())
}
