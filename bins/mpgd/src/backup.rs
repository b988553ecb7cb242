//! `mpgd backup`: a copy of the state, while the gateway runs or not.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::Timestamp;
use mpg_store::StateReader;
use serde::Serialize;

use crate::cli::{BackupOptions, Global};
use crate::exit::{self, Failure};
use crate::shown::bytes;
use crate::{run, state_dir};

#[derive(Debug, Serialize)]
struct Backup {
    file: PathBuf,
    bytes: u64,
}

pub(crate) fn backup(global: &Global, options: &BackupOptions) -> Result<ExitCode, Failure> {
    let directory = state_dir::locate(global)?;
    let backup = run::runtime()?.block_on(make(&directory, options.file.as_deref()))?;
    exit::print(&if options.json {
        exit::json(&backup)
    } else {
        text(&directory, &backup)
    });
    Ok(ExitCode::SUCCESS)
}

async fn make(directory: &Path, file: Option<&str>) -> Result<Backup, Failure> {
    let Some(reader) = StateReader::open(directory).await? else {
        return Err(Failure::Refused(format!(
            "there is no state in {}; nothing was copied",
            directory.display()
        )));
    };
    let file = match file {
        Some(file) => std::path::absolute(file).map_err(Failure::io(file))?,
        None => default_file(directory)?,
    };
    let bytes = reader.back_up(&file).await;
    reader.close().await;
    Ok(Backup {
        bytes: bytes?,
        file,
    })
}

/// A file that is named after the time, in a private directory beside the state.
fn default_file(directory: &Path) -> Result<PathBuf, Failure> {
    let backups = directory.join("backups");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&backups)
        .map_err(Failure::io(format!("{} cannot be made", backups.display())))?;
    let now = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S%.3fZ");
    Ok(backups.join(format!("state-{now}.db")))
}

fn text(directory: &Path, backup: &Backup) -> String {
    let state = directory.join("state.db");
    format!(
        "{file} ({size}) is a copy of the state; it holds what was said, so keep it private\n\
         to go back to it: stop the gateway, then\n  \
         mkdir {directory}/aside && mv {state}* {directory}/aside/\n  \
         cp {file} {state}\n",
        file = backup.file.display(),
        size = bytes(backup.bytes),
        directory = directory.display(),
        state = state.display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_says_how_to_go_back_to_it() {
        let backup = Backup {
            file: "/backups/monday.db".into(),
            bytes: 5_000_000,
        };
        insta::assert_snapshot!(text(Path::new("/srv/mpg"), &backup), @r"
        /backups/monday.db (4.7 MiB) is a copy of the state; it holds what was said, so keep it private
        to go back to it: stop the gateway, then
          mkdir /srv/mpg/aside && mv /srv/mpg/state.db* /srv/mpg/aside/
          cp /backups/monday.db /srv/mpg/state.db
        ");
    }
}
