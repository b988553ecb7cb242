//! The daemon as a process: how soon it is there, and how much memory it holds.

use std::fs;
use std::path::Path;
use std::time::Duration;

use mpg_core::port::Store as _;
use mpg_store::SqliteStore;
use tokio::time::sleep;

use crate::home::Home;
use crate::past::Past;
use crate::running::key;
use crate::sample::Sample;
use crate::table::{Budget, Table, Unit};

const RUNS: usize = 10;
const CONVERSATIONS: usize = 10_000;

/// How many records are committed at once while the state is filled.
const CHUNK: usize = 2_000;

/// By then all that a start does is done.
const SETTLED: Duration = Duration::from_millis(500);

pub(crate) async fn measure(table: &mut Table) {
    // No agent runs here, so there need not be one.
    let home = Home::new(Path::new("true")).await;
    let (time, _) = starts(&home, None).await;
    let what = "first start of the process → IDENTIFY, the state is made";
    table.row(what, Unit::Seconds, &time, Budget::None);

    let state = home.path("empty");
    fill(&home, &state, 0).await;
    let (time, memory) = starts(&home, Some(&state)).await;
    let what = "start of the process → IDENTIFY, nothing stored";
    table.row(what, Unit::Seconds, &time, Budget::Median(0.030));
    let what = "resident memory, idle";
    table.row(what, Unit::Megabytes, &memory, Budget::Median(20.0));

    let state = home.path("filled");
    fill(&home, &state, CONVERSATIONS).await;
    let (time, memory) = starts(&home, Some(&state)).await;
    let what = "start of the process → IDENTIFY, 10,000 conversations stored";
    table.row(what, Unit::Seconds, &time, Budget::Median(0.080));
    let what = "resident memory, 10,000 known conversations";
    table.row(what, Unit::Megabytes, &memory, Budget::Median(40.0));
}

/// Starts on the same state again and again; on none, where none is given.
async fn starts(home: &Home, state: Option<&Path>) -> (Sample, Sample) {
    let (mut time, mut memory) = (Sample::default(), Sample::default());
    for _ in 0..RUNS {
        let own = home.path("state");
        if own.exists() {
            fs::remove_dir_all(&own).unwrap();
        }
        if let Some(state) = state {
            fs::create_dir(&own).unwrap();
            for name in ["state.db", "state.db-seal"] {
                fs::copy(state.join(name), own.join(name)).unwrap();
            }
        }
        let daemon = home.start().await;
        time.add_time(daemon.started_in);
        sleep(SETTLED).await;
        memory.add(daemon.resident());
        daemon.stop().await;
    }
    (time, memory)
}

/// Stores conversations that took place in the home's channel.
async fn fill(home: &Home, state: &Path, conversations: usize) {
    let store = SqliteStore::open(state).await.unwrap();
    let mut past = Past::new(key(home.channel));
    past.grow(conversations);
    for records in past.take_records().chunks(CHUNK) {
        store.commit(records).await.unwrap();
    }
    let stored = store.load().await.unwrap();
    assert_eq!(stored.threads.len(), conversations);
    store.close().await.unwrap();
}
