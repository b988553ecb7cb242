//! Files that come with messages.

use std::time::Duration;

use async_trait::async_trait;
use mpg_core::id::{MessageRef, Place};
use mpg_core::message::{Attachment, AuthorKind};
use mpg_core::port::{Download, FetchError};
use tokio::time::sleep;

use super::FakePlatform;
use super::entry::Happening;
use super::fault::{Fault, Verb};
use super::seam::FakeOutbox;
use super::world::{World, author};

/// How many bytes come at once.
const CHUNK: usize = 1000;

impl FakePlatform {
    /// What is told of the size of every file from now on, whatever it is.
    pub fn set_stated_size(&self, size: u64) {
        self.0.change(|world| world.stated_size = Some(size));
    }

    /// Lets a person say something with files, given as name and content.
    ///
    /// # Panics
    ///
    /// Panics if the channel was never added.
    pub fn say_with_files(
        &self,
        place: &Place,
        name: &str,
        text: &str,
        files: &[(&str, &[u8])],
    ) -> MessageRef {
        let message = self.0.change(|world| {
            let files = files.iter();
            let files = files.map(|(name, content)| world.keep_file(name, content));
            let files: Vec<Attachment> = files.collect();
            let author = author(name, AuthorKind::Human);
            world.say_with(place, author, text, files, true)
        });
        MessageRef {
            place: place.clone(),
            message,
        }
    }
}

impl World {
    /// Keeps a file, and describes it.
    fn keep_file(&mut self, name: &str, content: &[u8]) -> Attachment {
        let number = self.files.len() + 1;
        let url = format!("https://files.example/{number}/{name}");
        self.files.insert(url.clone(), content.to_vec());
        Attachment {
            name: name.to_owned(),
            size: self.stated_size.unwrap_or(content.len() as u64),
            media_type: None,
            url,
        }
    }
}

impl FakeOutbox {
    pub(super) async fn download(
        &self,
        attachment: &Attachment,
        limit: u64,
    ) -> Result<FakeDownload, FetchError> {
        let (fault, content) = self.0.change(|world| begin(world, attachment, limit));
        match fault {
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Panic) => panic!("the adapter panics, as it was told to"),
            Some(Fault::Delay(delay)) => sleep(delay).await,
            Some(Fault::Transient { .. } | Fault::Lost) => {
                return Err(FetchError::Transient("as it was told to".to_owned()));
            }
            Some(Fault::Rejected) => return Err(FetchError::Host("evil.example".to_owned())),
            Some(Fault::Unsupported) => return Err(FetchError::Unsupported),
            Some(Fault::Gone) => return Err(FetchError::Gone("as it was told to".to_owned())),
            Some(Fault::ReplyLost) | None => {}
        }
        let gone = || FetchError::Gone("it was never there".to_owned());
        let mut rest = content.ok_or_else(gone)?;
        let breaks_off = fault == Some(Fault::ReplyLost);
        if breaks_off {
            rest.truncate(rest.len() / 2);
        }
        Ok(FakeDownload { rest, breaks_off })
    }
}

fn begin(
    world: &mut World,
    attachment: &Attachment,
    limit: u64,
) -> (Option<Fault>, Option<Vec<u8>>) {
    let fault = world.call(Verb::Fetch);
    if fault.is_none() {
        world.note(Happening::Fetched {
            name: attachment.name.clone(),
            limit,
        });
    }
    (fault, world.files.get(&attachment.url).cloned())
}

/// A file on its way.
#[derive(Debug)]
pub(super) struct FakeDownload {
    rest: Vec<u8>,
    breaks_off: bool,
}

#[async_trait]
impl Download for FakeDownload {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, FetchError> {
        // As on a network, others come in between.
        sleep(Duration::ZERO).await;
        if self.rest.is_empty() && self.breaks_off {
            return Err(FetchError::Transient("it broke off".to_owned()));
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let behind = self.rest.split_off(CHUNK.min(self.rest.len()));
        Ok(Some(std::mem::replace(&mut self.rest, behind)))
    }
}
