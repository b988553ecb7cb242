//! The log as files: lines of JSON, in a file that is set aside when it is full.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// The name of the file that is written.
pub(crate) const NAME: &str = "mpgd.log";

/// How many files there are, the one that is written included.
pub(crate) const FILES: usize = 5;

/// How long a file gets, in bytes.
const LENGTH: u64 = 10 * 1024 * 1024;

/// How many lines may wait for the disk; what is more is counted and lost, so that a slow disk
/// holds nothing up.
const WAITING: usize = 8 * 1024;

/// The longest line that is written, in bytes.
const MAX_LINE: usize = 64 * 1024;

/// How long the end of the process waits for lines that are not written yet.
const PATIENCE: Duration = Duration::from_secs(2);

/// A log in files, written by a thread of its own.
#[derive(Clone, Debug)]
pub(crate) struct LogFile {
    lines: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

/// Waits, when it is dropped, until what was logged is written.
#[derive(Debug)]
pub(crate) struct Flush {
    lines: SyncSender<Message>,
    open: Option<SyncSender<Files>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    End,
}

impl LogFile {
    /// A log whose lines wait until its directory is known.
    pub(crate) fn pending() -> io::Result<(Self, Flush)> {
        let (sender, lines) = sync_channel(WAITING);
        let (open, opened) = sync_channel::<Files>(1);
        let lost = Arc::new(AtomicU64::new(0));
        let log = Self {
            lines: sender.clone(),
            lost: Arc::clone(&lost),
        };
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                if let Ok(mut files) = opened.recv() {
                    write_all(&lines, &mut files, &lost);
                }
            })?;
        let flush = Flush {
            lines: sender,
            open: Some(open),
            thread: Some(thread),
        };
        Ok((log, flush))
    }
}

impl Flush {
    /// Writes into a directory from now on, and what has waited. The directory is made for this user
    /// alone.
    pub(crate) fn open(&mut self, directory: &Path) -> io::Result<()> {
        let files = Files::open(directory, LENGTH)?;
        if let Some(open) = self.open.take() {
            // The thread waits for just this.
            drop(open.send(files));
        }
        Ok(())
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        if self.open.take().is_some() {
            // Nothing was ever to be written.
            return;
        }
        let until = Instant::now() + PATIENCE;
        let mut end = Message::End;
        while let Err(TrySendError::Full(back)) = self.lines.try_send(end) {
            if Instant::now() > until {
                return;
            }
            end = back;
            std::thread::sleep(Duration::from_millis(10));
        }
        while let Some(thread) = &self.thread
            && !thread.is_finished()
            && Instant::now() < until
        {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl<'w> MakeWriter<'w> for LogFile {
    type Writer = Line;

    fn make_writer(&'w self) -> Line {
        Line {
            log: self.clone(),
            text: Vec::new(),
        }
    }
}

/// One line while it is put together.
#[derive(Debug)]
pub(crate) struct Line {
    log: LogFile,
    text: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = MAX_LINE.saturating_sub(self.text.len());
        self.text.extend(bytes.iter().take(room));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut text = std::mem::take(&mut self.text);
        if text.last() != Some(&b'\n') {
            text.push(b'\n');
        }
        if self.log.lines.try_send(Message::Line(text)).is_err() {
            self.log.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write_all(lines: &Receiver<Message>, files: &mut Files, lost: &AtomicU64) {
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(Message::Line(line)) => files.write(&line),
            Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            files.write(
                format!(
                    "{{\"level\":\"WARN\",\"message\":\"{lost} lines of the log were lost: the \
                     disk is slow\",\"target\":\"mpgd\"}}\n"
                )
                .as_bytes(),
            );
        }
    }
}

/// The file that is written, and those that were set aside.
#[derive(Debug)]
struct Files {
    path: PathBuf,
    file: File,
    length: u64,
    limit: u64,
}

impl Files {
    fn open(directory: &Path, limit: u64) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
        let path = directory.join(NAME);
        let file = append(&path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            length,
            limit,
        })
    }

    /// Writes a line. Where that cannot be done, it is on standard error all the same, and nobody
    /// else can be told.
    fn write(&mut self, line: &[u8]) {
        if self.length > 0 && self.length + line.len() as u64 > self.limit {
            // A file that cannot be set aside goes on.
            drop(self.rotate());
        }
        if self.file.write_all(line).is_ok() {
            self.length += line.len() as u64;
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..FILES - 1).rev() {
            let older = numbered(&self.path, number + 1);
            match fs::rename(numbered(&self.path, number), older) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        fs::rename(&self.path, numbered(&self.path, 1))?;
        self.file = append(&self.path)?;
        self.length = 0;
        Ok(())
    }
}

/// The name of a file that was set aside; the newest has the number 1.
pub(crate) fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_files_are_set_aside_and_the_oldest_go() {
        let home = tempfile::tempdir().unwrap();
        let mut files = Files::open(home.path(), 20).unwrap();
        for number in 0..20 {
            files.write(format!("line {number:02}.\n").as_bytes());
        }
        let mut kept = Vec::new();
        for entry in fs::read_dir(home.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            kept.push((name, fs::read_to_string(path).unwrap()));
        }
        kept.sort();
        let expected = [
            "line 18.\nline 19.\n",
            "line 16.\nline 17.\n",
            "line 14.\nline 15.\n",
        ];
        assert_eq!(kept.len(), FILES);
        for ((_, text), expected) in kept.iter().zip(expected) {
            assert_eq!(text, expected);
        }
        drop(files);
        let again = Files::open(home.path(), 20).unwrap();
        assert_eq!(again.length, 18, "it goes on in the same file");
    }

    #[test]
    fn what_was_logged_is_written_at_the_end() {
        let home = tempfile::tempdir().unwrap();
        let (log, mut flush) = LogFile::pending().unwrap();
        for number in 0..1_000 {
            let mut line = log.make_writer();
            line.write_all(format!("{number}").as_bytes()).unwrap();
        }
        flush.open(home.path()).unwrap();
        let mut endless = log.make_writer();
        endless.write_all(&vec![b'x'; MAX_LINE * 2]).unwrap();
        drop(endless);
        drop(flush);
        let text = fs::read_to_string(home.path().join(NAME)).unwrap();
        assert_eq!(text.lines().count(), 1_001);
        assert_eq!(text.lines().last().unwrap().len(), MAX_LINE);
    }
}
