//! `docs/http.md` and what is registered say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use mpg_core::agent::FailureKind;
use mpg_core::config::RoutingTable;
use mpg_core::id::{ChannelId, ChannelKey, PlatformId};
use mpg_core::record::{Disposition, ParkReason, TurnOutcome, UnboundReason};

use super::label::{
    Agent, DeliveryEnd, OfReason, Platform, PlatformDisposition, TokenFlow, TurnEnd, Version,
};
use super::*;

const PAGE: &str = include_str!("../../../../docs/http.md");

/// Everything that can be counted, each of it once.
fn counted() -> String {
    let metrics = Metrics::new(&RoutingTable::new([]).unwrap());
    let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("general"));
    let agent = Agent::new("demo", "");
    let platform = Platform::of(&channel);
    let reason = OfReason::new("because");
    // Whole, so that one that is new is not left out here.
    let Metrics {
        registry,
        names: _,
        pending: _,
        messages,
        turns,
        setbacks,
        parked,
        waits,
        durations,
        tokens,
        cost,
        deliveries,
        delivery_times,
        retries,
        limits,
        sessions_begun,
        sessions_ended,
        records: _,
        commits: _,
        connected,
        running: _,
        queued: _,
        owed: _,
        dead: _,
        conversations: _,
        warm: _,
        parked_now: _,
        memory: _,
        build,
    } = &metrics;
    let seen = PlatformDisposition::new(&channel, Disposition::Accepted);
    messages.get_or_create(&seen).inc();
    let end = TurnEnd::new(agent.clone(), &TurnOutcome::Answered);
    turns.get_or_create(&end).inc();
    setbacks.get_or_create(&agent).inc();
    sessions_begun.get_or_create(&agent).inc();
    cost.get_or_create(&agent).inc();
    for waiting in [waits, durations] {
        waiting.get_or_create(&agent).observe(1.0);
    }
    tokens.get_or_create(&TokenFlow::new(&agent, "input")).inc();
    for of_reason in [parked, sessions_ended] {
        of_reason.get_or_create(&reason).inc();
    }
    let confirmed = DeliveryEnd::new(&channel, "answer", "confirmed");
    deliveries.get_or_create(&confirmed).inc();
    delivery_times.get_or_create(&platform).observe(1.0);
    for of_platform in [retries, limits] {
        of_platform.get_or_create(&platform).inc();
    }
    connected.get_or_create(&platform).set(1);
    build.get_or_create(&Version::new("1.2.3")).set(1);
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    text
}

#[test]
fn the_page_lists_the_metrics_that_there_are() {
    let text = counted();
    let lines = |start: &'static str| {
        text.lines()
            .filter_map(move |line| line.strip_prefix(start))
    };
    let types: BTreeMap<_, _> = lines("# TYPE ")
        .filter_map(|line| line.split_once(' '))
        .collect();
    let mut table = String::from("| metric | type | labels | what |\n|---|---|---|---|\n");
    for (name, help) in lines("# HELP ").filter_map(|line| line.split_once(' ')) {
        let kind = types[name];
        let end = if kind == "counter" { "_total" } else { "" };
        let labels: Vec<_> = labels(&text, name)
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let (labels, help) = (labels.join(", "), help.trim_end_matches('.'));
        writeln!(table, "| `{name}{end}` | {kind} | {labels} | {help} |").unwrap();
    }
    assert!(
        PAGE.contains(&table),
        "docs/http.md has another table than this:\n{table}"
    );
}

#[test]
fn the_page_lists_the_words_that_labels_take() {
    let listed = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let table = format!(
        "| label | is one of |\n|---|---|\n\
         | `disposition` of a message | {} |\n\
         | `reason` of a turn that failed | {} |\n\
         | `reason` of a turn that waits | {} |\n\
         | `reason` of a session that ended | {} |\n",
        listed(&Disposition::ALL.map(Disposition::name)),
        listed(&FailureKind::ALL.map(FailureKind::name)),
        listed(&ParkReason::ALL.map(ParkReason::name)),
        listed(&UnboundReason::ALL.map(UnboundReason::name)),
    );
    assert!(
        PAGE.contains(&table),
        "docs/http.md has another table than this:\n{table}"
    );
}

/// By what a metric is counted.
fn labels<'t>(text: &'t str, name: &str) -> BTreeSet<&'t str> {
    let samples = text.lines().filter(|line| line.starts_with(name));
    let sets = samples.filter_map(|line| {
        let (_, rest) = line.split_once('{')?;
        let sample = line.split(['{', ' ']).next()?;
        let end = sample.strip_prefix(name)?;
        let is_own = ["", "_total", "_count", "_sum", "_bucket"].contains(&end);
        is_own.then(|| rest.split('}').next()).flatten()
    });
    let pairs = sets.flat_map(|set| set.split(','));
    let names = pairs.filter_map(|pair| Some(pair.split_once('=')?.0));
    // The bounds of a histogram are no label of ours.
    names.filter(|label| *label != "le").collect()
}
