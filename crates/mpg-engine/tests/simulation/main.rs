//! The gateway with a store in memory, scripted agents and a platform in memory, dying over and over
//! at moments that a seed decides. At the end every message has one outcome, shown once and in
//! order.

mod asks;
mod chains;
mod disk;
mod driver;
mod forks;
mod kept;
mod oracle;
mod people;
mod plan;
mod random;
mod replay;
mod script;
mod seen;
mod settings;
mod team;
mod turns;

use std::sync::Arc;

use mpg_core::id::InstallationId;
use mpg_core::port::Store;
use mpg_engine::MemoryStore;
use uuid::Uuid;

use disk::Disk;
use plan::{Plan, Size};

struct Memory(Arc<MemoryStore>);

impl Memory {
    fn new() -> Self {
        let installation = InstallationId::from_uuid(Uuid::from_u128(1));
        Self(Arc::new(MemoryStore::new(installation)))
    }
}

impl Disk for Memory {
    async fn open(&mut self) -> Arc<dyn Store> {
        let store: Arc<dyn Store> = self.0.clone();
        store
    }

    async fn close(&mut self, _store: Arc<dyn Store>) {}
}

#[test]
fn every_message_has_one_outcome_however_often_the_gateway_dies() {
    let size = Size {
        actions: 30,
        deaths: 6,
    };
    let seen = replay::seeds(10_000, "-p mpg-engine --test simulation", |seed| {
        driver::run(seed, size, Memory::new())
    });
    if let Some(seen) = seen {
        let counts = [
            seen.answered,
            seen.failed,
            seen.resumed,
            seen.adopted,
            seen.read_back,
            seen.repeated,
            seen.dropped,
            seen.commands,
            seen.native,
            seen.handoffs,
            seen.unmade,
            seen.fan_outs,
            seen.joins,
            seen.given_up,
            seen.stops,
            seen.absorbed,
            seen.partial,
            seen.shown,
            seen.boards,
            seen.pressed,
            seen.written,
            seen.allowed,
            seen.denied,
            seen.replied,
            seen.unanswered,
            seen.too_late,
            seen.asides,
            seen.forks,
            seen.held_back,
        ];
        assert!(counts.iter().all(|count| *count > 0), "{seen:?}");
    }
}

#[test]
fn there_is_no_moment_at_which_a_gateway_must_not_die() {
    let size = Size {
        actions: 8,
        deaths: 0,
    };
    let test = "-p mpg-engine --test simulation there_is_no_moment";
    let seen = replay::over(0..24, test, |seed| driver::run_all(seed, size, Memory::new));
    if let Some(seen) = seen {
        assert!(seen.answered > 0 && seen.repeated > 0, "{seen:?}");
    }
}

#[test]
fn a_seed_stands_for_one_run() {
    let size = Size {
        actions: 30,
        deaths: 6,
    };
    for seed in 0..20 {
        let transcripts = [(); 2].map(|()| {
            let plan = Plan::new(seed, size);
            driver::play(plan, Memory::new()).transcript
        });
        assert_eq!(transcripts[0], transcripts[1], "seed {seed}");
    }
}
