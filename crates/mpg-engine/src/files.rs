//! Files that came with messages, on this machine: fetched before their turn runs, gone with it.

mod download;
mod folder;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mpg_core::attachment::{
    Form, Given, ImageType, LeftOut, MAX_IMAGE, MAX_IMAGES, MAX_TEXT, MAX_TEXTS, Omission,
    file_name, left_out, prompt, text,
};
use mpg_core::event::TurnFiles;
use mpg_core::id::{ConversationId, TurnId};
use mpg_core::message::Attachment;
use mpg_core::port::{Image, Outbox, Submission};
use mpg_core::snapshot::Snapshot;
use tokio::fs;
use tokio::time::Instant;
use tracing::warn;

use self::download::{Fetched, fetch};
use self::folder::Folder;

/// How long all files of one turn may take. What has not come by then is left out.
const LIMIT: Duration = Duration::from_mins(2);

/// Where files are kept, if anywhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    root: Option<PathBuf>,
}

/// A turn's files while they are brought together.
pub(crate) struct Gathering {
    pub(crate) conversation: ConversationId,
    pub(crate) turn: TurnId,
    pub(crate) files: TurnFiles,
    pub(crate) submission: Submission,
    pub(crate) outbox: Option<Arc<dyn Outbox>>,
}

/// What is submitted, and which files are missing from it of which nobody knows yet.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) submission: Submission,
    pub(crate) left_out: Vec<LeftOut>,
}

impl Files {
    pub(crate) fn in_folder(root: Option<PathBuf>) -> Self {
        Self { root }
    }

    /// The folder that the files of a conversation are in, as its agent is told it.
    pub(crate) fn of(&self, conversation: &ConversationId) -> Option<String> {
        let root = self.root.as_ref()?;
        let folder = Folder::of_conversation(root, conversation);
        folder.to_str().map(str::to_owned)
    }

    /// Forgets a conversation whose agent is gone.
    pub(crate) async fn leave(&self, conversation: &ConversationId) {
        if let Some(root) = &self.root {
            folder::leave(Folder::of_conversation(root, conversation)).await;
        }
    }

    /// Fetches the files of a turn and puts them into what is submitted.
    ///
    /// What was made of them is stored before it is submitted, and found again: a submission that
    /// is repeated is the same.
    ///
    /// # Cancel safety
    ///
    /// What was fetched is dropped with the turn or before it is fetched again.
    pub(crate) async fn gather(self, gathering: Gathering) -> Gathered {
        let Gathering {
            conversation,
            turn,
            files,
            mut submission,
            outbox,
        } = gathering;
        let (Some(root), Some(outbox)) = (self.root, outbox) else {
            let missing = all(&files.wanted, &Omission::Unsupported);
            return plain(submission, files.left_out, missing);
        };
        if files.wanted.is_empty() {
            return plain(submission, files.left_out, Vec::new());
        }
        let folder = Folder::of_turn(&root, &conversation, turn);
        if let Some((images, asked)) = folder.stored().await {
            submission.images = images;
            submission.prompt = asked;
            let left_out = Vec::new();
            return Gathered {
                submission,
                left_out,
            };
        }
        if let Err(error) = folder.create().await {
            warn!(%turn, %error, "the folder for a turn's files could not be made");
            let missing = all(&files.wanted, &Omission::NotKept);
            return plain(submission, files.left_out, missing);
        }
        let mut collection = Collection::default();
        let until = Instant::now() + LIMIT;
        for (index, attachment) in files.wanted.iter().enumerate() {
            // Numbered, so that two of one name are two, and none has a name that means something.
            let name = file_name(&attachment.name);
            let path = folder.path().join(format!("{}-{name}", index + 1));
            let fetched = fetch(outbox.as_ref(), attachment, files.limit, &path, until).await;
            collection.take(attachment, name, &path, fetched).await;
        }
        let mut missing = files.left_out;
        missing.extend(collection.missing.iter().cloned());
        submission.prompt = prompt(&submission.prompt, &collection.given, &missing);
        submission.images = collection.images;
        if let Err(error) = folder.store(&submission.images, &submission.prompt).await {
            // A repetition after a crash would fetch them once more.
            warn!(%turn, %error, "what is submitted was not stored");
        }
        Gathered {
            submission,
            left_out: collection.missing,
        }
    }

    /// Removes the files of a turn.
    pub(crate) async fn drop_turn(self, conversation: ConversationId, turn: TurnId) {
        let Some(root) = self.root else {
            return;
        };
        if let Err(error) = Folder::of_turn(&root, &conversation, turn).remove().await {
            warn!(%turn, %error, "a turn's files are not removed before the next start");
        }
    }

    /// Removes what turns left that have ended.
    pub(crate) async fn tidy(&self, state: &Snapshot) {
        let Some(root) = &self.root else {
            return;
        };
        let mut live = BTreeSet::new();
        for (thread, known) in &state.threads {
            for (agent, conversation) in &known.conversations {
                let Some(running) = &conversation.running else {
                    continue;
                };
                let id = ConversationId {
                    root: thread.clone(),
                    agent: agent.clone(),
                };
                let folder = Folder::of_turn(root, &id, running.turn.id);
                live.insert(folder.path().to_owned());
            }
        }
        if let Err(error) = folder::keep_only(root, &live).await {
            warn!(%error, "files of turns that ended are left");
        }
    }
}

/// What became of the files so far.
#[derive(Default)]
struct Collection {
    given: Vec<Given>,
    images: Vec<Image>,
    missing: Vec<LeftOut>,
    /// How much of them is shown.
    image_bytes: u64,
    /// How much of them stands in the prompt.
    text_bytes: u64,
}

impl Collection {
    async fn take(
        &mut self,
        attachment: &Attachment,
        name: String,
        path: &Path,
        fetched: Result<Fetched, Omission>,
    ) {
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(why) => return self.missing.push(left_out(attachment, why)),
        };
        let Some(path_text) = path.to_str() else {
            return self.missing.push(left_out(attachment, Omission::NotKept));
        };
        let size = fetched.size;
        let form = match self.form(path, path_text, &fetched).await {
            Ok(form) => form,
            Err(error) => {
                warn!(%error, "a file that was fetched cannot be read");
                return self.missing.push(left_out(attachment, Omission::NotKept));
            }
        };
        self.given.push(Given {
            name,
            size,
            path: path_text.to_owned(),
            form,
        });
    }

    async fn form(&mut self, path: &Path, path_text: &str, fetched: &Fetched) -> io::Result<Form> {
        let size = fetched.size;
        if let Some(image_type) = ImageType::of(&fetched.head) {
            if size > MAX_IMAGE || self.image_bytes + size > MAX_IMAGES {
                return Ok(Form::File);
            }
            self.image_bytes += size;
            self.images.push(Image {
                path: path_text.to_owned(),
                image_type,
            });
            return Ok(Form::Image);
        }
        if size > MAX_TEXT || self.text_bytes + size > MAX_TEXTS {
            return Ok(Form::File);
        }
        let bytes = fs::read(path).await?;
        let Some(text) = text(&bytes) else {
            return Ok(Form::File);
        };
        self.text_bytes += size;
        Ok(Form::Text(text.to_owned()))
    }
}

fn all(wanted: &[Attachment], why: &Omission) -> Vec<LeftOut> {
    let wanted = wanted.iter();
    wanted
        .map(|attachment| left_out(attachment, why.clone()))
        .collect()
}

/// A submission without files; of `known` people know already that they are missing.
fn plain(mut submission: Submission, known: Vec<LeftOut>, missing: Vec<LeftOut>) -> Gathered {
    let mut named = known;
    named.extend(missing.iter().cloned());
    submission.prompt = prompt(&submission.prompt, &[], &named);
    Gathered {
        submission,
        left_out: missing,
    }
}
