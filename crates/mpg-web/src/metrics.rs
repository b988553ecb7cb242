//! What is counted, for Prometheus.
//!
//! Everything is counted from what the gateway stored, since it started. The sets of labels are
//! bounded by the configuration: projects, their agents and platforms are known, and everything else
//! is one of a few words.

mod label;
mod pending;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use mpg_core::agent::Usage;
use mpg_core::config::RoutingTable;
use mpg_core::gateway::{ActiveConversation, Activity};
use mpg_core::id::{AgentName, ChannelKey, ConversationId, ProjectName};
use mpg_core::observe::Sight;
use mpg_core::record::Record;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use self::label::{
    Agent, DeliveryEnd, OfReason, Platform, PlatformDisposition, TokenFlow, TurnEnd, Version,
};
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

/// The names of the configuration.
#[derive(Debug)]
struct Names {
    /// Which project a channel belongs to.
    channels: BTreeMap<ChannelKey, ProjectName>,
    /// The agents that each project has by name.
    agents: BTreeMap<ProjectName, BTreeSet<AgentName>>,
}

impl Names {
    fn new(routing: &RoutingTable) -> Self {
        let channels = routing.channels();
        let channels = channels.map(|(channel, project)| (channel.clone(), project.clone()));
        let agents = routing.projects().map(|project| {
            (
                project.name.clone(),
                project.agents.keys().cloned().collect(),
            )
        });
        Self {
            channels: channels.collect(),
            agents: agents.collect(),
        }
    }
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

    #[expect(clippy::too_many_lines, reason = "one name for each metric")]
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("build", "The daemon's version", self.build.clone());
        registry.register(
            "messages",
            "Messages of people that were seen, by what was decided",
            self.messages.clone(),
        );
        registry.register("turns", "Turns that ended, by how", self.turns.clone());
        registry.register(
            "turn_setbacks",
            "Attempts at turns whose agent was cut off",
            self.setbacks.clone(),
        );
        registry.register(
            "turns_parked",
            "Turns that had to wait for something that no slot gives",
            self.parked.clone(),
        );
        registry.register(
            "deliveries",
            "Posts that are over with, by how",
            self.deliveries.clone(),
        );
        registry.register(
            "delivery_retries",
            "Attempts at posts that did not succeed and are repeated",
            self.retries.clone(),
        );
        registry.register(
            "delivery_rate_limits",
            "Attempts at posts that a platform asked to repeat later",
            self.limits.clone(),
        );
        registry.register("tokens", "Tokens that turns took", self.tokens.clone());
        registry.register(
            "cost_dollars",
            "US dollars that turns took, as agents told",
            self.cost.clone(),
        );
        registry.register(
            "sessions_begun",
            "Sessions of agents that were begun",
            self.sessions_begun.clone(),
        );
        registry.register(
            "sessions_ended",
            "Sessions of agents that were given up",
            self.sessions_ended.clone(),
        );
        registry.register("records", "Facts that were stored", self.records.clone());
        registry.register(
            "platform_connected",
            "Whether a platform is connected",
            self.connected.clone(),
        );
        registry.register(
            "turns_running",
            "Turns that run or are about to",
            self.running.clone(),
        );
        registry.register("turns_queued", "Turns that wait", self.queued.clone());
        registry.register(
            "turns_waiting_parked",
            "Turns that wait for something that no slot gives",
            self.parked_now.clone(),
        );
        registry.register(
            "posts_owed",
            "Posts that are owed and not known to be made",
            self.owed.clone(),
        );
        registry.register(
            "dead_letters",
            "Posts that were given up and can be posted again",
            self.dead.clone(),
        );
        registry.register(
            "conversations",
            "Conversations that are known",
            self.conversations.clone(),
        );
        registry.register(
            "sessions_warm",
            "Agents that are ready and have nothing to do",
            self.warm.clone(),
        );
        registry.register_with_unit(
            "turn_wait",
            "From a message to its turn's first attempt",
            Unit::Seconds,
            self.waits.clone(),
        );
        registry.register_with_unit(
            "turn_duration",
            "From a turn's first attempt to its end",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register_with_unit(
            "delivery_duration",
            "From planning a post to its being made",
            Unit::Seconds,
            self.delivery_times.clone(),
        );
        registry.register_with_unit(
            "commit_duration",
            "Storing facts, together with those that waited",
            Unit::Seconds,
            self.commits.clone(),
        );
        registry.register_with_unit(
            "resident_memory",
            "Memory that the gateway's process has resident, without its agents",
            Unit::Bytes,
            self.memory.clone(),
        );
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

    #[expect(clippy::too_many_lines, reason = "one arm for each record")]
    fn record(&self, at: Timestamp, record: &Record, pending: &mut Pending) {
        match record {
            Record::MessageSeen {
                message,
                disposition,
                ..
            } => {
                let labels = PlatformDisposition::new(&message.place.channel, *disposition);
                self.messages.get_or_create(&labels).inc();
            }
            Record::TurnQueued { turn, .. } => pending.queued(turn.id, turn.at),
            Record::TurnStarted {
                conversation,
                turn,
                at,
                ..
            } => {
                if let Some(waited) = pending.started(*turn, *at) {
                    let labels = self.agent(conversation);
                    self.waits.get_or_create(&labels).observe(seconds(waited));
                }
            }
            Record::TurnEnded {
                conversation,
                turn,
                outcome,
                usage,
                at,
            } => {
                let labels = self.agent(conversation);
                if let Some(worked) = pending.ended(*turn, *at) {
                    self.durations
                        .get_or_create(&labels)
                        .observe(seconds(worked));
                }
                self.spend(&labels, usage);
                self.turns
                    .get_or_create(&TurnEnd::new(labels, outcome))
                    .inc();
            }
            Record::QueuedDropped { turn, .. } | Record::TurnAbsorbed { turn, .. } => {
                pending.dropped(*turn);
            }
            Record::TurnSetBack { conversation, .. } => {
                self.setbacks.get_or_create(&self.agent(conversation)).inc();
            }
            Record::TurnParked { reason, .. } => {
                self.parked
                    .get_or_create(&OfReason::new(reason.name()))
                    .inc();
            }
            Record::SessionBound { conversation, .. } => {
                let labels = self.agent(conversation);
                self.sessions_begun.get_or_create(&labels).inc();
            }
            Record::SessionUnbound { reason, .. } => {
                let labels = OfReason::new(reason.name());
                self.sessions_ended.get_or_create(&labels).inc();
            }
            Record::DeliveryPlanned { post, at, .. } => pending.planned(post, *at),
            Record::DeliveryConfirmed { root, delivery, .. } => {
                let (kind, since) = pending.delivered(*delivery);
                if let Some(took) = since.map(|since| at.duration_since(since)) {
                    let platform = Platform::of(&root.channel);
                    let took = Duration::try_from(took).unwrap_or_default();
                    self.delivery_times
                        .get_or_create(&platform)
                        .observe(seconds(took));
                }
                self.delivery(&root.channel, kind, "confirmed");
            }
            Record::DeliveryDead { root, delivery, .. } => {
                let (kind, _) = pending.delivered(*delivery);
                self.delivery(&root.channel, kind, "dead");
            }
            Record::DeliveryDropped { root, delivery } => {
                let (kind, _) = pending.delivered(*delivery);
                self.delivery(&root.channel, kind, "dropped");
            }
            Record::PositionMoved { .. }
            | Record::RequestOpened { .. }
            | Record::RequestRenewed { .. }
            | Record::QuestionAnswered { .. }
            | Record::RequestAnswered { .. }
            | Record::AnswerTold { .. }
            | Record::RequestDropped { .. }
            | Record::SessionAllowed { .. }
            | Record::RuleAdded { .. }
            | Record::RuleRemoved { .. }
            | Record::ChannelKnown { .. }
            | Record::GapOpened { .. }
            | Record::GapClosed { .. }
            | Record::PlaceRead { .. }
            | Record::ThreadBound { .. }
            | Record::QueuedEdited { .. }
            | Record::TurnSteered { .. }
            | Record::ChoicesMade { .. }
            | Record::WaitTold { .. }
            | Record::Spent { .. }
            | Record::BudgetLifted { .. }
            | Record::FanOutOpened { .. }
            | Record::FanOutJoined { .. }
            | Record::FanOutClosed { .. }
            | Record::FloorRaised { .. }
            | Record::ConversationForked { .. }
            | Record::ThreadRenamed { .. }
            | Record::VerbositySet { .. }
            | Record::KeptLost { .. }
            | Record::Audited { .. }
            | Record::ThreadForgotten { .. } => {}
        }
    }

    fn spend(&self, agent: &Agent, usage: &Usage) {
        for (direction, tokens) in [
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cache-read", usage.cache_read_tokens),
            ("cache-creation", usage.cache_creation_tokens),
        ] {
            let labels = TokenFlow::new(agent, direction);
            self.tokens.get_or_create(&labels).inc_by(tokens);
        }
        let dollars = dollars(usage.cost_microdollars);
        self.cost.get_or_create(agent).inc_by(dollars);
    }

    fn delivery(&self, channel: &ChannelKey, kind: &'static str, end: &'static str) {
        let labels = DeliveryEnd::new(channel, kind, end);
        self.deliveries.get_or_create(&labels).inc();
    }

    /// The labels of a conversation; what is not configured any more is `other`.
    fn agent(&self, conversation: &ConversationId) -> Agent {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let project = names.channels.get(&conversation.root.channel);
        let agents = project.and_then(|project| names.agents.get(project));
        let agent = match &conversation.agent {
            None => "",
            Some(agent) if agents.is_some_and(|known| known.contains(agent)) => agent.as_str(),
            Some(_) => "other",
        };
        Agent::new(project.map_or("other", ProjectName::as_str), agent)
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

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "beyond 9 billion dollars a cent may be missing"
)]
fn dollars(microdollars: u64) -> f64 {
    microdollars as f64 / 1_000_000.0
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
