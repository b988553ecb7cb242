//! Which version of the CLI is installed.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use thiserror::Error;
use tokio::process::Command;
use tokio::time::timeout;

use crate::runtime::INSTALL_HINT;

/// The oldest version that this crate was run against; what it relies on was seen there.
pub const OLDEST_VERSION: Version = Version {
    major: 2,
    minor: 1,
    patch: 197,
};

/// How long the CLI may take to say its version.
const LIMIT: Duration = Duration::from_secs(20);

/// A version of the CLI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Rises with what breaks.
    pub major: u32,
    /// Rises with what is new.
    pub minor: u32,
    /// Rises with every release.
    pub patch: u32,
}

/// Why the version is not known.
#[derive(Debug, Error)]
pub enum VersionError {
    /// The program is not there.
    #[error("{program} was not found; {INSTALL_HINT}")]
    ProgramMissing {
        /// The program that was looked for.
        program: String,
    },
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
    #[error("{program} --version did not end within {LIMIT:?}")]
    Slow {
        /// The program.
        program: String,
    },
    /// The program said something else.
    #[error("{program} --version said {output:?}, which is no version")]
    Unreadable {
        /// The program.
        program: String,
        /// The beginning of what it said.
        output: String,
    },
}

/// Asks `command` for its version, in `environment` alone.
///
/// # Cancel safety
///
/// Cancel safe: the program is killed when the future is dropped.
pub async fn version(
    command: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Version, VersionError> {
    let program = command.to_owned();
    let output = Command::new(command)
        .arg("--version")
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match timeout(LIMIT, output).await {
        Err(_) => return Err(VersionError::Slow { program }),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Err(VersionError::ProgramMissing { program });
        }
        Ok(Err(source)) => return Err(VersionError::Run { program, source }),
        Ok(Ok(output)) => output,
    };
    let text = String::from_utf8_lossy(&output.stdout);
    Version::find(&text).ok_or_else(|| VersionError::Unreadable {
        program,
        output: text.trim().chars().take(200).collect(),
    })
}

impl Version {
    /// The version at the beginning of a text such as `2.1.197 (Claude Code)`.
    pub fn find(text: &str) -> Option<Self> {
        let word = text.split_whitespace().next()?;
        let mut numbers = word.trim_start_matches('v').splitn(3, '.');
        let mut number = || {
            let digits = numbers.next()?;
            let end = digits
                .find(|character: char| !character.is_ascii_digit())
                .unwrap_or(digits.len());
            digits[..end].parse().ok()
        };
        Some(Self {
            major: number()?,
            minor: number()?,
            patch: number()?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_and_ordered() {
        let table = [
            ("2.1.197 (Claude Code)\n", Some("2.1.197")),
            ("v3.0.0-beta.1", Some("3.0.0")),
            ("claude", None),
            ("", None),
            ("1.2", None),
        ];
        for (text, expected) in table {
            let found = Version::find(text).map(|version| version.to_string());
            assert_eq!(found.as_deref(), expected, "{text:?}");
        }
        assert!(Version::find("2.1.99").unwrap() < OLDEST_VERSION);
        assert!(Version::find("10.0.0").unwrap() > OLDEST_VERSION);
    }
}
