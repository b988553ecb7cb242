//! Files of a workspace that are handed to people: nothing but what is really in it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use mpg_core::port::{Download, FetchError, WorkspaceError};
use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};
use rustix::io::Errno;
use tokio::io::AsyncReadExt as _;
use tokio::task::spawn_blocking;

/// How much is read at once, in bytes.
const PIECE: usize = 64 * 1024;

/// Opens a file below `directory`: by a path that is relative to it or leads into it. Links are
/// followed where they stay inside; what is below one of `protected` is not opened.
pub(crate) async fn open_below(
    directory: &str,
    path: &str,
    protected: &[PathBuf],
) -> Result<Box<dyn Download>, WorkspaceError> {
    let (directory, path) = (PathBuf::from(directory), PathBuf::from(path));
    let protected = protected.to_vec();
    let opened = spawn_blocking(move || opened(&directory, &path, &protected)).await;
    let opened = opened.unwrap_or_else(|error| Err(error.to_string()));
    match opened {
        Ok(file) => Ok(Box::new(Handed(tokio::fs::File::from_std(file)))),
        Err(message) => Err(WorkspaceError { message }),
    }
}

fn opened(directory: &Path, path: &Path, protected: &[PathBuf]) -> Result<File, String> {
    let unusable = |error: io::Error| format!("the working directory cannot be used: {error}");
    let directory = std::path::absolute(directory).map_err(unusable)?;
    let canonical = directory.canonicalize().map_err(unusable)?;
    let relative = if path.is_absolute() {
        let inside = path.strip_prefix(&directory);
        let inside = inside.or_else(|_| path.strip_prefix(&canonical));
        inside.map_err(|_| outside())?
    } else {
        path
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = open(&directory, flags, Mode::empty()).map_err(|error| unusable(error.into()))?;
    // A pipe without a writer is not waited for.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let file = openat2(&root, relative, flags, Mode::empty(), resolve);
    let file = File::from(file.map_err(refusal)?);
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let found = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let found = found.map_err(|error| error.to_string())?;
    let kept_out = protected
        .iter()
        .any(|kept| found.starts_with(kept.canonicalize().as_ref().unwrap_or(kept)));
    if kept_out {
        return Err("it belongs to the gateway".to_owned());
    }
    Ok(file)
}

fn refusal(error: Errno) -> String {
    match error {
        Errno::XDEV => outside(),
        Errno::NOENT | Errno::NOTDIR => "it is not there".to_owned(),
        Errno::LOOP => "its links lead nowhere".to_owned(),
        Errno::NXIO => "it is no regular file".to_owned(),
        error => io::Error::from(error).to_string(),
    }
}

fn outside() -> String {
    "it is outside of the working directory; copy it there first".to_owned()
}

/// A file while it is read.
#[derive(Debug)]
struct Handed(tokio::fs::File);

#[async_trait]
impl Download for Handed {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, FetchError> {
        let mut piece = vec![0; PIECE];
        let read = self.0.read(&mut piece).await;
        let read = read.map_err(|error| FetchError::Transient(error.to_string()))?;
        piece.truncate(read);
        Ok((read > 0).then_some(piece))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    async fn read(directory: &Path, path: &str, protected: &[PathBuf]) -> Result<String, String> {
        let directory = directory.to_str().unwrap();
        let opened = open_below(directory, path, protected).await;
        let mut file = opened.map_err(|error| error.message)?;
        let mut content = Vec::new();
        while let Some(piece) = file.next().await.unwrap() {
            content.extend(piece);
        }
        Ok(String::from_utf8(content).unwrap())
    }

    #[tokio::test]
    async fn only_what_is_in_the_workspace_is_opened() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        let work = base.join("work");
        fs::create_dir_all(work.join("sub")).unwrap();
        fs::write(work.join("a.txt"), "inside").unwrap();
        fs::write(base.join("secret"), "outside").unwrap();
        symlink("../a.txt", work.join("sub/link")).unwrap();
        symlink(base.join("secret"), work.join("out")).unwrap();
        symlink("..", work.join("up")).unwrap();
        symlink("loop", work.join("loop")).unwrap();
        symlink("/proc/self/environ", work.join("environ")).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(work.join("pipe"))
                .status()
                .unwrap()
                .success()
        );
        let absolute = |name: &str| work.join(name).to_str().unwrap().to_owned();
        let inside = Ok("inside".to_owned());
        for path in [
            "a.txt",
            "sub/../a.txt",
            "./sub/link",
            &absolute("a.txt"),
            &absolute("sub/link"),
        ] {
            assert_eq!(read(&work, path, &[]).await, inside, "{path}");
        }
        for path in [
            "../secret",
            "up/secret",
            "out",
            "environ",
            "sub/../../secret",
            "/etc/passwd",
            &absolute("../secret"),
            base.join("secret").to_str().unwrap(),
        ] {
            assert_eq!(read(&work, path, &[]).await, Err(outside()), "{path}");
        }
        let no_file = Err("it is no regular file".to_owned());
        for path in ["", ".", "sub", "pipe"] {
            let refused = read(&work, path, &[]).await;
            assert!(
                refused == no_file || path.is_empty() && refused.is_err(),
                "{path}: {refused:?}"
            );
        }
        assert_eq!(
            read(&work, "none", &[]).await,
            Err("it is not there".to_owned())
        );
        assert!(read(&work, "loop", &[]).await.is_err());

        let linked = base.join("linked");
        symlink(&work, &linked).unwrap();
        assert_eq!(read(&linked, "a.txt", &[]).await, inside);
        assert_eq!(read(&linked, &absolute("a.txt"), &[]).await, inside);
    }

    #[tokio::test]
    async fn what_is_the_gateways_own_stays_here() {
        let work = tempfile::tempdir().unwrap();
        let work = work.path();
        fs::create_dir(work.join("state")).unwrap();
        fs::write(work.join("state/state.db"), "secret").unwrap();
        fs::write(work.join("mpg.toml"), "secret").unwrap();
        symlink("state/state.db", work.join("innocent")).unwrap();
        let protected = [work.join("state"), work.join("mpg.toml"), work.join("none")];
        for path in ["state/state.db", "mpg.toml", "innocent"] {
            let refused = read(work, path, &protected).await;
            assert_eq!(
                refused,
                Err("it belongs to the gateway".to_owned()),
                "{path}"
            );
        }
    }
}
