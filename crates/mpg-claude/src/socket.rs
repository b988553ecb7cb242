//! Where a session's socket is.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use uuid::Uuid;

use crate::folder::Folder;
use crate::wire::fits;

/// The socket of the session in `folder`; see [`place`].
pub(crate) fn socket(folder: &Folder, elsewhere: &Path) -> io::Result<PathBuf> {
    place(&folder.path().join("socket"), elsewhere)
}

/// A socket at `within`, or where that is too long in a folder of this user's below `elsewhere`,
/// which is made.
pub(crate) fn place(within: &Path, elsewhere: &Path) -> io::Result<PathBuf> {
    if fits(within) {
        return Ok(within.to_owned());
    }
    let user = geteuid().as_raw();
    let own = elsewhere.join(format!("mpg-{user}"));
    match DirBuilder::new().mode(0o700).create(&own) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(&own)?;
    if !found.is_dir() || found.uid() != user || found.mode() & 0o077 != 0 {
        let message = format!("{} is not this user's alone; remove it", own.display());
        return Err(io::Error::other(message));
    }
    let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, within.as_os_str().as_encoded_bytes());
    let socket = own.join(name.simple().to_string());
    if fits(&socket) {
        Ok(socket)
    } else {
        let message = format!("{} is too long for a socket's path", socket.display());
        Err(io::Error::other(message))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_long_path_is_replaced_by_one_that_is_this_users_alone() {
        let elsewhere = tempfile::tempdir().unwrap();
        let at = |path: String| socket(&Folder::at(path.into()), elsewhere.path());
        let short = at("/data".to_owned()).unwrap();
        assert_eq!(short, Path::new("/data/socket"));
        let long = at(format!("/{}", "x".repeat(100))).unwrap();
        assert!(fits(&long) && long.starts_with(elsewhere.path()));
        assert_ne!(long, at(format!("/{}", "y".repeat(100))).unwrap());
        let own = long.parent().unwrap();
        fs::set_permissions(own, fs::Permissions::from_mode(0o755)).unwrap();
        let refused = at(format!("/{}", "x".repeat(100))).unwrap_err();
        assert!(refused.to_string().contains("is not this user's alone"));
    }
}
