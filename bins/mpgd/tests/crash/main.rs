//! The daemon is killed over and over while people write: the real binary and its real processes,
//! a Discord on loopback, and agents that this program plays itself.
//!
//! `MPG_KILLS=1000 cargo test -p mpgd --test crash` kills longer than usual; `MPG_SEED` decides the
//! moments. What happens meanwhile is up to the machine, so a seed does not repeat a run exactly.
//!
//! `MPG_SOAK=3600 cargo test -p mpgd --test crash soak` lets everything happen at once for so many
//! seconds, and looks for what piles up.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where it fails, in its helpers too"
)]
#![expect(clippy::print_stdout, reason = "a person reads what a run shows")]

mod campaign;
mod home;
mod load;
mod outcome;
#[path = "../../../../crates/mpg-engine/tests/simulation/random.rs"]
#[expect(dead_code, reason = "not every program needs every number")]
mod random;
mod resources;
mod soak;
mod verdict;
mod viewers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use mpg_testkit::scripted_claude;

use campaign::CAMPAIGNS;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if scripted_claude::is_called(&arguments) {
        return scripted_claude::run(&arguments);
    }
    let wanted: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let list = arguments.iter().any(|argument| argument == "--list");
    let is_wanted =
        |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    let mut failed = false;
    let mut run = |name: &str, run: &dyn Fn()| {
        if !is_wanted(name) {
            return;
        }
        if list {
            println!("{name}: test");
        } else {
            // The panic's message was printed where it happened.
            failed |= catch_unwind(AssertUnwindSafe(run)).is_err();
        }
    };
    for campaign in &CAMPAIGNS {
        run(campaign.name, &|| campaign.run());
    }
    run(soak::NAME, &soak::run);
    ExitCode::from(if failed { 101 } else { 0 })
}
