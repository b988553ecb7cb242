//! The folder of programs that agents find first: this one, under its own name.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};

/// The folder, below the state.
const FOLDER: &str = "agent";

/// What agents call.
const NAME: &str = "mpgd";

/// The folder of a state: what agents get to see of the gateway, the socket that they speak to included.
pub(crate) fn folder(state: &Path) -> io::Result<PathBuf> {
    Ok(std::path::absolute(state)?.join(FOLDER))
}

/// Makes the folder of a state, whose lock is held, and links this program in it. It is linked anew
/// at each start, so that an update that moves it is no problem.
pub(crate) fn provide(state: &Path) -> io::Result<PathBuf> {
    let folder = folder(state)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    let (link, draft) = (folder.join(NAME), folder.join(".mpgd.new"));
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    symlink(std::env::current_exe()?, &draft)?;
    fs::rename(draft, link)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_leads_to_this_program_whatever_it_led_to() {
        let state = tempfile::tempdir().unwrap();
        let folder = provide(state.path()).unwrap();
        let link = folder.join(NAME);
        let this = std::env::current_exe().unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), this);
        fs::remove_file(&link).unwrap();
        symlink("/nowhere", &link).unwrap();
        symlink("/nowhere", folder.join(".mpgd.new")).unwrap();
        assert_eq!(provide(state.path()).unwrap(), folder);
        assert_eq!(fs::read_link(&link).unwrap(), this);
    }
}
