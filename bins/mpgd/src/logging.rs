//! The log: readable on a terminal, JSON lines elsewhere, on standard error and, of a gateway, in
//! files.

use std::fmt::Write as _;
use std::io;

use mpg_config::LogLevel;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::exit;
use crate::log_file::{Flush, LogFile};

/// The variable that names a filter in place of the level.
const FILTER: &str = "RUST_LOG";

/// A log that was started.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) level: Level,
    /// What waits for a directory; `None` where there can be no files.
    pub(crate) files: Option<Flush>,
}

/// The level of a running log.
#[derive(Clone, Debug)]
pub(crate) struct Level(Option<reload::Handle<EnvFilter, Registry>>);

impl Level {
    /// Goes on with another level, unless somebody chose one for this process.
    pub(crate) fn set(&self, level: LogLevel) {
        if let Self(Some(handle)) = self {
            // A log that is gone has no level.
            drop(handle.reload(EnvFilter::new(directives(level))));
        }
    }
}

/// Starts the log on standard error. What is said before this is lost, and a second call changes
/// nothing.
pub(crate) fn start(level: LogLevel, chosen: bool) {
    let (filter, _) = filter(level, chosen);
    drop(started(filter, None));
}

/// Starts the log on standard error and in files.
pub(crate) fn start_with_files(level: LogLevel, chosen: bool) -> Log {
    let (filter, is_fixed) = filter(level, chosen);
    let (file, flush) = LogFile::pending().ok().unzip();
    let handle = started(filter, file);
    Log {
        level: Level(handle.filter(|_| !is_fixed)),
        files: flush,
    }
}

/// The filter, and whether somebody chose it for this process.
fn filter(level: LogLevel, chosen: bool) -> (EnvFilter, bool) {
    // A level that somebody asked for on the command line wins over the environment.
    let named = match std::env::var(FILTER) {
        Ok(filter) if !chosen => EnvFilter::try_new(filter).ok(),
        Ok(_) | Err(_) => None,
    };
    let is_fixed = chosen || named.is_some();
    let filter = named.unwrap_or_else(|| EnvFilter::new(directives(level)));
    (filter, is_fixed)
}

fn started(
    filter: EnvFilter,
    file: Option<LogFile>,
) -> Option<reload::Handle<EnvFilter, Registry>> {
    let (filter, handle) = reload::Layer::new(filter);
    let is_watched = exit::is_watched();
    let readable = is_watched.then(|| fmt::layer().with_writer(io::stderr).with_target(false));
    let lines = (!is_watched).then(|| {
        fmt::layer()
            .with_writer(io::stderr)
            .json()
            .flatten_event(true)
    });
    let file = file.map(|file| fmt::layer().with_writer(file).json().flatten_event(true));
    let log = tracing_subscriber::registry()
        .with(filter)
        .with(readable)
        .with(lines)
        .with(file);
    log.try_init().ok().map(|()| handle)
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
        "mpg_web",
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
