//! How fast the gateway is and how much it takes, row by row beside the budget.
//!
//! ```console
//! cargo bench --profile dist -p mpgd   # everything, in little more than a minute
//! cargo bench -p mpgd -- turn          # the groups whose name has `turn` in it
//! cargo bench -p mpgd -- instructions
//! ```
//!
//! What each row measures, and the figures that were seen: `docs/performance.md`.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where it fails")]
#![expect(clippy::print_stdout, reason = "its table is what it is for")]

mod agent;
mod clocked;
mod crowd;
mod daemon;
mod home;
mod instructions;
mod journal;
mod keeper;
mod machine;
mod past;
mod running;
mod sample;
mod stamp;
mod stopped;
mod table;
mod turn;
mod viewed;

use std::process::ExitCode;

use tokio::runtime::Builder;

use crate::table::Table;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if stamp::is_called(&arguments) {
        return stamp::run();
    }
    if instructions::is_called(&arguments) {
        return instructions::run(&arguments);
    }
    let wanted: Vec<String> = arguments
        .into_iter()
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let wants =
        |group: &str| wanted.is_empty() || wanted.iter().any(|part| group.contains(part.as_str()));
    // What is measured runs on threads of its own; this one only waits and looks at the clock.
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut table = Table::begin();
    runtime.block_on(async {
        if wants("machine") {
            machine::measure(&mut table);
        }
        if wants("journal") {
            journal::measure(&mut table).await;
        }
        if wants("turn") {
            turn::measure(&mut table).await;
        }
        if wants("crowd") {
            crowd::measure(&mut table).await;
        }
        if wants("daemon") {
            daemon::measure(&mut table).await;
        }
        if wants("keeper") {
            keeper::measure(&mut table).await;
        }
        if wants("agent") {
            agent::measure(&mut table).await;
        }
        // It takes valgrind, and minutes.
        if !wanted.is_empty() && wants("instructions") {
            instructions::measure(&mut table);
        }
    });
    table.end();
    ExitCode::SUCCESS
}
