//! What goes out.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use mpg_core::capability::Capabilities;
use mpg_core::catch_up::{Missed, MissedRequest};
use mpg_core::id::{ChannelId, MessageId, MessageRef, Place, ThreadId};
use mpg_core::port::{self, DeliveryError};
use mpg_core::post::{Post, Status};
use serde::Deserialize;
use twilight_http::request::channel::reaction::RequestReactionType;
use twilight_http::routing::Route;
use twilight_model::id::Id;
use twilight_model::id::marker::GenericMarker;

use crate::directory::Directory;
use crate::history::History;
use crate::render::{self, snowflake};
use crate::rest::{Failure, Rest, Verb};
use crate::settings::ThreadArchive;
use crate::shared::Shared;
use crate::sign::Signs;

/// Discord's code for a message that has a thread.
///
/// Source: the page on opcodes and status codes of Discord's documentation.
const THREAD_EXISTS: u64 = 160_004;

/// What goes out.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) rest: Arc<Rest>,
    pub(crate) directory: Shared,
    /// When the threads of each mapped channel archive themselves.
    pub(crate) archives: BTreeMap<ChannelId, ThreadArchive>,
    pub(crate) signs: Signs,
}

/// The part of an answer that matters.
#[derive(Deserialize)]
struct Created {
    id: Id<GenericMarker>,
}

#[async_trait]
impl port::Outbox for Outbox {
    fn capabilities(&self, place: &Place) -> Capabilities {
        self.directory
            .read(|directory| directory.capabilities(place))
    }

    async fn post(&self, place: &Place, post: &Post) -> Result<MessageId, DeliveryError> {
        let body = render::create_message(post)
            .map_err(|unpostable| DeliveryError::Rejected(unpostable.reason()))?;
        let route = Route::CreateMessage {
            channel_id: target(place)?,
        };
        let created: Created = self
            .rest
            .post(&route, &body)
            .await
            .map_err(|failure| failure.delivery(Verb::Post))?;
        Ok(MessageId::new(created.id.to_string()))
    }

    async fn sent(
        &self,
        place: &Place,
        after: Option<&MessageId>,
        post: &Post,
    ) -> Result<Option<MessageId>, DeliveryError> {
        let shown = |directory: &Directory| directory.shows_history(place);
        if !self.directory.read(shown) {
            return Err(DeliveryError::Unsupported);
        }
        let after = after.and_then(|id| snowflake(id.as_str()));
        History {
            rest: &self.rest,
            directory: &self.directory,
        }
        .find(target(place)?, after, post)
        .await
        .map_err(|failure| failure.delivery(Verb::Read))
    }

    async fn missed(&self, request: &MissedRequest) -> Result<Missed, DeliveryError> {
        let place = Place::channel(request.channel.clone());
        let shown = |directory: &Directory| directory.shows_history(&place);
        if !self.directory.read(shown) {
            tracing::warn!(%place, "the bot lacks the permission to read back what was missed");
            return Err(DeliveryError::Unsupported);
        }
        History {
            rest: &self.rest,
            directory: &self.directory,
        }
        .missed(request)
        .await
    }

    async fn open_thread(&self, from: &MessageRef, title: &str) -> Result<Place, DeliveryError> {
        // Discord has no threads inside threads.
        if from.place.thread.is_some() {
            return Err(DeliveryError::Unsupported);
        }
        let (channel, message) = (target(&from.place)?, message(from)?);
        let route = Route::CreateThreadFromMessage {
            channel_id: channel,
            message_id: message,
        };
        let archive = self.archives.get(&from.place.channel.channel).copied();
        let body = render::start_thread(title, archive.unwrap_or_default().minutes());
        let thread = match self.rest.post::<Created>(&route, &body).await {
            Ok(created) => created.id.get(),
            // A thread has the id of the message that it grew from.
            Err(failure) if failure.code() == Some(THREAD_EXISTS) => message,
            Err(failure) => return Err(failure.delivery(Verb::Thread)),
        };
        if let (Some(parent), Some(thread)) = (Id::new_checked(channel), Id::new_checked(thread)) {
            self.directory
                .change(|directory| directory.add_thread(parent, thread));
        }
        Ok(Place::thread(
            from.place.channel.clone(),
            ThreadId::new(thread.to_string()),
        ))
    }

    async fn set_status(&self, on: &MessageRef, status: Status) -> Result<(), DeliveryError> {
        let (channel_id, message_id) = (target(&on.place)?, message(on)?);
        let change = self.signs.change(message_id, status);
        if let Some(name) = change.add {
            let added = self
                .rest
                .call(&Route::CreateReaction {
                    channel_id,
                    message_id,
                    emoji: &RequestReactionType::Unicode { name },
                })
                .await;
            if let Err(failure) = added {
                self.signs.forget(message_id);
                return Err(failure.delivery(Verb::Sign));
            }
        }
        if let Some(name) = change.remove {
            let removed = self
                .rest
                .call(&Route::DeleteReactionCurrentUser {
                    channel_id,
                    message_id,
                    emoji: &RequestReactionType::Unicode { name },
                })
                .await;
            if let Err(failure) = removed
                && !is_absent(&failure)
            {
                return Err(failure.delivery(Verb::Sign));
            }
        }
        Ok(())
    }

    async fn typing(&self, place: &Place) -> Result<(), DeliveryError> {
        self.rest
            .call(&Route::CreateTypingTrigger {
                channel_id: target(place)?,
            })
            .await
            .map_err(|failure| failure.delivery(Verb::Sign))
    }
}

/// Discord's codes for a reaction that is not there.
fn is_absent(failure: &Failure) -> bool {
    matches!(failure.code(), Some(10014))
}

/// The id of the channel or thread that a place is.
fn target(place: &Place) -> Result<u64, DeliveryError> {
    let id = place
        .thread
        .as_ref()
        .map_or(place.channel.channel.as_str(), ThreadId::as_str);
    snowflake(id)
        .filter(|_| place.channel.platform.as_str() == crate::PLATFORM)
        .ok_or_else(|| DeliveryError::Gone(format!("{place} is no place on Discord")))
}

fn message(reference: &MessageRef) -> Result<u64, DeliveryError> {
    snowflake(reference.message.as_str()).ok_or_else(|| {
        DeliveryError::Gone(format!("{} is no message on Discord", reference.message))
    })
}
