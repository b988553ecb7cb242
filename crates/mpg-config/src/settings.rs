//! What of the configuration is not the core's.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use mpg_core::id::ProjectName;
use thiserror::Error;

use crate::claude::ClaudeSettings;

/// What a gateway's surroundings run with: everything that the core has no use for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where state is kept, absolute; `None` for the place that belongs to the file.
    pub data_dir: Option<String>,
    /// How long running turns may take to end when the daemon is told to stop.
    pub drain_limit: Duration,
    /// What is written down.
    pub log: LogSettings,
    /// What is served over HTTP.
    pub http: HttpSettings,
    /// How long the audit log is kept.
    pub audit_keep: Duration,
    /// How agents are started.
    pub claude: ClaudeSettings,
    /// What is particular to each project.
    pub projects: BTreeMap<ProjectName, ProjectSettings>,
}

/// What is written down, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// The least important level that is written.
    pub level: LogLevel,
    /// The directory of log files, absolute; `None` for the state's own.
    pub dir: Option<String>,
}

/// Where HTTP is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where it is listened at, if anywhere.
    pub listen: Option<SocketAddr>,
    /// Whether somebody chose that address, so that it matters if it cannot be had.
    pub chosen: bool,
    /// The names, besides addresses, under which it is reached.
    pub hosts: Vec<String>,
}

/// What of a project is not the core's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectSettings {
    /// How long a thread may rest before its platform archives it.
    pub thread_archive: Duration,
    /// Whether a conversation works in a worktree of its own.
    pub worktree: Worktree,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            pub(crate) const NAMES: &[(&str, Self)] = &[$(($word, Self::$variant)),*];

            /// Its word in the file.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

words! {
    /// How important a line of the log is.
    LogLevel {
        /// Something failed.
        Error = "error",
        /// Something is not as it should be.
        Warn = "warn",
        /// What happened.
        Info = "info",
        /// How it happened.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

words! {
    /// Whether a conversation works in a git worktree of its own.
    Worktree {
        /// Where the project is a git repository.
        Auto = "auto",
        /// Always; a project that is no repository is an error.
        Always = "always",
        /// Never: in the project's directory.
        Never = "never",
    }
}

/// A word that names no level of the log.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is no log level; use error, warn, info, debug or trace")]
pub struct UnknownLogLevel(String);

impl FromStr for LogLevel {
    type Err = UnknownLogLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLogLevel> {
        Self::NAMES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, level)| *level)
            .ok_or_else(|| UnknownLogLevel(text.chars().take(40).collect()))
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_levels_that_it_writes() {
        for (_, level) in LogLevel::NAMES {
            assert_eq!(level.to_string().parse(), Ok(*level));
        }
        let error = "loud".parse::<LogLevel>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"loud\" is no log level; use error, warn, info, debug or trace"
        );
    }
}
