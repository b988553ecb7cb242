//! A configuration and a token that are written where nothing is yet, or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// The name of the file that holds the token, beside the configuration.
pub(crate) const TOKEN_FILE: &str = "discord-token";

/// For this user alone.
const PRIVATE: u32 = 0o600;

/// For this user alone, as a directory.
const PRIVATE_DIRECTORY: u32 = 0o700;

/// Files that are to be made, none of which is there yet.
#[derive(Debug)]
pub(crate) struct NewFiles {
    config: PathBuf,
    token: Option<PathBuf>,
}

impl NewFiles {
    /// Refuses files that are there already, whatever they hold; `help` says what to do about it.
    pub(crate) fn new(config: &Path, token: Option<&Path>, help: &str) -> Result<Self, Failure> {
        for file in [Some(config), token].into_iter().flatten() {
            if file.symlink_metadata().is_ok() {
                return Err(there(file, help));
            }
        }
        Ok(Self {
            config: config.to_path_buf(),
            token: token.map(Path::to_path_buf),
        })
    }

    /// Makes the files, the one with the token for this user alone. Where one of them cannot be
    /// made, none is left.
    pub(crate) fn write(&self, config: &str, token: &str) -> Result<(), Failure> {
        if let Some(directory) = self.config.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(PRIVATE_DIRECTORY)
                .create(directory)
                .map_err(Failure::io(directory.display().to_string()))?;
        }
        if let Some(file) = &self.token {
            create(file, &format!("{token}\n"))?;
        }
        let written = create(&self.config, config);
        if let (Err(_), Some(token)) = (&written, &self.token) {
            // It was made a moment ago, by this very call.
            drop(fs::remove_file(token));
        }
        written
    }
}

fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(path);
    let mut file: File = match file {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(there(
                path,
                "somebody else made it just now; look at it first",
            ));
        }
        Err(error) => return Err(Failure::io(path.display().to_string())(error)),
    };
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if written.is_err() {
        drop(fs::remove_file(path));
    }
    written.map_err(Failure::io(path.display().to_string()))
}

fn there(path: &Path, help: &str) -> Failure {
    Failure::NoConfig(format!(
        "{} is there already; nothing was written\n  help: {help}",
        path.display()
    ))
}
