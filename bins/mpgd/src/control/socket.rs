//! Where the control socket is, and who may speak through it.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use tokio::net::UnixListener;
use uuid::Uuid;

use crate::privacy::is_private;

/// The longest path of a socket that every system takes, in bytes.
const MAX_PATH: usize = 103;

/// The path of a state's control socket: in its directory, or, where that is too long a path, in a
/// private directory of this user under a name that is derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SocketPath {
    path: PathBuf,
    /// The directory that has to be there, and private, where it is not the state's own.
    shelter: Option<PathBuf>,
}

impl SocketPath {
    /// The path of the operator's socket, for a state directory.
    pub(crate) fn of(directory: &Path, environment: &BTreeMap<String, String>) -> Self {
        Self::named("control", directory, environment)
    }

    /// The path of a socket of this name, for a state directory.
    pub(crate) fn named(
        socket: &str,
        directory: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Self {
        let path = directory.join(socket);
        if path.as_os_str().len() <= MAX_PATH {
            return Self {
                path,
                shelter: None,
            };
        }
        let base = ["XDG_RUNTIME_DIR", "TMPDIR"]
            .iter()
            .filter_map(|name| environment.get(*name))
            .find(|base| base.starts_with('/') && base.len() <= MAX_PATH / 2)
            .map_or("/tmp", String::as_str);
        let shelter = Path::new(base).join(format!("mpg-{}", geteuid().as_raw()));
        let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, path.as_os_str().as_encoded_bytes());
        Self {
            path: shelter.join(format!("{socket}-{}", name.simple())),
            shelter: Some(shelter),
        }
    }

    pub(crate) fn as_path(&self) -> &Path {
        &self.path
    }

    /// Fails where somebody else could have put the socket there.
    pub(crate) fn check(&self) -> io::Result<()> {
        let Some(shelter) = &self.shelter else {
            return Ok(());
        };
        let found = fs::symlink_metadata(shelter)?;
        if found.is_dir() && found.uid() == geteuid().as_raw() && is_private(&found) {
            return Ok(());
        }
        Err(io::Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "{} is not a private directory of this user",
                shelter.display()
            ),
        ))
    }

    pub(crate) fn remove(&self) {
        drop(fs::remove_file(&self.path));
    }
}

/// Binds the socket, in place of one that a gateway left behind.
pub(crate) fn bind(path: &SocketPath) -> io::Result<UnixListener> {
    if let Some(shelter) = &path.shelter {
        match DirBuilder::new().mode(0o700).create(shelter) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => path.check()?,
        }
    }
    path.remove();
    let listener = UnixListener::bind(&path.path)?;
    fs::set_permissions(&path.path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Whether a user may speak to the gateway.
pub(crate) fn is_trusted(uid: u32) -> bool {
    uid == geteuid().as_raw() || uid == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_one_of_its_own() {
        let environment: BTreeMap<String, String> =
            [("XDG_RUNTIME_DIR".to_owned(), "/run/user/1".to_owned())].into();
        let short = SocketPath::of(Path::new("/srv/mpg"), &environment);
        assert_eq!(short.as_path(), Path::new("/srv/mpg/control"));

        let long = |name: &str| format!("/{}/{name}", "x".repeat(100));
        let one = SocketPath::of(Path::new(&long("one")), &environment);
        let two = SocketPath::of(Path::new(&long("two")), &environment);
        assert_ne!(one, two);
        for path in [one, two] {
            let path = path.as_path();
            assert!(path.as_os_str().len() <= MAX_PATH, "{}", path.display());
            assert!(path.starts_with("/run/user/1"), "{}", path.display());
        }
        let nowhere = SocketPath::of(Path::new(&long("one")), &BTreeMap::new());
        assert!(nowhere.as_path().starts_with("/tmp"), "{nowhere:?}");
    }

    #[test]
    fn only_this_user_and_root_are_trusted() {
        assert!(is_trusted(geteuid().as_raw()));
        assert!(is_trusted(0));
        assert!(!is_trusted(geteuid().as_raw() + 1));
    }
}
