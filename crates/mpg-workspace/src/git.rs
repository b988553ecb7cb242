//! The `git` program, called so that a repository cannot make the gateway run anything.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;

/// How much of what a call says is read, in bytes.
const OUTPUT: u64 = 4 << 20;

/// How much of what a call complains about is kept, in bytes.
const COMPLAINT: usize = 2_000;

/// How long a call may take. Checking out a large repository on a slow disk takes minutes.
const LIMIT: Duration = Duration::from_mins(10);

/// Settings of a repository that would run programs of its choice, turned off. The agents that work
/// in a repository may write its configuration, and the gateway is not theirs to command.
const HARMLESS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.sshCommand=false",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.allow=never",
    "submodule.recurse=false",
];

/// Why a call of git gave nothing.
#[derive(Debug, Error)]
pub enum GitError {
    /// The program is not there or does not start.
    #[error("git cannot be started: {0}; install it, or set `worktree = \"never\"`")]
    Start(#[source] io::Error),
    /// A file of the repository cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It took too long, and was ended.
    #[error("git {command} did not end within {} min and was stopped", LIMIT.as_secs() / 60)]
    TimedOut {
        /// What was asked.
        command: String,
    },
    /// It said no.
    #[error("git {command}: {complaint}")]
    Refused {
        /// What was asked.
        command: String,
        /// What it said.
        complaint: String,
    },
    /// It said more than is read.
    #[error("git {command} said more than {OUTPUT} bytes")]
    TooMuch {
        /// What was asked.
        command: String,
    },
}

/// The answer to a question that git answers by its exit code.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: ExitStatus,
    pub(crate) output: Vec<u8>,
    complaint: String,
}

impl Answer {
    /// Whether there is nothing here that git knows.
    pub(crate) fn says_no_repository(&self) -> bool {
        self.complaint.contains("not a git repository")
            || self.complaint.contains("must be run in a work tree")
    }

    /// The same as an error.
    pub(crate) fn refused(self, command: &str) -> GitError {
        GitError::Refused {
            command: command.to_owned(),
            complaint: self.complaint,
        }
    }
}

/// The program, with the environment that it gets.
///
/// Hooks, monitors, pagers, filters, helpers and the network are off. Prompts are answered with
/// nothing.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    environment: BTreeMap<String, String>,
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
        }
    }

    /// Calls git in a directory, and gives what it said.
    ///
    /// # Cancel safety
    ///
    /// The program is ended when the future is dropped; git leaves a repository that can be used.
    pub(crate) async fn run<A: AsRef<OsStr> + Sync>(
        &self,
        directory: &Path,
        arguments: &[A],
    ) -> Result<Vec<u8>, GitError> {
        let answer = self.ask(directory, arguments).await?;
        if answer.status.success() {
            return Ok(answer.output);
        }
        Err(GitError::Refused {
            command: command_of(arguments),
            complaint: answer.complaint,
        })
    }

    /// Like [`Git::run`], for what is one line of text.
    pub(crate) async fn line<A: AsRef<OsStr> + Sync>(
        &self,
        directory: &Path,
        arguments: &[A],
    ) -> Result<String, GitError> {
        let output = self.run(directory, arguments).await?;
        Ok(String::from_utf8_lossy(&output).trim_end().to_owned())
    }

    /// Like [`Git::run`], for a call whose failure is an answer too.
    pub(crate) async fn ask<A: AsRef<OsStr> + Sync>(
        &self,
        directory: &Path,
        arguments: &[A],
    ) -> Result<Answer, GitError> {
        let filters = self.filters(directory).await?;
        let mut command = self.command(directory);
        for filter in filters {
            command.arg("-c").arg(filter);
        }
        command.args(arguments);
        call(command, &command_of(arguments)).await
    }

    /// Settings that turn the filters off that the repository and its person have set up.
    async fn filters(&self, directory: &Path) -> Result<Vec<String>, GitError> {
        let mut command = self.command(directory);
        command.args(["config", "--null", "--name-only", "--get-regexp"]);
        command.arg(r"^filter\..*\.(clean|smudge|process|required)$");
        let answer = call(command, "config").await?;
        let names = answer.output.split(|byte| *byte == 0);
        let names = names.filter_map(|name| str::from_utf8(name).ok());
        Ok(names
            .filter(|name| !name.is_empty() && !name.contains('='))
            .map(|name| match name.rsplit_once('.') {
                Some((filter, "required")) => format!("{filter}.required=false"),
                Some(_) | None => format!("{name}="),
            })
            .collect())
    }

    fn command(&self, directory: &Path) -> Command {
        let mut command = Command::new("git");
        command
            .env_clear()
            .envs(&self.environment)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for setting in HARMLESS {
            command.arg("-c").arg(setting);
        }
        command
    }
}

async fn call(mut command: Command, name: &str) -> Result<Answer, GitError> {
    let mut child = command.spawn().map_err(GitError::Start)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ended = timeout(LIMIT, async {
        let (output, complaint) = tokio::join!(read(stdout), read(stderr));
        (output, complaint, child.wait().await)
    });
    let command = name.to_owned();
    let Ok((output, complaint, status)) = ended.await else {
        return Err(GitError::TimedOut { command });
    };
    let status = status.map_err(GitError::Start)?;
    if output.len() as u64 > OUTPUT {
        return Err(GitError::TooMuch { command });
    }
    Ok(Answer {
        status,
        output,
        complaint: tail(&complaint),
    })
}

/// Reads to the end, and keeps one byte more than the limit at the most.
async fn read(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut stream) = stream {
        let bounded = (&mut stream).take(OUTPUT + 1);
        tokio::pin!(bounded);
        // What cannot be read is as good as not said: the exit code decides.
        let _read = bounded.read_to_end(&mut kept).await;
        let _rest = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
    kept
}

fn tail(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let text = text.trim().replace(['\n', '\r'], " ");
    let skipped = text.len().saturating_sub(COMPLAINT);
    let start = text.ceil_char_boundary(skipped);
    text[start..].to_owned()
}

fn command_of<A: AsRef<OsStr>>(arguments: &[A]) -> String {
    let words = arguments.iter().map(|word| word.as_ref().to_string_lossy());
    words.take(2).collect::<Vec<_>>().join(" ")
}
