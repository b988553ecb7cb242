//! Files that go out with posts: copies in a folder of the gateway's own, from the time that they are
//! handed over until their post is made.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use mpg_core::id::{FileId, SessionId};
use mpg_core::out_file::{Content, OutFile};
use mpg_core::port::{Download, Upload};
use mpg_core::post::Post;
use mpg_core::snapshot::Snapshot;
use thiserror::Error;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::warn;
use uuid::Uuid;

/// How much all copies together may take, in bytes.
const MOST: u64 = 512 * 1024 * 1024;

/// How many posts with files are on their way at once: what they hold is in memory meanwhile.
const AT_ONCE: usize = 4;

/// The folder of the copies.
#[derive(Clone, Debug)]
pub(crate) struct Copies {
    /// `None`: nothing can be handed over.
    folder: Option<PathBuf>,
    made: Arc<AtomicU64>,
    /// Who may hold the contents of a post's files in memory.
    pub(crate) at_once: Arc<Semaphore>,
}

/// Why a file was not copied.
#[derive(Debug, Error)]
pub(crate) enum CopyError {
    /// It is larger than it may be.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// There is no place for it.
    #[error("too many files wait to be posted; try again later")]
    Full,
    /// It cannot be written.
    #[error("it could not be stored on the gateway's machine")]
    Disk(#[from] io::Error),
}

impl Copies {
    pub(crate) fn in_folder(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            made: Arc::default(),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Copies a file of at most `limit` bytes, and says how large it is. Nothing is left of one that
    /// fails.
    ///
    /// # Cancel safety
    ///
    /// What is left of a copy that was not finished goes at the next start.
    pub(crate) async fn copy(
        &self,
        session: SessionId,
        content: &mut dyn Download,
        limit: u64,
    ) -> Result<(FileId, u64), CopyError> {
        let folder = self.folder.as_ref().ok_or(CopyError::Full)?;
        let (at, room) = (folder.clone(), limit);
        let taken = spawn_blocking(move || prepare(&at)).await;
        let taken = taken.map_err(io::Error::other)??;
        if taken.saturating_add(room) > MOST {
            return Err(CopyError::Full);
        }
        let file = self.next(session);
        let path = path(folder, file);
        let written = write(&path, content, limit).await;
        if written.is_err() {
            remove(&path).await;
        }
        written.map(|size| (file, size))
    }

    /// The contents of a post's files.
    pub(crate) async fn contents(&self, post: &Post) -> Result<Vec<Upload>, io::Error> {
        let mut files = Vec::new();
        for file in &post.files {
            files.push(Upload {
                name: file.name.clone(),
                bytes: self.content(file).await?,
            });
        }
        Ok(files)
    }

    async fn content(&self, file: &OutFile) -> io::Result<Arc<[u8]>> {
        let kept = match &file.content {
            Content::Text(text) => return Ok(text.as_bytes().into()),
            Content::Kept(kept) => *kept,
        };
        let folder = self.folder.as_ref().ok_or(ErrorKind::NotFound)?;
        let bytes = tokio::fs::read(path(folder, kept)).await?;
        if bytes.len() as u64 != file.size {
            return Err(ErrorKind::InvalidData.into());
        }
        Ok(bytes.into())
    }

    /// Removes copies.
    pub(crate) async fn drop_all(self, files: Vec<FileId>) {
        if let Some(folder) = &self.folder {
            for file in files {
                remove(&path(folder, file)).await;
            }
        }
    }

    /// Removes what no post has that is owed or can be owed again.
    pub(crate) async fn tidy(&self, state: &Snapshot) {
        let Some(folder) = self.folder.clone() else {
            return;
        };
        let owed = state.threads.values().flat_map(|thread| &thread.deliveries);
        let posts = owed.chain(state.dead.iter().map(|letter| &letter.post));
        let needed: BTreeSet<String> = posts
            .flat_map(|post| &post.files)
            .filter_map(OutFile::kept)
            .map(|file| file.to_string())
            .collect();
        let tidied = spawn_blocking(move || keep_only(&folder, &needed)).await;
        if let Err(error) = tidied.map_err(io::Error::other).flatten() {
            warn!(%error, "copies of files that nobody needs are left");
        }
    }

    /// An id that no other copy has, before or after a restart.
    fn next(&self, session: SessionId) -> FileId {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos();
        let name = format!("file {now}.{number}");
        FileId::from_uuid(Uuid::new_v5(&session.as_uuid(), name.as_bytes()))
    }
}

fn path(folder: &Path, file: FileId) -> PathBuf {
    folder.join(file.to_string())
}

/// Makes the folder if it is not there, and says how much is in it.
fn prepare(folder: &Path) -> io::Result<u64> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    let mut taken = 0;
    for entry in fs::read_dir(folder)? {
        // One that goes meanwhile takes nothing.
        taken += entry?.metadata().map_or(0, |found| found.len());
    }
    Ok(taken)
}

async fn write(path: &Path, content: &mut dyn Download, limit: u64) -> Result<u64, CopyError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = tokio::fs::OpenOptions::from(options).open(path).await?;
    let mut size = 0;
    loop {
        let bytes = content.next().await;
        let Some(bytes) = bytes.map_err(|error| CopyError::Unreadable(error.to_string()))? else {
            break;
        };
        size += bytes.len() as u64;
        if size > limit {
            return Err(CopyError::TooLarge(limit));
        }
        file.write_all(&bytes).await?;
    }
    // The post is promised once this returns.
    file.sync_all().await?;
    Ok(size)
}

async fn remove(path: &Path) {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            warn!(%error, "the copy of a file is not removed before the next start");
        }
        Ok(()) | Err(_) => {}
    }
}

fn keep_only(folder: &Path, needed: &BTreeSet<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| needed.contains(name)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use mpg_core::id::{DeliveryId, InstallationId};
    use mpg_core::port::FetchError;
    use mpg_core::post::PostKind;

    use super::*;

    #[derive(Debug)]
    struct Bytes(Vec<Vec<u8>>);

    #[async_trait]
    impl Download for Bytes {
        async fn next(&mut self) -> Result<Option<Vec<u8>>, FetchError> {
            Ok((!self.0.is_empty()).then(|| self.0.remove(0)))
        }
    }

    fn session() -> SessionId {
        SessionId::from_uuid(Uuid::from_u128(1))
    }

    fn post(files: &[(FileId, u64)]) -> Post {
        let id = DeliveryId::of_file(FileId::from_uuid(Uuid::from_u128(2)));
        let file = |(kept, size): &(FileId, u64)| OutFile {
            name: "a".to_owned(),
            size: *size,
            content: Content::Kept(*kept),
        };
        Post {
            files: files.iter().map(file).collect(),
            ..Post::new(id, PostKind::Notice, "see")
        }
    }

    #[tokio::test]
    async fn a_copy_is_what_was_read_until_it_is_dropped() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("out");
        let copies = Copies::in_folder(Some(folder.clone()));
        let mut content = Bytes(vec![b"one ".to_vec(), b"two".to_vec()]);
        let (file, size) = copies.copy(session(), &mut content, 7).await.unwrap();
        assert_eq!(size, 7);
        let contents = copies.contents(&post(&[(file, 7)])).await.unwrap();
        assert_eq!(&*contents[0].bytes, b"one two");
        let changed = copies.contents(&post(&[(file, 8)])).await;
        assert!(changed.is_err(), "what was damaged is not posted");
        copies.clone().drop_all(vec![file]).await;
        assert!(copies.contents(&post(&[(file, 7)])).await.is_err());
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn nothing_is_left_of_what_is_too_large() {
        let root = tempfile::tempdir().unwrap();
        let copies = Copies::in_folder(Some(root.path().to_owned()));
        let mut content = Bytes(vec![vec![0; 8]]);
        let refused = copies.copy(session(), &mut content, 7).await;
        assert!(
            matches!(refused, Err(CopyError::TooLarge(7))),
            "{refused:?}"
        );
        let refused = copies.copy(session(), &mut content, MOST + 1).await;
        assert!(matches!(refused, Err(CopyError::Full)), "{refused:?}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_start_removes_what_nobody_needs() {
        let root = tempfile::tempdir().unwrap();
        let copies = Copies::in_folder(Some(root.path().to_owned()));
        let mut kept = Vec::new();
        for _ in 0..2 {
            let mut content = Bytes(vec![b"x".to_vec()]);
            kept.push(copies.copy(session(), &mut content, 7).await.unwrap());
        }
        let mut state = Snapshot::new(InstallationId::from_uuid(Uuid::nil()));
        state.dead.push_back(mpg_core::snapshot::DeadLetter {
            root: mpg_core::id::RootId {
                channel: mpg_core::id::ChannelKey::new(
                    mpg_core::id::PlatformId::new("chat"),
                    mpg_core::id::ChannelId::new("1"),
                ),
                root: mpg_core::id::Root::Channel,
            },
            post: post(&kept[..1]),
            reason: "gone".to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
        });
        copies.tidy(&state).await;
        assert!(copies.contents(&post(&kept[..1])).await.is_ok());
        assert!(copies.contents(&post(&kept[1..])).await.is_err());
    }
}
