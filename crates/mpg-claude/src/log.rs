//! What went wrong in a keeper, for whoever looks for it later.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How large the file grows, in bytes; what comes behind that is lost.
const LIMIT: u64 = 256 << 10;
/// How much of its end is read, in bytes.
const TAIL: usize = 1_000;

/// A keeper's log.
#[derive(Debug)]
pub(crate) struct Log(PathBuf);

impl Log {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Writes a line. Where that is not possible, there is nobody to tell.
    pub(crate) fn line(&self, line: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = now.map_or(0, |now| now.as_secs());
        drop(self.append(&format!("{seconds} {line}\n")));
    }

    fn append(&self, line: &str) -> io::Result<()> {
        let length = fs::metadata(&self.0).map_or(0, |file| file.len());
        if length + line.len() as u64 > LIMIT {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        options.open(&self.0)?.write_all(line.as_bytes())
    }
}

/// The last line of a log, without its time.
pub(crate) fn last_line(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().last()?;
    let said = line.split_once(' ').map_or(line, |(_, said)| said);
    Some(said.chars().take(TAIL).collect())
}
