//! How many instructions the paths take that every message goes: the same for one binary, however
//! busy the machine is, so that a change can be compared with what was before it.

use std::env;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use mpg_claude::spoken;
use mpg_core::id::Place;
use mpg_core::port::Store as _;
use mpg_core::route::{ThreadView, route};
use mpg_core::split::split;
use mpg_store::SqliteStore;
use tokio::runtime::Builder;

use crate::machine::{DISCORD_LIMIT, channel, long_text};
use crate::past::{self, Past};
use crate::sample::Sample;
use crate::table::{Budget, Table, Unit};

/// What this program is called with to go one path so many times.
const CALLED: &str = "--go";

const RUNS: usize = 3;
const CHUNK: usize = 64 * 1024;

/// A path, and how often it is gone once and once more: what both take alike is not its own.
struct Way {
    what: &'static str,
    times: (u32, u32),
    go: fn(u32),
}

const WAYS: [Way; 5] = [
    Way {
        what: "routing a message",
        times: (100, 300),
        go: routing,
    },
    Way {
        what: "splitting 30,000 characters with fences and a table",
        times: (2, 6),
        go: splitting,
    },
    Way {
        what: "reading 5 MB that a CLI says",
        times: (1, 3),
        go: reading,
    },
    Way {
        what: "a turn in the gateway, 1,000 known conversations",
        times: (50, 150),
        go: deciding,
    },
    Way {
        what: "the same turn, with its commit",
        times: (50, 150),
        go: committing,
    },
];

pub(crate) fn is_called(arguments: &[String]) -> bool {
    arguments.first().is_some_and(|first| first == CALLED)
}

/// Goes the path that the arguments name.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let [_, way, times] = arguments else {
        return ExitCode::FAILURE;
    };
    let way: usize = way.parse().unwrap();
    (WAYS[way].go)(times.parse().unwrap());
    ExitCode::SUCCESS
}

pub(crate) fn measure(table: &mut Table) {
    for (number, way) in WAYS.iter().enumerate() {
        let (few, more) = way.times;
        let mut sample = Sample::default();
        for _ in 0..RUNS {
            let added = counted(number, more) - counted(number, few);
            sample.add(added / f64::from(more - few));
        }
        table.row(way.what, Unit::Instructions, &sample, Budget::None);
    }
}

/// How many instructions this program takes to go a path, from its first to its last.
fn counted(way: usize, times: u32) -> f64 {
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().unwrap())
        .args([CALLED, &way.to_string(), &times.to_string()])
        .stdin(Stdio::null())
        .output()
        .expect("valgrind counts them: install it");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
    let counted = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    counted.unwrap().1.trim().parse().unwrap()
}

fn routing(times: u32) {
    let config = past::config(channel(), "/srv/one", 4, 8);
    let message = past::message(Place::channel(channel()), 1);
    let view = ThreadView::default();
    for _ in 0..times {
        drop(black_box(route(
            &config.routing,
            &view,
            black_box(&message),
        )));
    }
}

fn splitting(times: u32) {
    let text = long_text();
    for _ in 0..times {
        drop(black_box(split(black_box(&text), DISCORD_LIMIT)));
    }
}

fn reading(times: u32) {
    let said = session();
    for _ in 0..times {
        let chunks = said.as_bytes().chunks(CHUNK);
        let read = spoken::by_cli(chunks, "/srv/one", jiff::Timestamp::UNIX_EPOCH);
        assert!(black_box(read).len() > 1_000);
    }
}

/// What a CLI says that shows its text as it grows and reads files, in lines of a few kilobytes.
fn session() -> String {
    let file = "let value = compute(input)?; // as before\\n".repeat(100);
    let mut said = String::new();
    while said.len() < 5_000_000 {
        for part in ["I read", " the file", " and then", " the next one.\\n"] {
            writeln!(
                said,
                "{{\"type\":\"stream_event\",\"session_id\":\"7\",\"parent_tool_use_id\":null,\"event\":{{\
                 \"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\
                 \"text\":\"{part}\"}}}}}}"
            )
            .unwrap();
        }
        writeln!(
            said,
            "{{\"type\":\"assistant\",\"session_id\":\"7\",\"parent_tool_use_id\":null,\"message\":{{\
             \"id\":\"m\",\"role\":\"assistant\",\"content\":[{{\"type\":\"tool_use\",\"id\":\"t\",\
             \"name\":\"Read\",\"input\":{{\"file_path\":\"/srv/one/src/lib.rs\"}}}}]}}}}"
        )
        .unwrap();
        writeln!(
            said,
            "{{\"type\":\"user\",\"session_id\":\"7\",\"parent_tool_use_id\":null,\"message\":{{\
             \"role\":\"user\",\"content\":[{{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\
             \"content\":\"{file}\"}}]}}}}"
        )
        .unwrap();
    }
    said
}

fn deciding(times: u32) {
    let mut past = known();
    for turn in 0..times {
        past.follow_up(turn as usize);
    }
}

fn committing(times: u32) {
    let mut past = known();
    drop(past.take_records());
    let directory = tempfile::tempdir().unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(committed(&mut past, directory.path(), times));
}

async fn committed(past: &mut Past, directory: &Path, times: u32) {
    let store = SqliteStore::open(directory).await.unwrap();
    for turn in 0..times {
        past.follow_up(turn as usize);
        store.commit(&past.take_records()).await.unwrap();
    }
    store.close().await.unwrap();
}

fn known() -> Past {
    let mut past = Past::new(channel());
    past.grow(1_000);
    past
}
