//! Many seeds, or the one that failed.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a person reads what a run shows"
)]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::oracle::Seen;

/// The variable that names the one seed to run.
const SEED: &str = "MPG_SEED";

/// The variable that says how many seeds to run instead of the usual number.
const SEEDS: &str = "MPG_SEEDS";

/// Runs the seeds below `count` or `MPG_SEEDS`, or the one that `MPG_SEED` names, and adds up what
/// was seen; `None` for one alone, of which nothing can be expected.
///
/// # Panics
///
/// Panics at the first seed that fails, after saying how to run it again.
pub(crate) fn seeds(count: u64, test: &str, run: impl Fn(u64) -> Seen) -> Option<Seen> {
    if let Ok(seed) = std::env::var(SEED) {
        let seed = seed.parse().expect("MPG_SEED is a number");
        println!("seed {seed}: {:?}", run(seed));
        return None;
    }
    let count =
        std::env::var(SEEDS).map_or(count, |count| count.parse().expect("MPG_SEEDS is a number"));
    let mut all = Seen::default();
    for seed in 0..count {
        match catch_unwind(AssertUnwindSafe(|| run(seed))) {
            Ok(seen) => all.add(seen),
            Err(panic) => {
                eprintln!("to run this again: {SEED}={seed} cargo test {test}");
                resume_unwind(panic);
            }
        }
    }
    println!("{count} seeds: {all:?}");
    Some(all)
}
