//! One gateway a state directory.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

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
    /// takes, never for another gateway.
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
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(failure::in_use(directory, owner(&mut file)));
            }
            Err(TryLockError::Error(error)) => {
                return Err(failure::file("locked", &path, error));
            }
        }
        sign(&mut file).map_err(|error| failure::file("written", &path, error))?;
        Ok(Self { _file: file })
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// The process that wrote its id, unless it is just doing so.
fn owner(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.strip_suffix('\n')?.parse().ok()
}
