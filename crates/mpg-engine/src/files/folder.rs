//! The folder of a turn's files, below that of its conversation, for this user alone.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use mpg_core::attachment::ImageType;
use mpg_core::id::{ConversationId, TurnId};
use mpg_core::port::Image;
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// What was submitted: its images, one on each line, an empty line, and its prompt. No file of a
/// person begins with a dot.
const SUBMISSION: &str = ".submission";

/// How long that is at the most, in bytes: what may wait in a conversation, and what files add.
const LONGEST: u64 = 4 * 1024 * 1024;

/// How often a folder is made whose parent goes meanwhile.
const ATTEMPTS: usize = 10;

/// The folder of one turn.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder of a conversation, below `root`.
    pub(super) fn of_conversation(root: &Path, conversation: &ConversationId) -> PathBuf {
        let name = conversation.to_string();
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
        root.join(id.to_string())
    }

    pub(super) fn of_turn(root: &Path, conversation: &ConversationId, turn: TurnId) -> Self {
        Self(Self::of_conversation(root, conversation).join(turn.to_string()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes it anew.
    pub(super) async fn create(&self) -> io::Result<()> {
        let path = self.0.clone();
        blocking(move || {
            absent(fs::remove_dir_all(&path))?;
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true).mode(0o700);
            // The end of the turn before may be removing the conversation's folder just now.
            for _ in 0..ATTEMPTS {
                match builder.create(&path) {
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    made => return made,
                }
            }
            builder.create(&path)
        })
        .await
    }

    /// What was submitted, if that was stored.
    pub(super) async fn stored(&self) -> Option<(Vec<Image>, String)> {
        let path = self.0.clone();
        let text = blocking(move || {
            let file = fs::File::open(path.join(SUBMISSION))?;
            let mut text = String::new();
            file.take(LONGEST).read_to_string(&mut text)?;
            Ok(text)
        })
        .await
        .ok()?;
        parse(&text)
    }

    /// Stores what is submitted.
    pub(super) async fn store(&self, images: &[Image], prompt: &str) -> io::Result<()> {
        let (path, text) = (self.0.clone(), write(images, prompt));
        blocking(move || {
            let draft = path.join(".submission.new");
            absent(fs::remove_file(&draft))?;
            let mut options = fs::OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(text.as_bytes())?;
            fs::rename(draft, path.join(SUBMISSION))
        })
        .await
    }

    /// Removes it with what is in it. Its conversation's stays: an agent may have been given that one,
    /// and would not see another of the same name.
    pub(super) async fn remove(&self) -> io::Result<()> {
        let path = self.0.clone();
        blocking(move || absent(fs::remove_dir_all(&path))).await
    }
}

/// Removes the folder of a conversation whose agent is gone, unless something is in it.
pub(super) async fn leave(folder: PathBuf) {
    drop(blocking(move || fs::remove_dir(folder)).await);
}

/// Removes all folders of turns below `root` but `live`. Those of conversations stay, for agents that
/// go on.
pub(super) async fn keep_only(root: &Path, live: &BTreeSet<PathBuf>) -> io::Result<()> {
    let (root, live) = (root.to_owned(), live.clone());
    blocking(move || {
        for conversation in entries(&root)? {
            for turn in entries(&conversation)? {
                if !live.contains(&turn) {
                    remove(&turn)?;
                }
            }
        }
        Ok(())
    })
    .await
}

/// What is in a folder, if it is there and is one.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// Removes a file, a link or a folder; what a link leads to stays.
fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(act)
        .await
        .map_err(|error| io::Error::other(error.to_string()))?
}

fn write(images: &[Image], prompt: &str) -> String {
    let mut text = String::new();
    for image in images {
        text.push_str(image.image_type.media_type());
        text.push(' ');
        text.push_str(&image.path);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(prompt);
    text
}

fn parse(text: &str) -> Option<(Vec<Image>, String)> {
    let mut images = Vec::new();
    let mut rest = text;
    loop {
        let (line, behind) = rest.split_once('\n')?;
        rest = behind;
        if line.is_empty() {
            return Some((images, rest.to_owned()));
        }
        let (media_type, path) = line.split_once(' ')?;
        let mut types = ImageType::ALL.into_iter();
        images.push(Image {
            path: path.to_owned(),
            image_type: types.find(|known| known.media_type() == media_type)?,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_gets_its_folder_while_the_one_before_goes() {
        let root = tempfile::tempdir().unwrap();
        let folder = |name: &str| Folder(root.path().join("conversation").join(name));
        for _ in 0..200 {
            let (before, next) = (folder("before"), folder("next"));
            before.create().await.unwrap();
            let (removed, made) = tokio::join!(before.remove(), next.create());
            removed.unwrap();
            made.unwrap();
            assert!(next.path().is_dir() && !before.path().exists());
            next.remove().await.unwrap();
        }
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let images: Vec<Image> = ImageType::ALL
            .into_iter()
            .map(|image_type| Image {
                path: format!("/with space/{}", image_type.media_type()),
                image_type,
            })
            .collect();
        for images in [images, Vec::new()] {
            for prompt in ["", "\n\nlook\n", "image/png x\n\nlook"] {
                let text = write(&images, prompt);
                assert_eq!(parse(&text), Some((images.clone(), prompt.to_owned())));
            }
        }
        assert_eq!(parse("image/tiff /x\n\nlook"), None);
        assert_eq!(parse("half a line"), None);
    }
}
