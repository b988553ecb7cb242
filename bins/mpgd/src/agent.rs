//! The agent that answers: Claude, with the part of the environment that it may see.

use std::collections::BTreeMap;

use mpg_claude::{ClaudeConfig, ClaudeRuntime, OLDEST_VERSION, Version, VersionError};
use mpg_config::ClaudeSettings;
use tracing::{error, info, warn};

/// The runtime for `settings`, without the variables in `secrets`.
pub(crate) fn claude(
    settings: &ClaudeSettings,
    environment: &BTreeMap<String, String>,
    secrets: &[&str],
) -> ClaudeRuntime {
    let environment = settings.pass_env.select(environment, secrets);
    ClaudeRuntime::new(ClaudeConfig::new(settings.command.clone(), environment))
}

/// The version of the installed CLI, if there is one.
pub(crate) async fn version(
    settings: &ClaudeSettings,
    environment: &BTreeMap<String, String>,
) -> Result<Version, VersionError> {
    let environment = settings.pass_env.select(environment, &[]);
    mpg_claude::version(&settings.command, &environment).await
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

/// Says in the log whether the CLI is there and new enough. Messages are taken in any case: each
/// one that cannot be answered says why, and the CLI may be installed meanwhile.
pub(crate) async fn report_version(
    settings: ClaudeSettings,
    environment: BTreeMap<String, String>,
) {
    match version(&settings, &environment).await {
        Ok(version) => {
            if let Some(outdated) = outdated(version) {
                warn!(command = %settings.command, "{outdated}");
            } else {
                info!(command = %settings.command, "claude {version}");
            }
        }
        Err(problem) => error!("{problem}"),
    }
}
