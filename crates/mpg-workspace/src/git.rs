//! The `git` program, called so that a repository cannot make the gateway run anything.

mod error;
mod harmless;
mod process;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitStatus;

use tokio::process::Command;
use tokio::sync::OnceCell;

pub use error::GitError;
use harmless::Setting;
use process::Sink;

/// How much of what a call says is read, in bytes.
const OUTPUT: usize = 4 << 20;

/// The oldest version that can all that is asked here: `merge-tree --write-tree` came with it.
const OLDEST: (u32, u32) = (2, 38);

/// The program, with the environment that it gets.
///
/// Hooks, monitors, pagers, editors, signatures, filters, merge drivers, helpers and the network are
/// off. Prompts are answered with nothing.
#[derive(Debug)]
pub(crate) struct Git {
    environment: BTreeMap<String, String>,
    /// Set once its version was seen to be new enough.
    usable: OnceCell<()>,
}

impl Git {
    /// Passes on `PATH` and what says where the person's own settings are.
    pub(crate) fn new(environment: &BTreeMap<String, String>) -> Self {
        let passed = ["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR"];
        let environment = environment
            .iter()
            .filter(|(name, _)| passed.contains(&name.as_str()));
        Self {
            environment: environment
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            usable: OnceCell::new(),
        }
    }

    /// A call in a directory.
    pub(crate) fn at<'a>(&'a self, directory: &'a Path) -> Call<'a> {
        Call {
            git: self,
            directory,
            environment: Vec::new(),
            settings: Vec::new(),
            files: None,
        }
    }

    /// Makes sure that the program is there and new enough; it is asked once.
    pub(crate) async fn usable(&self) -> Result<(), GitError> {
        let usable = self.usable.get_or_try_init(async || {
            let mut said = Vec::new();
            let mut command = self.command(Path::new("/"));
            command.arg("--version");
            process::run(command, "--version", Sink::Bytes(&mut said, OUTPUT)).await?;
            let said = String::from_utf8_lossy(&said);
            match version(&said) {
                Some(version) if version >= OLDEST => Ok(()),
                Some(_) | None => Err(GitError::TooOld {
                    found: said.trim().chars().take(80).collect(),
                }),
            }
        });
        usable.await.copied()
    }

    fn command(&self, directory: &Path) -> Command {
        let mut command = Command::new("git");
        command
            .env_clear()
            .envs(&self.environment)
            .envs(harmless::ENVIRONMENT.iter().copied())
            .current_dir(directory);
        command
    }
}

/// The first two numbers of what `git --version` says.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("git version ")?.split('.').map(|number| {
        let end = number.find(|letter: char| !letter.is_ascii_digit());
        number[..end.unwrap_or(number.len())].parse().ok()
    });
    Some((numbers.next()??, numbers.next()??))
}

/// The answer to a question that git answers by its exit code.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: ExitStatus,
    pub(crate) output: Vec<u8>,
    /// Whether it was stopped because it said more than was wanted.
    pub(crate) cut: bool,
    complaint: String,
}

impl Answer {
    /// Whether there is nothing here that git knows.
    pub(crate) fn says_no_repository(&self) -> bool {
        self.complaint.contains("not a git repository")
            || self.complaint.contains("must be run in a work tree")
    }

    /// What was said, as one line of text.
    pub(crate) fn line(&self) -> String {
        String::from_utf8_lossy(&self.output).trim_end().to_owned()
    }

    /// The same as an error.
    pub(crate) fn refused(self, command: &str) -> GitError {
        GitError::Refused {
            command: command.to_owned(),
            complaint: self.complaint,
        }
    }
}

/// A call that is being put together.
///
/// # Cancel safety
///
/// The program is asked to end when the future of a call is dropped; git leaves a repository that
/// can be used.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    git: &'a Git,
    directory: &'a Path,
    environment: Vec<(&'static str, OsString)>,
    settings: Vec<Setting>,
    /// Where filters and drivers are looked up, for calls that read or write files.
    files: Option<Vec<(&'static str, OsString)>>,
}

impl Call<'_> {
    /// Sets a variable of its environment.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Sets a setting.
    pub(crate) fn set(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Says that files of the worktree are read or written, with the filters and drivers off that
    /// are set up for the place of the call as it is now.
    pub(crate) fn files(mut self) -> Self {
        self.files = Some(self.environment.clone());
        self
    }

    /// Like [`Call::files`], with those of another place.
    pub(crate) fn files_of(mut self, other: &Self) -> Self {
        self.files = Some(other.environment.clone());
        self
    }

    /// What git said; it is an error if it refused, or said more than 4 MiB.
    pub(crate) async fn run<A: AsRef<OsStr> + Sync>(
        &self,
        arguments: &[A],
    ) -> Result<Vec<u8>, GitError> {
        let answer = self.ask(arguments).await?;
        if answer.status.success() {
            return Ok(answer.output);
        }
        Err(answer.refused(&command_of(arguments)))
    }

    /// Like [`Call::run`], for what is one line of text.
    pub(crate) async fn line<A: AsRef<OsStr> + Sync>(
        &self,
        arguments: &[A],
    ) -> Result<String, GitError> {
        let output = self.run(arguments).await?;
        Ok(String::from_utf8_lossy(&output).trim_end().to_owned())
    }

    /// Like [`Call::run`], for a call whose failure is an answer too.
    pub(crate) async fn ask<A: AsRef<OsStr> + Sync>(
        &self,
        arguments: &[A],
    ) -> Result<Answer, GitError> {
        let answer = self.start_of(arguments, OUTPUT).await?;
        if answer.cut {
            return Err(GitError::TooMuch {
                command: command_of(arguments),
                limit: OUTPUT,
            });
        }
        Ok(answer)
    }

    /// Like [`Call::ask`], for the first `limit` bytes of what it says.
    pub(crate) async fn start_of<A: AsRef<OsStr> + Sync>(
        &self,
        arguments: &[A],
        limit: usize,
    ) -> Result<Answer, GitError> {
        let mut output = Vec::new();
        let command = self.command(arguments).await?;
        let sink = Sink::Bytes(&mut output, limit);
        let ended = process::run(command, &command_of(arguments), sink).await?;
        Ok(Answer {
            status: ended.status,
            output,
            cut: ended.cut,
            complaint: ended.complaint,
        })
    }

    /// Gives each record of a call with `-z` to `take`, until that gives `false`; says whether it
    /// took all.
    pub(crate) async fn each<A: AsRef<OsStr> + Sync>(
        &self,
        arguments: &[A],
        take: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<bool, GitError> {
        let command = self.command(arguments).await?;
        let name = command_of(arguments);
        let ended = process::run(command, &name, Sink::Records(take)).await?;
        if ended.cut || ended.status.success() {
            return Ok(!ended.cut);
        }
        Err(GitError::Refused {
            command: name,
            complaint: ended.complaint,
        })
    }

    async fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Command, GitError> {
        self.git.usable().await?;
        let mut settings: Vec<Setting> = harmless::fixed().collect();
        if let Some(place) = &self.files {
            settings.extend(self.chosen(place).await?);
        }
        settings.extend(self.settings.iter().cloned());
        let mut command = self.git.command(self.directory);
        command
            .envs(harmless::environment(settings))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .args(arguments);
        Ok(command)
    }

    /// What turns the filters and drivers off that the repository and its person have set up.
    async fn chosen(&self, place: &[(&'static str, OsString)]) -> Result<Vec<Setting>, GitError> {
        let mut command = self.git.command(self.directory);
        command
            .envs(harmless::environment(harmless::fixed().collect()))
            .envs(place.iter().map(|(name, value)| (name, value)))
            .args(["config", "--null", "--name-only", "--get-regexp"])
            .arg(harmless::CHOSEN);
        let mut found = Vec::new();
        let mut take = |name: &[u8]| {
            found.push(harmless::off(name));
            found.len() < CHOSEN
        };
        let ended = process::run(command, "config", Sink::Records(&mut take)).await?;
        if ended.cut {
            return Err(GitError::Unexpected(format!(
                "the repository sets up {CHOSEN} filters and more; remove some"
            )));
        }
        match ended.status.code() {
            // None is 1.
            Some(0 | 1) => Ok(found),
            Some(_) | None => Err(GitError::Refused {
                command: "config".to_owned(),
                complaint: ended.complaint,
            }),
        }
    }
}

/// How many settings of filters and drivers a repository may have.
const CHOSEN: usize = 1_000;

fn command_of<A: AsRef<OsStr>>(arguments: &[A]) -> String {
    let words = arguments.iter().map(|word| word.as_ref().to_string_lossy());
    let words = words.take_while(|word| !word.starts_with('-'));
    words.take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (said, expected) in [
            ("git version 2.47.3\n", Some((2, 47))),
            ("git version 2.39.5 (Apple Git-154)\n", Some((2, 39))),
            ("git version 2.9.windows.1", Some((2, 9))),
            ("git version 3.0-rc1", Some((3, 0))),
            ("", None),
        ] {
            assert_eq!(version(said), expected, "{said}");
        }
        assert!(version("git version 2.9.0") < Some(OLDEST));
    }
}
