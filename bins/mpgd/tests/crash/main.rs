//! The daemon is killed over and over while people write: the real binary and its real processes,
//! a Discord on loopback, and agents that this program plays itself.
//!
//! `MPG_KILLS=1000 cargo test -p mpgd --test crash` kills longer than usual; `MPG_SEED` decides the
//! moments. What happens meanwhile is up to the machine, so a seed does not repeat a run exactly.
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
mod verdict;

use std::panic::catch_unwind;
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
    let mut failed = false;
    for campaign in &CAMPAIGNS {
        if !wanted.is_empty()
            && !wanted
                .iter()
                .any(|part| campaign.name.contains(part.as_str()))
        {
            continue;
        }
        if list {
            println!("{}: test", campaign.name);
            continue;
        }
        // The panic's message was printed where it happened.
        failed |= catch_unwind(|| campaign.run()).is_err();
    }
    ExitCode::from(if failed { 101 } else { 0 })
}
