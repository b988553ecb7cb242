//! The CLI's process: started in a group of its own, and ended with all that it started.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, getpid, kill_process_group, set_child_subreaper};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::folder::Lock;
use crate::network::Entrance;
use crate::orphans;

/// How much of standard error is kept, in characters.
const STDERR: usize = 2_000;
/// How long the rest of standard error may take once the process is gone.
const STDERR_REST: Duration = Duration::from_millis(500);
/// How many lines may wait to be written.
const LINES: usize = 64;

/// What a process is started with.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    /// The program that becomes the CLI, with its first arguments.
    pub(crate) exec: &'a [String],
    pub(crate) command: &'a str,
    pub(crate) arguments: &'a [String],
    pub(crate) environment: &'a BTreeMap<String, String>,
    pub(crate) directory: &'a str,
    /// Whether it listens inside of its walls for what its keeper forwards.
    pub(crate) forwards: bool,
}

/// A running process. Dropping it kills its group.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) group: Group,
    pub(crate) stdout: ChildStdout,
    /// Lines for its standard input; closed by dropping it.
    pub(crate) input: Option<mpsc::Sender<Vec<u8>>>,
    pub(crate) stderr: Stderr,
    /// Where it hands over what it listens with, until that is taken.
    pub(crate) entrance: Option<Entrance>,
}

impl Process {
    /// Starts it, with the session's lock in its hands.
    ///
    /// It ends with the thread that this is called on.
    pub(crate) fn spawn(launch: &Launch<'_>, lock: &Lock) -> io::Result<Self> {
        adopt_orphans();
        let [program, first @ ..] = launch.exec else {
            return Err(io::Error::other("no program starts the agent"));
        };
        let entrance = launch.forwards.then(Entrance::new).transpose()?;
        let (stdin, entrance) = match entrance {
            None => (Stdio::piped(), None),
            Some((entrance, theirs, input)) => (theirs.into(), Some((entrance, input))),
        };
        fcntl_setfd(lock.file(), FdFlags::empty())?;
        let child = Command::new(program)
            .args(first)
            .arg(getpid().as_raw_nonzero().to_string())
            .arg(launch.command)
            .args(launch.arguments)
            .env_clear()
            .envs(launch.environment)
            .current_dir(launch.directory)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        fcntl_setfd(lock.file(), FdFlags::CLOEXEC)?;
        let mut child = child?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(io::Error::other("a piped stream is missing"));
        };
        let (input, entrance) = match (child.stdin.take(), entrance) {
            (_, Some((entrance, input))) => {
                let input = pipe::Sender::from_owned_fd(input.into())?;
                (writer(input), Some(entrance))
            }
            (Some(stdin), None) => (writer(stdin), None),
            (None, None) => return Err(io::Error::other("a piped stream is missing")),
        };
        Ok(Self {
            group: Group::of(&child)?,
            child,
            stdout,
            input: Some(input),
            stderr: Stderr::read(stderr),
            entrance,
        })
    }
}

/// A process group, killed when this is dropped before its leader was waited for.
#[derive(Debug)]
pub(crate) struct Group {
    leader: Pid,
    alive: bool,
}

impl Group {
    fn of(child: &Child) -> io::Result<Self> {
        let leader = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw)
            .ok_or_else(|| io::Error::other("the process has no id"))?;
        orphans::keep(leader);
        Ok(Self {
            leader,
            alive: true,
        })
    }

    pub(crate) fn leader(&self) -> Pid {
        self.leader
    }

    /// Sends a signal to all processes of the group.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.alive
            && let Err(error) = kill_process_group(self.leader, signal)
            && error != rustix::io::Errno::SRCH
        {
            tracing::warn!(%error, leader = %self.leader.as_raw_nonzero(), "a signal was not sent");
        }
    }

    /// Kills what is left of the group, now that its leader was waited for.
    pub(crate) fn retire(&mut self) {
        self.signal(Signal::KILL);
        self.alive = false;
        orphans::release(self.leader);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.alive {
            self.retire();
        }
    }
}

/// The exit code, or the signal as 128 + its number.
pub(crate) fn exit_code(status: ExitStatus) -> Option<i32> {
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
}

/// The end of what a process wrote to standard error.
#[derive(Debug)]
pub(crate) struct Stderr {
    tail: Arc<Mutex<VecDeque<u8>>>,
    reader: JoinHandle<()>,
}

impl Stderr {
    fn read(stream: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let tail = Arc::default();
        let reader = tokio::spawn(keep_tail(stream, Arc::clone(&tail)));
        Self { tail, reader }
    }

    /// Adds a line that somebody else says of the process.
    pub(crate) fn note(&self) -> impl FnOnce(&str) + use<> {
        let tail = Arc::clone(&self.tail);
        move |line| {
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            tail.extend(line.bytes().chain(*b"\n"));
        }
    }

    /// What there is, once the process is gone.
    pub(crate) async fn finish(&mut self) -> String {
        if timeout(STDERR_REST, &mut self.reader).await.is_err() {
            // Something else holds the pipe open; what it says is not the agent's last word.
            self.reader.abort();
        }
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(tail.make_contiguous()).into_owned();
        let excess = text.chars().count().saturating_sub(STDERR);
        text.chars().skip(excess).collect()
    }
}

impl Drop for Stderr {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn keep_tail(mut stream: impl AsyncRead + Unpin, tail: Arc<Mutex<VecDeque<u8>>>) {
    let mut chunk = [0; 2_048];
    while let Ok(length @ 1..) = stream.read(&mut chunk).await {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(&chunk[..length]);
        // A character has four bytes at the most.
        let excess = tail.len().saturating_sub(4 * STDERR);
        tail.drain(..excess);
    }
}

/// Writes lines on a task of its own, so that a process that does not read stops nothing else.
fn writer(mut stdin: impl AsyncWrite + Send + Unpin + 'static) -> mpsc::Sender<Vec<u8>> {
    let (sender, mut lines) = mpsc::channel::<Vec<u8>>(LINES);
    tokio::spawn(async move {
        while let Some(line) = lines.recv().await {
            if let Err(error) = stdin.write_all(&line).await {
                tracing::debug!(%error, "the agent no longer reads");
                return;
            }
        }
    });
    sender
}

/// Makes this process the parent of orphans below it, so that they can be found and waited for.
fn adopt_orphans() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            tracing::warn!(%error, "orphans of agents go to the system's first process");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_end_of_stderr_is_kept() {
        let mut text = "é".repeat(9_000);
        text.push_str("the end");
        let mut stderr = Stderr::read(io::Cursor::new(text.into_bytes()));
        let tail = stderr.finish().await;
        assert_eq!(tail.chars().count(), STDERR);
        assert!(tail.ends_with("the end"));
    }

    #[test]
    fn signals_count_from_128() {
        assert_eq!(exit_code(ExitStatus::from_raw(3 << 8)), Some(3));
        assert_eq!(exit_code(ExitStatus::from_raw(9)), Some(137));
    }
}
