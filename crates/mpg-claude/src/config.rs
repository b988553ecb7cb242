//! How agents are started and kept.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mpg_core::id::InstallationId;

use crate::gate::Gate;
use crate::secret::Secret;
use crate::spool::LIMIT;

/// How long an idle session that no gateway owns is kept.
const IDLE_LIMIT: Duration = Duration::from_mins(30);

/// How the CLI is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaudeConfig {
    /// The program, by path or by its name on the environment's `PATH`.
    pub command: String,
    /// The environment that an agent gets, and no more than that; what keeps the CLI quiet is added.
    pub environment: BTreeMap<String, String>,
    /// How long an agent whose keeper ends it by itself has to end before it is made to.
    pub grace: Duration,
    /// Files and folders that no agent's file tools may read or write, whatever else is allowed and
    /// wherever its workspace is; see [`ClaudeConfig::protect`].
    pub protected: Vec<PathBuf>,
    /// The folders of all projects: in a sandbox, an agent sees none but its own.
    pub projects: Vec<PathBuf>,
    /// What an agent may read in its sandbox although it is below something that is protected.
    pub shown: Vec<PathBuf>,
    /// What keeps sessions.
    pub keeper: KeeperCommand,
    /// Where the folders of sessions are; only this user may be able to read it.
    pub sessions: PathBuf,
    /// Where sockets are whose path below `sessions` is too long: a folder of this user's is made
    /// in it.
    pub sockets: PathBuf,
    /// Who speaks to keepers.
    pub gateway: GatewayIdentity,
    /// How long an idle session that no gateway owns is kept. One that runs a turn is kept for its
    /// turn limit.
    pub idle_limit: Duration,
    /// How large the spool of a session grows, in bytes: at least 36 MiB, so that the longest event
    /// fits.
    pub spool_limit: u64,
    /// How agents hand files to their threads; `None`: they cannot.
    pub gate: Option<Gate>,
}

/// The commands that run [`keep`](crate::keep()) and [`exec`](crate::exec()).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeeperCommand {
    /// The program; `/proc/self/exe` is the one that runs, even if its file was replaced.
    pub program: PathBuf,
    /// Its first arguments for keeping a session; the folder follows.
    pub keep: Vec<String>,
    /// Its first arguments for becoming the CLI; the keeper's process id, the CLI's program and its
    /// arguments follow.
    pub exec: Vec<String>,
}

/// Who a gateway is to the keepers of its sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayIdentity {
    /// The installation; what belongs to another one is never touched.
    pub installation: InstallationId,
    /// Rises with each start of the gateway: a keeper refuses a gateway that is older than one that
    /// was there.
    pub epoch: u64,
    /// What lets it in; the same for all gateways of the installation.
    pub secret: Secret,
}

impl KeeperCommand {
    /// The program and its first arguments that become the CLI.
    pub(crate) fn starter(&self) -> Vec<String> {
        let program = self.program.display().to_string();
        std::iter::once(program)
            .chain(self.exec.iter().cloned())
            .collect()
    }
}

impl ClaudeConfig {
    /// A program and its environment, whose sessions are kept in `sessions`; with a grace of five
    /// seconds, and half an hour for an idle session that nobody owns.
    pub fn new(
        command: impl Into<String>,
        environment: BTreeMap<String, String>,
        keeper: KeeperCommand,
        sessions: impl Into<PathBuf>,
        gateway: GatewayIdentity,
    ) -> Self {
        Self {
            command: command.into(),
            environment,
            grace: Duration::from_secs(5),
            protected: Vec::new(),
            projects: Vec::new(),
            shown: Vec::new(),
            keeper,
            sessions: sessions.into(),
            sockets: PathBuf::from("/tmp"),
            gateway,
            idle_limit: IDLE_LIMIT,
            spool_limit: LIMIT,
            gate: None,
        }
    }

    /// Adds files and folders that no agent's file tools may read or write.
    ///
    /// Absolute paths; a folder stands for all that is in it, and what a path leads to through
    /// links is protected with it. They hold in every permission mode. The shell is no file tool:
    /// what it reads is not stopped by this.
    #[must_use]
    pub fn protect(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.protected.extend(paths);
        self
    }
}
