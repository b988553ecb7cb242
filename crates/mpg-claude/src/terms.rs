//! What a keeper is told when it is started: one JSON document, never in arguments or environment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mpg_core::agent::{Allowance, PermissionMode, Persistence};
use serde::{Deserialize, Serialize};

use crate::network::Endpoint;

/// How long what a keeper is told may be, in bytes.
pub(crate) const TERMS: u64 = 8 << 20;

/// All that a keeper needs to know.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Terms {
    pub(crate) protocol: u32,
    pub(crate) installation: String,
    pub(crate) session: String,
    pub(crate) project: String,
    pub(crate) conversation: String,
    pub(crate) persistence: String,
    /// The secret that lets a gateway in.
    pub(crate) secret: String,
    pub(crate) epoch: u64,
    pub(crate) socket: PathBuf,
    /// The program and its first arguments that start the CLI.
    pub(crate) exec: Vec<String>,
    pub(crate) command: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) directory: String,
    pub(crate) marker: String,
    pub(crate) fingerprint: String,
    /// The permission mode, by its name.
    pub(crate) mode: String,
    /// Whether tools that ask are always allowed.
    pub(crate) allow_requests: bool,
    /// How long the CLI has to end by itself when its gateway is gone.
    pub(crate) grace_ms: u64,
    /// How long a session that nobody owns is kept while nothing runs in it.
    pub(crate) idle_limit_ms: u64,
    /// How long one that nobody owns is kept while a turn runs.
    pub(crate) turn_limit_ms: u64,
    /// How much memory the agent may take, in bytes, and as how many processes it may run.
    pub(crate) max_memory: Option<u64>,
    pub(crate) max_processes: Option<u32>,
    /// How much time of processors it may take.
    pub(crate) max_cpu_ms: Option<u64>,
    /// All that the agent reaches on the network; nothing is said where that is everything.
    #[serde(default)]
    pub(crate) endpoints: Vec<Endpoint>,
    /// The number that the first event comes behind.
    pub(crate) after: u64,
    /// How large the spool grows, in bytes.
    pub(crate) spool_limit: u64,
}

impl Terms {
    pub(crate) fn permission_mode(&self) -> PermissionMode {
        let mut modes = PermissionMode::ALL.into_iter();
        let mode = modes.find(|mode| mode.name() == self.mode);
        mode.unwrap_or_default()
    }

    pub(crate) fn persistence(&self) -> Persistence {
        let mut all = Persistence::ALL.into_iter();
        let persistence = all.find(|persistence| persistence.name() == self.persistence);
        persistence.unwrap_or_default()
    }

    pub(crate) fn allowance(&self) -> Allowance {
        Allowance {
            memory: self.max_memory,
            processes: self.max_processes,
            cpu: self.max_cpu_ms.map(Duration::from_millis),
        }
    }

    pub(crate) fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    pub(crate) fn idle_limit(&self) -> Duration {
        Duration::from_millis(self.idle_limit_ms)
    }

    pub(crate) fn turn_limit(&self) -> Duration {
        Duration::from_millis(self.turn_limit_ms)
    }
}

/// A duration as it stands in a document.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
