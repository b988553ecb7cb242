//! One run of the program.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::GitError;

/// How much of what a call complains about is kept, in bytes.
const COMPLAINT: usize = 2_000;

/// How much of what a call complains about is read, in bytes.
const COMPLAINTS: u64 = 1 << 20;

/// How long a record may be, in bytes: several of the longest paths.
const RECORD: u64 = 64 << 10;

/// How long a call may take. Checking out a large repository on a slow disk takes minutes.
const LIMIT: Duration = Duration::from_mins(10);

/// How long the program has to put its locks away when it is stopped.
const GRACE: Duration = Duration::from_secs(5);

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// Whether it was stopped because it said more than was wanted.
    pub(crate) cut: bool,
    /// What it complained about: the end of it, in one line.
    pub(crate) complaint: String,
}

/// Where what a run says goes.
pub(super) enum Sink<'a> {
    /// Into memory, up to so many bytes; more stops it.
    Bytes(&'a mut Vec<u8>, usize),
    /// Each record that ends with a zero byte, without it; `false` stops the run.
    Records(&'a mut (dyn FnMut(&[u8]) -> bool + Send)),
}

/// Runs the program to its end.
///
/// # Cancel safety
///
/// The program is asked to end when the future is dropped; it takes its locks away.
pub(super) async fn run(
    mut command: Command,
    name: &str,
    sink: Sink<'_>,
) -> Result<Ended, GitError> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = Running(command.spawn().map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            GitError::Missing
        } else {
            GitError::Start(error)
        }
    })?);
    let stdout = running.0.stdout.take();
    let stderr = running.0.stderr.take();
    let ended = timeout(LIMIT, async {
        let heard = async {
            let whole = listen(stdout, sink).await;
            if whole.is_ok_and(|whole| whole) {
                return false;
            }
            running.end(Signal::TERM);
            true
        };
        tokio::join!(heard, complaints(stderr))
    })
    .await;
    let Ok((cut, complaint)) = ended else {
        running.stop().await;
        return Err(GitError::TimedOut {
            command: name.to_owned(),
            minutes: LIMIT.as_secs() / 60,
        });
    };
    let status = if cut {
        running.stop().await
    } else {
        timeout(LIMIT, running.0.wait()).await.ok()
    };
    match status {
        Some(Ok(status)) => Ok(Ended {
            status,
            cut,
            complaint,
        }),
        Some(Err(error)) => Err(GitError::Start(error)),
        None => Err(GitError::TimedOut {
            command: name.to_owned(),
            minutes: LIMIT.as_secs() / 60,
        }),
    }
}

/// A program that is asked to end when nobody waits for it any more.
struct Running(Child);

impl Running {
    fn end(&self, signal: Signal) {
        let pid = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            // It may have ended by itself meanwhile, and is not waited for yet.
            let _gone = kill_process(pid, signal);
        }
    }

    async fn stop(&mut self) -> Option<std::io::Result<ExitStatus>> {
        self.end(Signal::TERM);
        if let Ok(ended) = timeout(GRACE, self.0.wait()).await {
            return Some(ended);
        }
        self.end(Signal::KILL);
        Some(self.0.wait().await)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(Signal::TERM);
    }
}

/// Whether everything that it said was taken.
async fn listen(stream: Option<impl AsyncRead + Unpin>, sink: Sink<'_>) -> std::io::Result<bool> {
    let Some(stream) = stream else {
        return Ok(true);
    };
    match sink {
        Sink::Bytes(kept, limit) => {
            let mut bounded = stream.take(limit as u64 + 1);
            bounded.read_to_end(kept).await?;
            let whole = kept.len() <= limit;
            kept.truncate(limit);
            Ok(whole)
        }
        Sink::Records(take) => {
            let mut stream = BufReader::new(stream);
            let mut record = Vec::new();
            loop {
                record.clear();
                let mut bounded = (&mut stream).take(RECORD);
                let read = bounded.read_until(0, &mut record).await?;
                if read == 0 {
                    return Ok(true);
                }
                if record.last() == Some(&0) {
                    record.pop();
                } else if read as u64 == RECORD {
                    return Ok(false);
                }
                if !take(&record) {
                    return Ok(false);
                }
            }
        }
    }
}

async fn complaints(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut kept = Vec::new();
    if let Some(mut stream) = stream {
        let mut bounded = (&mut stream).take(COMPLAINTS);
        // What cannot be read is as good as not said: the exit code decides.
        let _read = bounded.read_to_end(&mut kept).await;
        let _rest = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
    let text = String::from_utf8_lossy(&kept);
    let text = text.trim();
    let start = text.ceil_char_boundary(text.len().saturating_sub(COMPLAINT));
    let text = text[start..].chars();
    text.map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}
