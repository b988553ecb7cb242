//! One gateway a state directory.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use mpg_core::port::StoreError;

use crate::failure;

/// The lock of a state directory, held while this value lives.
///
/// It is the kernel's, so it ends with the process whatever happens. The file stays: removing it
/// would let two gateways hold locks on two files of one name.
#[derive(Debug)]
pub(crate) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Makes the directory if it is not there, and takes its lock. Blocks for as long as the disk
    /// takes, and for another gateway at most a second.
    pub(crate) fn take(directory: &Path) -> Result<Self, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| failure::file("made", directory, error))?;

        let path = directory.join("state.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| failure::file("opened", &path, error))?;
        match lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(failure::in_use(directory, pid_in(&mut file)));
            }
            Err(TryLockError::Error(error)) => {
                return Err(failure::file("locked", &path, error));
            }
        }
        sign(&mut file).map_err(|error| failure::file("written", &path, error))?;
        Ok(Self { _file: file })
    }
}

/// Tries for a second: whoever looks who owns a directory holds its lock for a moment, and so does a
/// child that a gateway had forked when it was killed, until it becomes another program.
fn lock(file: &File) -> Result<(), TryLockError> {
    const TRIES: u32 = 50;
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 1..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            ended => return ended,
        }
    }
    file.try_lock()
}

/// Who uses a state directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateOwner {
    /// Nobody: no gateway runs on it.
    Nobody,
    /// A gateway, with its process if it could be told.
    Gateway(Option<u32>),
}

/// Says who uses the state in `directory`, by the lock that only a living process holds.
///
/// # Errors
///
/// If the lock is there and cannot be read.
pub fn owner(directory: &Path) -> Result<StateOwner, StoreError> {
    let path = directory.join("state.lock");
    let failed = |error| failure::file("looked at", &path, error);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(StateOwner::Nobody),
        Err(error) => return Err(failed(error)),
    };
    // Given back at once, with the file.
    match file.try_lock_shared() {
        Ok(()) => Ok(StateOwner::Nobody),
        Err(TryLockError::WouldBlock) => Ok(StateOwner::Gateway(pid_in(&mut file))),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// The process that wrote its id, unless it is just doing so.
fn pid_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.strip_suffix('\n')?.parse().ok()
}
