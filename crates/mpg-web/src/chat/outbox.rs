//! What the gateway says in the browser.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_core::capability::{
    Capabilities, Controls, EditPace, LivePace, Reconcile, TextLimit, TextUnit, Threads,
};
use mpg_core::id::{MessageId, MessageRef, Place, ThreadId};
use mpg_core::port::{DeliveryError, LiveFrame, Outbox};
use mpg_core::post::{Post, Status};

use super::Hall;
use super::log::{Replaced, Said};

/// The longest post: a page shows many of them.
const POST_LIMIT: TextLimit = TextLimit {
    max: 20_000,
    unit: TextUnit::CodePoints,
};

/// How often what a turn writes changes on a page.
const PACE: Duration = Duration::from_millis(100);

/// How often posts of a place may change: nothing but this process is asked to.
const EDITS: EditPace = EditPace {
    edits: 20,
    per: Duration::from_secs(1),
    passing: 20,
};

/// The writing half of the chat.
#[derive(Debug)]
pub(super) struct ChatOutbox(Arc<Hall>);

impl ChatOutbox {
    pub(super) fn new(hall: Arc<Hall>) -> Self {
        Self(hall)
    }

    fn check(&self, place: &Place) -> Result<(), DeliveryError> {
        let known = self.0.check(&place.channel);
        known.map_err(|error| DeliveryError::Gone(format!("{place}: {error}")))
    }

    fn changed(&self) {
        self.0.changed.send_replace(());
    }
}

#[async_trait]
impl Outbox for ChatOutbox {
    fn capabilities(&self, place: &Place) -> Capabilities {
        Capabilities {
            direct: false,
            threads: match place.thread {
                None => Threads::FromMessage,
                Some(_) => Threads::None,
            },
            post_limit: POST_LIMIT,
            persona_limit: Some(POST_LIMIT),
            typing: false,
            status: true,
            live: Some(LivePace { interval: PACE }),
            edits: Some(EDITS),
            pins: false,
            spoilers: false,
            controls: Controls::Forms,
            files: None,
            reconcile: Reconcile::Nonce,
        }
    }

    /// Lets pages show the post. One whose id is remembered is not shown again; that of an earlier
    /// process is shown once too, as pages know posts by their ids.
    async fn post(&self, place: &Place, post: &Post) -> Result<MessageId, DeliveryError> {
        self.check(place)?;
        self.capabilities(place).fits(post)?;
        let mut log = self.0.log();
        if let Some(known) = log.posted(&post.id) {
            return Ok(known.clone());
        }
        let said = Said::Posted(Box::new(post.clone()));
        let id = log.add(place.clone(), Timestamp::now(), said);
        drop(log);
        self.changed();
        Ok(id)
    }

    async fn edit(
        &self,
        place: &Place,
        message: &MessageId,
        post: &Post,
    ) -> Result<(), DeliveryError> {
        self.check(place)?;
        self.capabilities(place).fits(post)?;
        match self.0.log().replace(message, post) {
            Replaced::Done | Replaced::Forgotten => {}
            Replaced::Missing => {
                return Err(DeliveryError::Removed(format!(
                    "there is no message {message} here"
                )));
            }
        }
        self.changed();
        Ok(())
    }

    /// Finds what this process posted. What an earlier one posted it makes again, which shows it once.
    async fn sent(
        &self,
        place: &Place,
        after: Option<&MessageId>,
        post: &Post,
    ) -> Result<Option<MessageId>, DeliveryError> {
        self.check(place)?;
        Ok(self.0.log().sent(place, after, &post.id))
    }

    async fn open_thread(&self, from: &MessageRef, _title: &str) -> Result<Place, DeliveryError> {
        self.check(&from.place)?;
        if from.place.thread.is_some() {
            return Err(DeliveryError::Unsupported);
        }
        let thread = ThreadId::new(from.message.as_str());
        Ok(Place::thread(from.place.channel.clone(), thread))
    }

    async fn set_status(&self, message: &MessageRef, status: Status) -> Result<(), DeliveryError> {
        self.check(&message.place)?;
        self.0.log().set_status(&message.message, status);
        self.changed();
        Ok(())
    }

    async fn show(&self, place: &Place, frame: &LiveFrame) -> Result<(), DeliveryError> {
        self.check(place)?;
        self.0.log().show(place, frame.clone());
        self.changed();
        Ok(())
    }
}
