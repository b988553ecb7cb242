//! Keepers in a terminal multiplexer, where somebody can watch them: `tmux`, on a socket of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use mpg_core::port::{OpenError, SessionSpec};
use rustix::process::getpid;
use tokio::process::Command;
use tokio::time::timeout;

use crate::config::ClaudeConfig;
use crate::folder::Folder;
use crate::socket::place;

/// The multiplexer.
const PROGRAM: &str = "tmux";
/// How much of a project's and a thread's name is in a terminal session's, in characters each.
const NAME: usize = 40;
/// How long the multiplexer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// What a program is called by that means itself.
const OWN: &str = "/proc/self/";

/// A terminal session with a keeper in it.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    socket: PathBuf,
    name: String,
}

impl Terminal {
    /// The terminal session for an agent's session.
    ///
    /// Its name says project and thread, and ends with all of the session's id, so that no name is
    /// the beginning of another one.
    pub(crate) fn of(config: &ClaudeConfig, spec: &SessionSpec) -> io::Result<Self> {
        let within = config.sessions.with_file_name(PROGRAM);
        let project = word(&spec.project.to_string());
        let thread = word(&spec.conversation.to_string());
        let session = spec.session.as_uuid().simple();
        Ok(Self {
            socket: place(&within, &config.sockets)?,
            name: format!("{project}_{thread}_{session}"),
        })
    }

    /// The command that shows it.
    pub(crate) fn attach(&self) -> String {
        format!(
            "{PROGRAM} -S {} attach -r -t ={}",
            self.socket.display(),
            self.name
        )
    }

    /// Starts a keeper in it, which finds its terms in `folder`.
    pub(crate) async fn start(
        &self,
        config: &ClaudeConfig,
        folder: &Folder,
    ) -> Result<(), OpenError> {
        let mut command = self.command(config);
        command
            .args([
                "new-session",
                "-d",
                "-x",
                "120",
                "-y",
                "40",
                "-s",
                &self.name,
            ])
            .arg(own_program(&config.keeper.program))
            .args(&config.keeper.keep)
            .arg(folder.path());
        let output = match run(command).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let message = format!(
                    "{PROGRAM} was not found; install it, or set `persistence = \"keeper\"`"
                );
                return Err(OpenError::Failed(message));
            }
            output => output,
        };
        let problem = match output {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        let message = format!("{PROGRAM} did not start a terminal session: {problem}");
        Err(OpenError::Failed(message))
    }

    /// Whether it is there.
    pub(crate) async fn is_there(&self, config: &ClaudeConfig) -> bool {
        let mut command = self.command(config);
        command.args(["has-session", "-t", &format!("={}", self.name)]);
        run(command)
            .await
            .is_ok_and(|output| output.status.success())
    }

    fn command(&self, config: &ClaudeConfig) -> Command {
        let passed = ["PATH", "HOME"];
        let environment = config.environment.iter();
        let mut command = Command::new(PROGRAM);
        // Whatever the user's own file says, a terminal session ends with its keeper.
        command
            .args(["-f", "/dev/null", "-S"])
            .arg(&self.socket)
            .env_clear()
            .envs(environment.filter(|(name, _)| passed.contains(&name.as_str())))
            .env("LC_ALL", "C.UTF-8")
            .current_dir("/")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }
}

async fn run(mut command: Command) -> io::Result<Output> {
    timeout(LIMIT, command.output())
        .await
        .map_err(io::Error::from)?
}

/// A program by a path that means the same for another process, as long as this one lives.
fn own_program(program: &Path) -> PathBuf {
    match program
        .to_str()
        .and_then(|program| program.strip_prefix(OWN))
    {
        Some(rest) => PathBuf::from(format!("/proc/{}/{rest}", getpid().as_raw_nonzero())),
        None => program.to_owned(),
    }
}

/// A name as it can stand in a terminal session's.
fn word(name: &str) -> String {
    let kept = |character: char| {
        if character.is_ascii_alphanumeric() || character == '-' {
            character
        } else {
            '-'
        }
    };
    name.chars().map(kept).take(NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_nothing_that_means_something_in_a_target() {
        assert_eq!(word("a:b.c=d@e f$%/é"), "a-b-c-d-e-f----");
        assert_eq!(word(&"x".repeat(99)).len(), NAME);
    }

    #[test]
    fn the_own_program_is_named_for_another_process() {
        let own = own_program(Path::new("/proc/self/exe"));
        assert_eq!(
            own,
            PathBuf::from(format!("/proc/{}/exe", std::process::id()))
        );
        assert_eq!(own_program(Path::new("/bin/true")), Path::new("/bin/true"));
    }
}
