//! Whether the CLI is logged in.

use std::collections::BTreeMap;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use tokio::process::Command;
use tokio::time::timeout;

/// How long the CLI may take to say so.
const LIMIT: Duration = Duration::from_secs(20);

/// How the CLI is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// It is, in this way.
    With(String),
    /// Nobody is logged in, and no key is set.
    Nobody,
}

/// Why it is not known whether the CLI is logged in.
#[derive(Debug, Error)]
pub enum LoginError {
    /// The program could not be run.
    #[error("{program} could not be run")]
    Run {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program did not end in time; it was killed.
    #[error("{program} auth status did not end within {LIMIT:?}")]
    Slow {
        /// The program.
        program: String,
    },
    /// The program said something else; older ones do not know the question.
    #[error("{program} auth status does not say whether somebody is logged in")]
    Unreadable {
        /// The program.
        program: String,
    },
}

/// Asks `command` whether it is logged in, in `environment` alone. Nothing is sent to the model.
///
/// The answer of `claude auth status` is as it was seen with [`OLDEST_VERSION`](crate::OLDEST_VERSION).
///
/// # Cancel safety
///
/// Cancel safe: the program is killed when the future is dropped.
pub async fn login(
    command: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Login, LoginError> {
    let program = command.to_owned();
    let output = Command::new(command)
        .args(["auth", "status"])
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match timeout(LIMIT, output).await {
        Err(_) => Err(LoginError::Slow { program }),
        Ok(Err(source)) => Err(LoginError::Run { program, source }),
        Ok(Ok(output)) => read(&output.stdout).ok_or(LoginError::Unreadable { program }),
    }
}

fn read(answer: &[u8]) -> Option<Login> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        logged_in: bool,
        auth_method: Option<String>,
    }
    let status: Status = serde_json::from_slice(answer).ok()?;
    let method = status.auth_method.unwrap_or_default();
    Some(if status.logged_in {
        Login::With(method.replace('_', " "))
    } else {
        Login::Nobody
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let with = |method: &str| Some(Login::With(method.to_owned()));
        for (answer, expected) in [
            (
                r#"{"loggedIn": true, "authMethod": "api_key", "apiProvider": "firstParty"}"#,
                with("api key"),
            ),
            (r#"{"loggedIn": true}"#, with("")),
            (
                r#"{"loggedIn": false, "authMethod": "none"}"#,
                Some(Login::Nobody),
            ),
            ("unknown command 'auth'", None),
            ("", None),
        ] {
            assert_eq!(read(answer.as_bytes()), expected, "{answer}");
        }
    }
}
