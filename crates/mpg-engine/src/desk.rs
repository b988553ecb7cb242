//! Where agents hand files over.

use std::collections::BTreeMap;
use std::sync::Arc;

use mpg_core::attachment::file_name;
use mpg_core::id::{FileId, SessionId};
use mpg_core::out_file::{Content, LONGEST_CAPTION, Offer, OfferRefusal, OutFile};
use mpg_core::port::Workspaces;
use thiserror::Error;
use tokio::sync::oneshot;
use tracing::info;

use crate::control::{ControlError, ControlHandle, Request};
use crate::copies::{Copies, CopyError};

/// Takes files from agents, for the threads that they speak in. Clones are one desk.
#[derive(Clone, Debug)]
pub struct FileDesk {
    pub(crate) control: ControlHandle,
    pub(crate) workspaces: Arc<dyn Workspaces>,
    pub(crate) copies: Copies,
}

/// A file that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenFile {
    /// The name that people see.
    pub name: String,
    /// How large it is, in bytes.
    pub size: u64,
}

/// Why files were not taken: none of them was.
#[derive(Debug, Error)]
pub enum HandOverError {
    /// The thread does not take them.
    #[error(transparent)]
    Refused(#[from] OfferRefusal),
    /// One of them cannot be taken.
    #[error("{path}: {reason}")]
    File {
        /// As it was named.
        path: String,
        /// Why.
        reason: String,
    },
    /// There is nothing to hand over.
    #[error("no file is named")]
    Nothing,
    /// What is said about them is too long.
    #[error("the caption is longer than {LONGEST_CAPTION} bytes")]
    Caption,
    /// The gateway ends.
    #[error(transparent)]
    Ended(#[from] ControlError),
}

impl FileDesk {
    /// Takes files of a session's workspace, by their paths below it, and what is said about them.
    /// They are copied, so that they may change afterwards. Returns once they are sure to be posted,
    /// not once they are.
    ///
    /// # Errors
    ///
    /// Then none of them is taken.
    ///
    /// # Cancel safety
    ///
    /// Where the future is dropped, the files may have been taken or not.
    pub async fn hand_over(
        &self,
        session: SessionId,
        paths: &[String],
        caption: String,
    ) -> Result<Vec<TakenFile>, HandOverError> {
        if paths.is_empty() {
            return Err(HandOverError::Nothing);
        }
        if caption.len() > LONGEST_CAPTION {
            return Err(HandOverError::Caption);
        }
        let terms = self
            .control
            .ask(|reply| Request::OfferTerms(session, reply));
        let terms = terms.await??;
        if paths.len() > terms.left {
            return Err(OfferRefusal::TooMany.into());
        }
        let mut files = Vec::new();
        let copied = self
            .copy_all(
                session,
                &terms.directory,
                paths,
                terms.limits.size,
                &mut files,
            )
            .await;
        let result = match copied {
            Ok(()) => self.offer(session, &files, caption).await,
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            let useless = files.iter().filter_map(OutFile::kept).collect();
            self.copies.clone().drop_all(useless).await;
            return Err(error);
        }
        info!(%session, files = files.len(), "an agent handed files over");
        let taken = files.into_iter().map(|file| TakenFile {
            name: file.name,
            size: file.size,
        });
        Ok(taken.collect())
    }

    async fn copy_all(
        &self,
        session: SessionId,
        directory: &str,
        paths: &[String],
        limit: u64,
        files: &mut Vec<OutFile>,
    ) -> Result<(), HandOverError> {
        for path in paths {
            let failed = |reason: String| HandOverError::File {
                path: path.clone(),
                reason,
            };
            let name = file_name(path);
            let opened = self.workspaces.open(directory, path).await;
            let mut content = opened.map_err(|error| failed(error.message))?;
            let copied = self.copies.copy(session, content.as_mut(), limit).await;
            let (kept, size) = match copied {
                Ok(copied) => copied,
                Err(CopyError::TooLarge(limit)) => {
                    return Err(OfferRefusal::TooLarge { name, limit }.into());
                }
                Err(error) => return Err(failed(error.to_string())),
            };
            files.push(OutFile {
                name,
                size,
                content: Content::Kept(kept),
            });
            if size == 0 {
                return Err(failed("it is empty".to_owned()));
            }
        }
        Ok(())
    }

    async fn offer(
        &self,
        session: SessionId,
        files: &[OutFile],
        caption: String,
    ) -> Result<(), HandOverError> {
        let offer = Box::new(Offer {
            session,
            files: files.to_vec(),
            caption,
        });
        let answered = self.control.ask(|reply| Request::Offer(offer, reply)).await;
        Ok(answered??)
    }
}

/// Who waits for an answer of the gateway: as many as hand something over at the same time.
#[derive(Debug, Default)]
pub(crate) struct Answers(BTreeMap<FileId, oneshot::Sender<Result<(), OfferRefusal>>>);

impl Answers {
    /// Lets somebody wait for what becomes of the files of an offer.
    pub(crate) fn wait(&mut self, offer: &Offer, reply: oneshot::Sender<Result<(), OfferRefusal>>) {
        if let Some(file) = offer.files.first().and_then(OutFile::kept) {
            self.0.insert(file, reply);
        }
    }

    /// Tells who waits, if somebody still does.
    pub(crate) fn give(&mut self, file: FileId, result: Result<(), OfferRefusal>) {
        if let Some(reply) = self.0.remove(&file) {
            let _nobody_waits = reply.send(result).is_err();
        }
    }
}
