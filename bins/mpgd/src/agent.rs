//! The agent that answers: Claude, with the part of the environment that it may see.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mpg_claude::{
    ClaudeConfig, ClaudeRuntime, Gate, GatewayIdentity, KeeperCommand, NO_CUT, OLDEST_VERSION,
    SandboxMeans, Version, VersionError, model_endpoints,
};
use mpg_config::ClaudeSettings;
use tracing::{error, info, warn};

use crate::programs::{self, Program};

/// The program that answers, and all that it gets to see of the environment.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    command: String,
    environment: BTreeMap<String, String>,
    /// What its file tools never touch, even below its own directory: the gateway's own files.
    protected: Vec<PathBuf>,
    /// The directories of all projects, of which it sees its own in its sandbox.
    projects: Vec<PathBuf>,
    /// Where sockets are whose path would be too long below the state.
    sockets: PathBuf,
}

/// This program, even if its file is replaced while it runs.
fn keeper() -> KeeperCommand {
    KeeperCommand {
        program: PathBuf::from("/proc/self/exe"),
        keep: vec!["keep".to_owned()],
        exec: vec!["exec".to_owned()],
    }
}

impl Agent {
    /// The agent of `settings`. The variables in `secrets` never reach it, whatever is configured.
    pub(crate) fn new(
        settings: &ClaudeSettings,
        environment: &BTreeMap<String, String>,
        secrets: &[&str],
    ) -> Self {
        Self {
            command: settings.command.clone(),
            environment: settings.pass_env.select(environment, secrets),
            protected: Vec::new(),
            projects: Vec::new(),
            sockets: ["XDG_RUNTIME_DIR", "TMPDIR"]
                .iter()
                .filter_map(|name| environment.get(*name).map(PathBuf::from))
                .find(|folder| folder.is_absolute() && folder.is_dir())
                .unwrap_or_else(|| PathBuf::from("/tmp")),
        }
    }

    /// Keeps its file tools away from these files and directories.
    pub(crate) fn without(mut self, protected: impl IntoIterator<Item = PathBuf>) -> Self {
        self.protected.extend(protected);
        self
    }

    /// Hides from it in its sandbox all of these directories but its own.
    pub(crate) fn beside(mut self, projects: impl IntoIterator<Item = PathBuf>) -> Self {
        self.projects.extend(projects);
        self
    }

    /// What makes a sandbox around it on this machine.
    pub(crate) async fn sandbox(&self) -> Option<SandboxMeans> {
        let path = self.environment.get("PATH").map_or("", String::as_str);
        SandboxMeans::find(path).await
    }

    /// What it reaches where that is its model alone, or why it is not started then, and what to do.
    pub(crate) async fn model_alone(&self) -> Result<String, String> {
        let endpoints = model_endpoints(&self.environment).map_err(|error| error.to_string())?;
        match self.sandbox().await {
            Some(means) if means.cuts_network().await => Ok(endpoints.join(" and ")),
            Some(_) | None => Err(NO_CUT.to_owned()),
        }
    }

    /// What its file tools never touch.
    pub(crate) fn protected(&self) -> &[PathBuf] {
        &self.protected
    }

    /// What starts it. Its sessions are kept in `sessions`, for gateways of the same installation.
    pub(crate) fn runtime(
        &self,
        sessions: PathBuf,
        gateway: GatewayIdentity,
        gate: Option<Gate>,
    ) -> ClaudeRuntime {
        let mut config = ClaudeConfig::new(
            self.command.clone(),
            self.environment.clone(),
            keeper(),
            sessions,
            gateway,
        );
        config.sockets.clone_from(&self.sockets);
        config.projects.clone_from(&self.projects);
        // Of the gateway's own folder, they see what they speak to it with.
        if let Some(gate) = &gate {
            config.shown.push(gate.programs.clone());
            config.shown.extend(std::env::current_exe());
            // One that is in the folder is seen with it, also when another gateway has made it anew.
            if !gate.socket.starts_with(&gate.programs) {
                config.shown.push(gate.socket.clone());
            }
        }
        config.gate = gate;
        ClaudeRuntime::new(config.protect(self.protected.iter().cloned()))
    }

    /// How its program is, and whether it is logged in.
    pub(crate) async fn program(&self) -> Program {
        programs::claude(&self.command, &self.environment).await
    }

    /// Its version, if it is installed.
    pub(crate) async fn version(&self) -> Result<Version, VersionError> {
        mpg_claude::version(&self.command, &self.environment).await
    }

    /// Says in the log what confines it, and whether it is there and new enough. Messages are taken in any case: each one
    /// that cannot be answered says why, and it may be installed meanwhile.
    pub(crate) async fn report(self) {
        if let Some(means) = self.sandbox().await {
            info!("agents can be confined by {}", means.name());
        } else {
            warn!("nothing here confines agents; install bubblewrap");
        }
        match self.version().await {
            Ok(version) => {
                if let Some(outdated) = outdated(version) {
                    warn!(command = %self.command, "{outdated}");
                } else {
                    info!(command = %self.command, "claude {version}");
                }
            }
            Err(problem) => error!("{problem}"),
        }
    }
}

/// What to say about a version that this was never tried with.
pub(crate) fn outdated(version: Version) -> Option<String> {
    (version < OLDEST_VERSION).then(|| {
        format!(
            "claude {version} is older than {OLDEST_VERSION}, the oldest one this was tried with; \
             update it"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_below_the_oldest_are_outdated() {
        let older = Version {
            patch: OLDEST_VERSION.patch - 1,
            ..OLDEST_VERSION
        };
        assert_eq!(outdated(OLDEST_VERSION), None);
        let said = outdated(older).unwrap();
        assert!(said.contains("is older than"), "{said}");
    }
}
