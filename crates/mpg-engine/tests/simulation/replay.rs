//! Many seeds, or the one that failed.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a person reads what a run shows"
)]

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Instant;

use crate::seen::Seen;

/// The variable that names the one seed to run.
const SEED: &str = "MPG_SEED";

/// The variable that says how many seeds to run instead of the usual number.
const SEEDS: &str = "MPG_SEEDS";

/// How many seeds run at the same time: a disk is waited for more than it is used.
const THREADS: usize = 4;

/// Runs the seeds below `count` or `MPG_SEEDS`, or the one that `MPG_SEED` names, and adds up what
/// was seen; `None` for one alone, of which nothing can be expected.
///
/// # Panics
///
/// Panics at a seed that fails, after saying how to run it again.
pub(crate) fn seeds(count: u64, test: &str, run: impl Fn(u64) -> Seen + Sync) -> Option<Seen> {
    let asked = std::env::var(SEEDS).ok();
    let asked = asked.map(|count| count.parse().expect("MPG_SEEDS is a number"));
    over(0..asked.unwrap_or(count), test, run)
}

/// Runs these seeds, or the one that `MPG_SEED` names.
///
/// # Panics
///
/// Panics at a seed that fails, after saying how to run it again.
pub(crate) fn over(
    seeds: Range<u64>,
    test: &str,
    run: impl Fn(u64) -> Seen + Sync,
) -> Option<Seen> {
    if let Ok(seed) = std::env::var(SEED) {
        let seed = seed.parse().expect("MPG_SEED is a number");
        println!("seed {seed}: {:?}", run(seed));
        return None;
    }
    let every = |first: u64| {
        let mut all = Seen::default();
        for seed in (first..seeds.end).step_by(THREADS) {
            match catch_unwind(AssertUnwindSafe(|| run(seed))) {
                Ok(seen) => all.add(seen),
                Err(panic) => {
                    eprintln!("to run this again: {SEED}={seed} cargo test {test}");
                    resume_unwind(panic);
                }
            }
        }
        all
    };
    let begin = Instant::now();
    let mut all = Seen::default();
    thread::scope(|scope| {
        let every = &every;
        let firsts = seeds.clone().take(THREADS);
        let threads: Vec<_> = firsts
            .map(|first| scope.spawn(move || every(first)))
            .collect();
        for thread in threads {
            all.add(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
    });
    let seconds = begin.elapsed().as_secs_f64();
    let runs = f64::from(u32::try_from(all.runs).unwrap_or(u32::MAX));
    let count = seeds.end - seeds.start;
    println!(
        "{count} seeds, {runs} runs in {seconds:.1} s, {:.0} a second: {all:?}",
        runs / seconds
    );
    Some(all)
}
