//! Small files of a repository, which anybody may have put there.

use std::io;
use std::path::{Component, Path, PathBuf};

use tokio::fs;
use tokio::io::AsyncReadExt as _;

/// How large a file may be, in bytes.
const LARGEST: u64 = 1 << 20;

/// The text of a small file; `None` where there is none.
///
/// # Errors
///
/// If it is something else than a file of at most 1 MiB: a link, a pipe, a device.
pub(crate) async fn read(path: &Path) -> io::Result<Option<String>> {
    let found = match fs::symlink_metadata(path).await {
        Ok(found) => found,
        Err(error) if absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    if !found.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    let file = fs::File::open(path).await?;
    file.take(LARGEST + 1).read_to_string(&mut text).await?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!(
            "it has more than {LARGEST} bytes"
        )));
    }
    Ok(Some(text))
}

/// Replaces a file as a whole.
pub(crate) async fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    remove(&new).await?;
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).open(&new).await?;
    tokio::io::AsyncWriteExt::write_all(&mut file, text.as_bytes()).await?;
    file.sync_all().await?;
    fs::rename(&new, path).await
}

/// Removes a file that need not be there.
pub(crate) async fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path).await {
        Err(error) if !absent(&error) => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether something is there, be it a link to nothing.
pub(crate) async fn is_there(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path).await {
        Ok(_) => Ok(true),
        Err(error) if absent(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A path without `.` and `..`, by its words alone.
pub(crate) fn cleaned(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                cleaned.pop();
            }
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => cleaned.push(part),
        }
    }
    cleaned
}

fn absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_small_files_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        assert_eq!(read(&path).await.unwrap(), None);
        write(&path, "one").await.unwrap();
        write(&path, "two").await.unwrap();
        assert_eq!(read(&path).await.unwrap().as_deref(), Some("two"));
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        assert!(read(&link).await.is_err());
        std::fs::write(&path, vec![b'x'; (1 << 20) + 1]).unwrap();
        assert!(read(&path).await.is_err());
        assert!(read(directory.path()).await.is_err());
    }

    #[test]
    fn paths_are_cleaned_by_their_words() {
        for (path, expected) in [
            ("/a/b/../c/./d", "/a/c/d"),
            ("/../a", "/a"),
            ("/a/.git", "/a/.git"),
        ] {
            assert_eq!(cleaned(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
