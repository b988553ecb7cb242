//! What decides, alone: no clock, no disk, no network.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use mpg_core::capability::{TextLimit, TextUnit};
use mpg_core::id::{ChannelId, ChannelKey, Place, PlatformId};
use mpg_core::route::{ThreadView, route};
use mpg_core::split::split;

use crate::past::{self, Past};
use crate::sample::Sample;
use crate::table::{Budget, Table, Unit};

/// How many conversations are known when messages are taken in.
const KNOWN: [usize; 3] = [100, 10_000, 100_000];
/// The most that a thousand times as many may cost: far below what looking at each of them would.
const MOST_GROWTH: f64 = 10.0;

const RUNS: usize = 5;
const WARM_UP: usize = 50;
const MESSAGES: usize = 400;
const CALLS: u32 = 1_000;

/// How long a post on Discord may be.
pub(crate) const DISCORD_LIMIT: TextLimit = TextLimit {
    max: 2_000,
    unit: TextUnit::CodePoints,
};

pub(crate) fn measure(table: &mut Table) {
    known_conversations(table);
    routing(table);
    splitting(table);
}

fn known_conversations(table: &mut Table) {
    let mut past = Past::new(channel());
    let mut first = None;
    for known in KNOWN {
        while past.conversations() < known {
            let next = known.min(past.conversations() + 1_000);
            past.grow(next);
            drop(past.take_records());
        }
        let mut sample = Sample::default();
        for _ in 0..RUNS {
            past.restart();
            // What the allocator does with the room of the gateway before is not this one's.
            for conversation in 0..WARM_UP {
                past.follow_up(conversation);
            }
            for message in 0..MESSAGES {
                let conversation = message * known / MESSAGES;
                sample.add_time(past.follow_up(conversation));
            }
        }
        drop(past.take_records());
        let what = format!("a message into the gateway, {known} known conversations");
        table.row(&what, Unit::Seconds, &sample, Budget::None);
        let Some(first) = &first else {
            first = Some(sample);
            continue;
        };
        let growth = sample.beside(first, |more, few| more / few);
        let what = format!("... as a multiple of that with {}", KNOWN[0]);
        table.row(&what, Unit::Times, &growth, Budget::Median(MOST_GROWTH));
    }
}

fn routing(table: &mut Table) {
    let config = past::config(channel(), "/srv/one", 4, 8);
    let message = past::message(Place::channel(channel()), 1);
    let view = ThreadView::default();
    let sample = repeat(|| {
        drop(black_box(route(
            &config.routing,
            &view,
            black_box(&message),
        )));
    });
    table.row("routing a message", Unit::Seconds, &sample, Budget::None);
}

fn splitting(table: &mut Table) {
    let text = long_text();
    let mut sample = Sample::default();
    for _ in 0..RUNS * 20 {
        let begin = Instant::now();
        drop(black_box(split(black_box(&text), DISCORD_LIMIT)));
        sample.add_time(begin.elapsed());
    }
    let what = "splitting 30,000 characters with fences and a table";
    table.row(what, Unit::Seconds, &sample, Budget::None);
}

/// The time of one call of something short.
fn repeat(mut call: impl FnMut()) -> Sample {
    let mut sample = Sample::default();
    for _ in 0..RUNS * 20 {
        let begin = Instant::now();
        for _ in 0..CALLS {
            call();
        }
        sample.add_time(Duration::from_secs_f64(
            begin.elapsed().as_secs_f64() / f64::from(CALLS),
        ));
    }
    sample
}

/// A text with a table and code.
pub(crate) fn long_text() -> String {
    let mut text = String::from("# report\n\n| file | lines |\n|---|---|\n");
    for row in 0..400 {
        writeln!(text, "| src/file_{row}.rs | {row} |").unwrap();
    }
    text.push_str("\n```rust\n");
    while text.len() < 29_900 {
        text.push_str("let value = compute(input)?; // as before\n");
    }
    text.push_str("```\n\nthat was all\n");
    text
}

/// The channel in which all of it is said.
pub(crate) fn channel() -> ChannelKey {
    ChannelKey::new(
        PlatformId::new("chat"),
        ChannelId::new("1400000000000000000"),
    )
}
