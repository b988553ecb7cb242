//! A session's folder: who has the session, and what outlives its keeper.
//!
//! `lock` is held by the keeper and by the CLI that inherited it, so that nobody else takes the
//! session while either lives. `meta` says who they are, `spool` holds what was reported, and
//! `keeper.log` what went wrong.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use mpg_core::id::SessionId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::identity::Identity;

/// How much of a file about a keeper is read, in bytes.
const MAX_META: u64 = 64 << 10;

/// The folder of one session.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

/// Who keeps a session, as the keeper wrote it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// The version of the protocol on the socket.
    pub(crate) protocol: u32,
    /// The version of the keeper's program.
    pub(crate) version: String,
    pub(crate) installation: String,
    pub(crate) session: String,
    pub(crate) project: String,
    pub(crate) conversation: String,
    pub(crate) persistence: String,
    /// What every process of the agent carries in its environment.
    pub(crate) marker: String,
    pub(crate) socket: PathBuf,
    pub(crate) keeper: Identity,
    /// The CLI, which leads its process group; unset until it was started.
    pub(crate) agent: Option<Identity>,
    /// When the keeper started, in seconds since 1970.
    pub(crate) started: u64,
}

impl Folder {
    /// The folder of `session` below `root`; it need not be there.
    pub(crate) fn of(root: &Path, session: SessionId) -> Self {
        Self(root.join(session.to_string()))
    }

    /// A folder by its path.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// All folders of sessions below `root`.
    pub(crate) fn all(root: &Path) -> Vec<(SessionId, Self)> {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let mut folders: Vec<_> = entries
            .filter_map(|entry| {
                let session = Uuid::parse_str(entry.file_name().to_str()?).ok()?;
                Some((SessionId::from_uuid(session), Self(entry.path())))
            })
            .collect();
        folders.sort_by_key(|(session, _)| *session);
        folders
    }

    /// Removes what an earlier removal below `root` left.
    pub(crate) fn tidy(root: &Path) {
        for entry in fs::read_dir(root).into_iter().flatten().flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.0.join("spool")
    }

    /// The folder of the agent's temporary files.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.0.join("tmp")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("keeper.log")
    }

    /// What a keeper that reads them from a file is told; nobody else may read it.
    pub(crate) fn terms(&self) -> PathBuf {
        self.0.join("terms")
    }

    fn meta_path(&self) -> PathBuf {
        self.0.join("meta")
    }

    fn lock_path(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// Makes sure that it is there, for this user alone.
    pub(crate) fn create(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
    }

    /// Who keeps the session, if somebody said so readably.
    pub(crate) fn meta(&self) -> Option<Meta> {
        let path = self.meta_path();
        let length = fs::metadata(&path).ok()?.len();
        if length > MAX_META {
            return None;
        }
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Says who keeps the session.
    pub(crate) fn write_meta(&self, meta: &Meta) -> io::Result<()> {
        let draft = self.0.join("meta.new");
        fs::write(&draft, serde_json::to_vec(meta)?)?;
        fs::rename(draft, self.meta_path())
    }

    /// Writes a file that only this user reads.
    pub(crate) fn write_terms(&self, terms: &[u8]) -> io::Result<()> {
        use io::Write as _;
        let path = self.terms();
        drop(fs::remove_file(&path));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options.open(path)?.write_all(terms)
    }

    /// Takes the session, or says that somebody has it.
    pub(crate) fn lock(&self) -> io::Result<Option<Lock>> {
        loop {
            self.create()?;
            let path = self.lock_path();
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false).mode(0o600);
            let file = match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                file => file?,
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let held = file.metadata()?;
            let there = fs::metadata(&path);
            // It may have been removed by whoever held it before.
            if there.is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino())) {
                return Ok(Some(Lock(file)));
            }
        }
    }

    /// Whether somebody has the session. Nothing is made if nothing is there.
    pub(crate) fn is_held(&self) -> bool {
        let Ok(file) = File::open(self.lock_path()) else {
            return false;
        };
        match file.try_lock_shared() {
            Ok(()) => {
                // A copy of the descriptor may live on for a moment in a process that is started.
                let _unlocked = file.unlock().is_ok();
                false
            }
            Err(_) => true,
        }
    }

    /// Removes it with all that is in it, under its lock.
    pub(crate) fn remove(&self, lock: &Lock) {
        debug_assert!(lock.0.metadata().is_ok(), "it is held");
        if let Some(meta) = self.meta() {
            drop(fs::remove_file(meta.socket));
        }
        // By another name first, so that who comes next makes a new one.
        let name = self.0.file_name().unwrap_or_default().to_string_lossy();
        let away = self
            .0
            .with_file_name(format!(".{name}.{}", std::process::id()));
        if fs::rename(&self.0, &away).is_ok() {
            drop(fs::remove_dir_all(away));
        }
    }
}

/// A session that is held, until this is dropped and every process that inherited it is gone.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// The descriptor, for a child to inherit.
    pub(crate) fn file(&self) -> &File {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::thread::yield_now;
    use std::time::{Duration, Instant};

    use super::*;

    /// A child that another thread is starting has a copy of every descriptor until it runs its
    /// program, and holds what was let go meanwhile.
    fn gets_free(folder: &Folder) -> bool {
        let until = Instant::now() + Duration::from_secs(10);
        while folder.is_held() && Instant::now() < until {
            yield_now();
        }
        !folder.is_held()
    }

    #[test]
    fn a_session_is_held_once_and_survives_its_removal() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::of(root.path(), SessionId::from_uuid(Uuid::from_u128(1)));
        assert!(!folder.is_held());
        assert!(!folder.path().exists(), "looking makes nothing");
        let lock = folder.lock().unwrap().unwrap();
        assert!(folder.is_held());
        assert!(folder.lock().unwrap().is_none());
        folder.remove(&lock);
        assert!(!folder.path().exists());
        let other = folder.lock().unwrap().unwrap();
        drop(lock);
        assert!(folder.is_held(), "the new lock is another one");
        drop(other);
        assert!(gets_free(&folder));
        assert_eq!(Folder::all(root.path()).len(), 1);
        let mode = fs::metadata(folder.path()).unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
