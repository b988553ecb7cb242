//! How the process ends: what is said, and the code.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use mpg_config::{ConfigError, DiscoveryError, Report, Style};
use mpg_engine::EngineError;
use serde::Serialize;
use thiserror::Error;

use crate::control::AskError;

/// The arguments make no sense (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

/// The configuration makes no sense (`EX_CONFIG` of sysexits.h).
const CONFIG: u8 = 78;

/// Why the process ends without having done what it was asked.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error("{0}")]
    NoConfig(String),
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Store(#[from] mpg_core::port::StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It was understood, and cannot be done.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Probe(#[from] mpg_discord::ProbeError),
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
}

impl Failure {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// That the gateway answered a question that was not asked.
    pub(crate) fn unexpected_answer() -> Self {
        let text = "the gateway answered something else than what was asked: it may be of another version; \
                    restart it, then try again";
        Self::Refused(text.to_owned())
    }

    /// Says what happened, on standard error, and returns the code for it.
    pub(crate) fn report(&self) -> ExitCode {
        let (text, code) = match self {
            Self::Config(error) => (render(error.report(), &io::stderr()), CONFIG),
            Self::Discovery(_) | Self::NoConfig(_) => (format!("error: {self}\n"), CONFIG),
            Self::Usage(_) => (format!("error: {self}\n"), USAGE),
            Self::Store(_)
            | Self::Engine(_)
            | Self::Refused(_)
            | Self::Ask(_)
            | Self::Probe(_)
            | Self::Io { .. } => (chain(self), 1),
        };
        // Where standard error is closed, there is nobody to tell.
        drop(io::stderr().write_all(text.as_bytes()));
        ExitCode::from(code)
    }
}

/// Ends a call whose arguments make no sense, or that only asked for help.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    if error.use_stderr() {
        ExitCode::from(USAGE)
    } else {
        ExitCode::SUCCESS
    }
}

/// A report as it suits the stream that it goes to.
pub(crate) fn render(report: &Report, stream: &impl io::IsTerminal) -> String {
    report.render(if stream.is_terminal() {
        Style::Colored
    } else {
        Style::Plain
    })
}

/// Writes to standard output; a reader that is gone is no error.
pub(crate) fn print(text: &str) {
    let mut stdout = io::stdout();
    drop(stdout.write_all(text.as_bytes()));
    drop(stdout.flush());
}

/// A value as JSON for programs, and still readable.
pub(crate) fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("texts and numbers are JSON");
    text.push('\n');
    text
}

/// Whether a person reads standard error.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = format!("error: {error}\n");
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // A wrapper that passes its cause on as its own text is said once.
        if !said.contains(&cause_text) {
            text.push_str("  because: ");
            text.push_str(&cause_text);
            text.push('\n');
        }
        said = cause_text;
        source = cause.source();
    }
    text
}
