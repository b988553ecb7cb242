//! The platform's adapter.

use std::sync::Arc;

use async_trait::async_trait;
use mpg_core::capability::Capabilities;
use mpg_core::catch_up::{Missed, MissedRequest};
use mpg_core::id::{MessageId, MessageRef, Place, Position};
use mpg_core::message::{Attachment, Inbound};
use mpg_core::port::{DeliveryError, Download, FetchError, Inbox, LiveFrame, Outbox, Upload};
use mpg_core::post::{Post, Status};
use tokio::sync::watch;
use tokio::time::sleep;

use super::Shared;
use super::fault::{Fault, Verb};
use super::world::World;

/// What comes in through one connection.
#[derive(Debug)]
pub(super) struct FakeInbox {
    pub(super) shared: Arc<Shared>,
    pub(super) changed: watch::Receiver<()>,
    pub(super) connection: u64,
    pub(super) read: usize,
}

#[async_trait]
impl Inbox for FakeInbox {
    async fn next(&mut self) -> Option<(Inbound, Option<Position>)> {
        loop {
            self.changed.mark_unchanged();
            let (next, ended) = self.shared.look(|world| {
                let next = world.inbound.get(self.read).cloned();
                (next, world.ended || world.connection != self.connection)
            });
            if let Some(inbound) = next {
                self.read += 1;
                let position = Position::new(self.read.to_string());
                return Some((inbound, Some(position)));
            }
            if ended || self.changed.changed().await.is_err() {
                return None;
            }
        }
    }

    fn ack(&self, position: &Position) {
        let read: usize = position
            .as_str()
            .parse()
            .expect("a position is one that this adapter gave");
        self.shared.change(|world| {
            world.acknowledged = world.acknowledged.max(read);
        });
    }
}

/// What goes out.
#[derive(Debug)]
pub(super) struct FakeOutbox(pub(super) Arc<Shared>);

impl FakeOutbox {
    async fn perform<T>(
        &self,
        verb: Verb,
        act: impl FnOnce(&mut World) -> Result<T, DeliveryError> + Send,
    ) -> Result<T, DeliveryError>
    where
        T: Send,
    {
        let (fault, (before, after)) = self.0.change(|world| (world.call(verb), world.latency));
        match fault {
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Panic) => panic!("the adapter panics, as it was told to"),
            Some(Fault::Delay(delay)) => sleep(delay).await,
            Some(
                Fault::Transient { .. }
                | Fault::Lost
                | Fault::ReplyLost
                | Fault::Gone
                | Fault::Rejected
                | Fault::Unsupported,
            )
            | None => {}
        }
        if !before.is_zero() {
            sleep(before).await;
        }
        if let Some(error) = fault.and_then(Fault::prevents) {
            return Err(error);
        }
        let result = self.0.change(act);
        if !after.is_zero() {
            sleep(after).await;
        }
        if fault == Some(Fault::ReplyLost) {
            return Err(DeliveryError::Unknown("as it was told to".to_owned()));
        }
        result
    }
}

#[async_trait]
impl Outbox for FakeOutbox {
    fn capabilities(&self, _place: &Place) -> Capabilities {
        self.0.look(|world| world.capabilities.clone())
    }

    async fn post(&self, place: &Place, post: &Post) -> Result<MessageId, DeliveryError> {
        self.perform(Verb::Post, |world| world.post(place, post))
            .await
    }

    async fn upload(
        &self,
        place: &Place,
        post: &Post,
        files: &[Upload],
    ) -> Result<MessageId, DeliveryError> {
        self.perform(Verb::Upload, |world| world.upload(place, post, files))
            .await
    }

    async fn edit(
        &self,
        place: &Place,
        message: &MessageId,
        post: &Post,
    ) -> Result<(), DeliveryError> {
        self.perform(Verb::Edit, |world| world.replace(place, message, post))
            .await
    }

    async fn pin(&self, place: &Place, message: &MessageId) -> Result<(), DeliveryError> {
        self.perform(Verb::Pin, |world| world.pin(place, message))
            .await
    }

    fn link(&self, place: &Place) -> Option<String> {
        Some(format!("<{place}>"))
    }

    async fn sent(
        &self,
        place: &Place,
        after: Option<&MessageId>,
        post: &Post,
    ) -> Result<Option<MessageId>, DeliveryError> {
        self.perform(Verb::Sent, |world| world.sent(place, after, post))
            .await
    }

    async fn missed(&self, request: &MissedRequest) -> Result<Missed, DeliveryError> {
        self.perform(Verb::Missed, |world| Ok(world.missed(request)))
            .await
    }

    async fn open_thread(&self, from: &MessageRef, title: &str) -> Result<Place, DeliveryError> {
        self.perform(Verb::OpenThread, |world| world.open_thread(from, title))
            .await
    }

    async fn rename_thread(&self, thread: &Place, title: &str) -> Result<(), DeliveryError> {
        self.perform(Verb::RenameThread, |world| {
            world.rename_thread(thread, title)
        })
        .await
    }

    async fn set_status(&self, message: &MessageRef, status: Status) -> Result<(), DeliveryError> {
        self.perform(Verb::SetStatus, |world| world.set_status(message, status))
            .await
    }

    async fn typing(&self, place: &Place) -> Result<(), DeliveryError> {
        self.perform(Verb::Typing, |world| world.typing(place))
            .await
    }

    async fn fetch(
        &self,
        attachment: &Attachment,
        limit: u64,
    ) -> Result<Box<dyn Download>, FetchError> {
        Ok(Box::new(self.download(attachment, limit).await?))
    }

    async fn show(&self, place: &Place, frame: &LiveFrame) -> Result<(), DeliveryError> {
        self.perform(Verb::Show, |world| world.show(place, frame))
            .await
    }
}
