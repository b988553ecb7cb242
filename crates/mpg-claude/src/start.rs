//! Starting a keeper.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use mpg_core::id::SessionId;
use mpg_core::port::OpenError;
use rustix::process::{Signal, kill_process};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::select;
use tokio::time::{Instant, interval, sleep};

use crate::config::ClaudeConfig;
use crate::folder::Folder;
use crate::identity::Identity;
use crate::keep::IN_USE;
use crate::log::last_line;
use crate::multiplexer::Terminal;
use crate::terms::Terms;
use crate::wire;

/// The variables that a keeper gets of an agent's environment: where programs are, and whose it is.
const PASSED: [&str; 2] = ["PATH", "HOME"];
/// How long a keeper may take until it listens.
const LISTENING: Duration = Duration::from_secs(15);
/// How long between two tries to connect.
const PAUSE: Duration = Duration::from_millis(2);
/// How long between two looks whether a terminal session is still there.
const LOOK: Duration = Duration::from_millis(500);

/// A keeper that listens.
pub(crate) struct Started {
    pub(crate) stream: UnixStream,
    pub(crate) keeper: Identity,
}

/// Starts a keeper in `folder`, and waits until it listens.
///
/// # Cancel safety
///
/// A keeper that was started is asked to end when the future is dropped.
pub(crate) async fn start(
    config: &ClaudeConfig,
    session: SessionId,
    folder: &Folder,
    terms: &Terms,
) -> Result<Started, OpenError> {
    let failed = |error: io::Error| {
        let keeper = config.keeper.program.display();
        OpenError::Failed(format!("{keeper} could not keep a session: {error}"))
    };
    let mut child = spawn(config, folder).map_err(failed)?;
    let mut guard = Guard(identity(&child));
    let said = serde_json::to_vec(terms).map_err(io::Error::from);
    if let (Some(mut stdin), Ok(said)) = (child.stdin.take(), said) {
        // A keeper that does not take it ends, and says why.
        let _not_read = stdin.write_all(&said).await.is_err();
    }
    let until = Instant::now() + LISTENING;
    loop {
        if let Ok(stream) = wire::connect(&terms.socket).await {
            let Some(keeper) = guard.0.take() else {
                return Err(failed(io::Error::other("it has no process")));
            };
            // Waiting for it is left to the runtime, whatever becomes of the connection.
            tokio::spawn(async move { child.wait().await });
            return Ok(Started { stream, keeper });
        }
        if let Some(status) = child.try_wait().map_err(failed)? {
            guard.0 = None;
            return Err(if status.code() == Some(i32::from(IN_USE)) {
                OpenError::InUse(session)
            } else {
                failed(ended(&folder.log(), &status.to_string()))
            });
        }
        if Instant::now() > until {
            return Err(failed(io::Error::from(io::ErrorKind::TimedOut)));
        }
        sleep(PAUSE).await;
    }
}

/// Starts a keeper in a terminal session, and waits until it listens.
///
/// # Cancel safety
///
/// A keeper that was started ends by itself where no gateway comes.
pub(crate) async fn start_in(
    terminal: &Terminal,
    config: &ClaudeConfig,
    folder: &Folder,
    terms: &Terms,
) -> Result<Started, OpenError> {
    let failed = |error: io::Error| {
        OpenError::Failed(format!(
            "a session could not be kept in a terminal: {error}"
        ))
    };
    folder.create().map_err(failed)?;
    let said = serde_json::to_vec(terms).map_err(io::Error::from);
    let written = said.and_then(|said| folder.write_terms(&said));
    written.map_err(failed)?;
    let started = terminal.start(config, folder).await;
    if let Err(error) = started {
        drop(fs::remove_file(folder.terms()));
        return Err(error);
    }
    let until = Instant::now() + LISTENING;
    let mut look = interval(LOOK);
    loop {
        // Who it is, it says once it listens.
        let meta = folder.meta().filter(|meta| meta.marker == terms.marker);
        if let Some(meta) = meta
            && let Ok(stream) = wire::connect(&terms.socket).await
        {
            let keeper = meta.keeper;
            return Ok(Started { stream, keeper });
        }
        if Instant::now() > until {
            return Err(failed(io::Error::from(io::ErrorKind::TimedOut)));
        }
        select! {
            () = sleep(PAUSE) => {}
            _ = look.tick() => if !terminal.is_there(config).await && !listens(folder, terms) {
                return Err(failed(ended(&folder.log(), "it ended at once")));
            }
        }
    }
}

/// Whether a keeper said that it listens, even if it ended since.
fn listens(folder: &Folder, terms: &Terms) -> bool {
    let meta = folder.meta();
    meta.is_some_and(|meta| meta.marker == terms.marker && meta.keeper.runs())
}

fn ended(log: &Path, status: &str) -> io::Error {
    io::Error::other(last_line(log).unwrap_or_else(|| status.to_owned()))
}

fn spawn(config: &ClaudeConfig, folder: &Folder) -> io::Result<Child> {
    folder.create()?;
    let mut options = OpenOptions::new();
    let options = options.append(true).create(true).mode(0o600);
    let log = options.open(folder.log())?;
    let environment = config.environment.iter();
    Command::new(&config.keeper.program)
        .args(&config.keeper.keep)
        .arg(folder.path())
        .env_clear()
        .envs(environment.filter(|(name, _)| PASSED.contains(&name.as_str())))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
}

fn identity(child: &Child) -> Option<Identity> {
    Identity::of(i32::try_from(child.id()?).ok()?)
}

/// Asks a keeper to end that nobody waits for any more.
struct Guard(Option<Identity>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(keeper) = self.0.and_then(Identity::pid) {
            let _gone = kill_process(keeper, Signal::TERM).is_err();
        }
    }
}
