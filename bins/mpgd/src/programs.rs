//! The programs that the gateway needs: whether they are there, and how they are.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use mpg_claude::{Login, OLDEST_VERSION, VersionError};
use tokio::process::Command;
use tokio::time::timeout;

use crate::agent::outdated;
use crate::shown::one_line;

/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of what a program says is shown, in characters.
const LENGTH: usize = 200;

/// How a program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) found: String,
    /// What to do about it, where something is to be done.
    pub(crate) help: Option<String>,
    /// Whether it can be used at all.
    pub(crate) usable: bool,
}

/// How the agent's program is, and whether it is logged in. Nothing is asked of the model.
pub(crate) async fn claude(command: &str, environment: &BTreeMap<String, String>) -> Program {
    let name = "claude";
    let (version, login) = tokio::join!(
        mpg_claude::version(command, environment),
        mpg_claude::login(command, environment),
    );
    let version = match version {
        Ok(version) => version,
        Err(problem) => {
            let help = match &problem {
                VersionError::ProgramMissing { .. } => None,
                VersionError::Run { .. }
                | VersionError::Slow { .. }
                | VersionError::Unreadable { .. } => {
                    Some(format!("see what `{command} --version` says"))
                }
            };
            return Program {
                name,
                found: problem.to_string(),
                help,
                usable: false,
            };
        }
    };
    let outdated = outdated(version).map(|_| {
        format!("update it to {OLDEST_VERSION} or later: npm install -g @anthropic-ai/claude-code")
    });
    let (login, help) = match login {
        Ok(Login::With(method)) if method.is_empty() => ("logged in".to_owned(), None),
        Ok(Login::With(method)) => (format!("logged in ({method})"), None),
        Ok(Login::Nobody) => (
            "not logged in".to_owned(),
            Some(format!(
                "run `{command}` once and log in, or set ANTHROPIC_API_KEY"
            )),
        ),
        Err(problem) => (problem.to_string(), None),
    };
    Program {
        name,
        found: format!("version {version}, {login}"),
        usable: help.is_none(),
        help: help.or(outdated),
    }
}

/// How a program is that tells its version when it is called with one argument.
pub(crate) async fn other(
    name: &'static str,
    argument: &str,
    environment: &BTreeMap<String, String>,
    help: &str,
) -> Program {
    let asked = Command::new(name)
        .arg(argument)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match timeout(PATIENCE, asked).await {
        Ok(Ok(output)) if output.status.success() => {
            let said = one_line(&String::from_utf8_lossy(&output.stdout), LENGTH);
            let version = said.strip_prefix(name).unwrap_or(&said).trim();
            let version = version.strip_prefix("version").unwrap_or(version).trim();
            Program {
                name,
                found: format!("version {version}"),
                help: None,
                usable: true,
            }
        }
        Ok(Ok(_) | Err(_)) | Err(_) => Program {
            name,
            found: "not found".to_owned(),
            help: Some(help.to_owned()),
            usable: false,
        },
    }
}
