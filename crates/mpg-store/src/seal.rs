//! The seal of a state that was closed: what its file was, so that the next start can tell whether it
//! still is that.
//!
//! SQLite has checksums in its write-ahead log and none in the database file: a letter that turned
//! into another one on the disk is read as if it had been written. A process that is killed leaves
//! no seal; then SQLite's own check of its structure is all that there is.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crc32fast::Hasher;
use mpg_core::port::StoreError;

use crate::failure;

/// The largest file that is checked at each start, in bytes: about a tenth of a second of reading.
/// A larger one is checked by `mpgd doctor` only.
pub(crate) const CHECKED_AT_OPENING: u64 = 64 * 1024 * 1024;

/// What the first line of a seal begins with, and the form of the rest.
const FORM: &str = "mpg-seal 1";

/// The longest seal, in bytes.
const MAX_LENGTH: u64 = 128;

const PIECE: usize = 64 * 1024;

/// What a seal says about the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// The file is what it was.
    Whole,
    /// There is none: the last gateway did not close the state, or the file is large.
    Missing,
}

/// Compares the file with its seal. No connection to the file may be open in this process.
pub(crate) fn check(file: &Path) -> Result<Seal, StoreError> {
    let seal = path(file);
    let mut said = Vec::new();
    match File::open(&seal).and_then(|seal| seal.take(MAX_LENGTH).read_to_end(&mut said)) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Seal::Missing),
        Err(error) => return Err(failure::file("read", &seal, error)),
    }
    let is = sealed(file).map_err(|error| failure::file("read", file, error))?;
    if said == is.as_bytes() {
        return Ok(Seal::Whole);
    }
    Err(failure::foreign(
        file,
        "is not what the gateway closed: it was damaged, or changed by another program",
    ))
}

/// Breaks the seal, for good, before the file is changed.
pub(crate) fn remove(file: &Path) -> Result<(), StoreError> {
    let seal = path(file);
    let removed = match fs::remove_file(&seal) {
        Ok(()) => sync_directory_of(&seal),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(|error| failure::file("removed", &seal, error))
}

/// Seals a file that no connection of this process has open any more.
pub(crate) fn put(file: &Path) -> Result<(), StoreError> {
    let seal = path(file);
    let large = fs::metadata(file).is_ok_and(|file| file.len() > CHECKED_AT_OPENING);
    if large {
        return Ok(());
    }
    let written = sealed(file).and_then(|text| {
        let new = seal.with_extension("db-seal.new");
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut opened = options.open(&new)?;
        opened.write_all(text.as_bytes())?;
        opened.sync_all()?;
        fs::rename(&new, &seal)
    });
    written.map_err(|error| failure::file("sealed", file, error))
}

/// Waits until what was made, renamed or removed beside `file` is on the disk.
pub(crate) fn sync_directory_of(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

fn path(file: &Path) -> PathBuf {
    file.with_extension("db-seal")
}

fn sealed(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let mut hasher = Hasher::new();
    let mut piece = vec![0; PIECE];
    let mut length = 0_u64;
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(&piece[..read]);
                length += read as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(format!("{FORM} {length} {:08x}\n", hasher.finalize()))
}
