//! The log: readable on a terminal, JSON lines elsewhere, always on standard error.

use std::fmt::Write as _;

use mpg_config::LogLevel;
use tracing_subscriber::EnvFilter;

use crate::exit;

/// The variable that names a filter in place of the level.
const FILTER: &str = "RUST_LOG";

/// Starts the log. What is said before this is lost, and a second call changes nothing.
pub(crate) fn start(level: LogLevel, chosen: bool) {
    // A level that somebody asked for on the command line wins over the environment.
    let filter = match std::env::var(FILTER) {
        Ok(filter) if !chosen => EnvFilter::try_new(filter).ok(),
        Ok(_) | Err(_) => None,
    };
    let filter = filter.unwrap_or_else(|| EnvFilter::new(directives(level)));
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter);
    let started = if exit::is_watched() {
        log.with_target(false).try_init()
    } else {
        log.json().flatten_event(true).try_init()
    };
    drop(started);
}

/// The level for this project's own crates; its libraries speak only of what is wrong.
fn directives(level: LogLevel) -> String {
    let own = [
        "mpgd",
        "mpg_claude",
        "mpg_console",
        "mpg_discord",
        "mpg_engine",
        "mpg_store",
        "mpg_workspace",
    ];
    let mut directives = String::from("warn");
    if level == LogLevel::Error {
        directives = String::from("error");
    }
    for name in own {
        // Writing to a string cannot fail.
        let _ = write!(directives, ",{name}={}", level.name());
    }
    directives
}
