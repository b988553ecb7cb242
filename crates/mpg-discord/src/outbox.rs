//! What goes out.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_core::capability::Capabilities;
use mpg_core::catch_up::{Missed, MissedRequest};
use mpg_core::id::{MessageId, MessageRef, Place, ThreadId};
use mpg_core::message::Attachment;
use mpg_core::port::{self, DeliveryError, Download, FetchError, Upload};
use mpg_core::post::{Post, PostKind, Status};
use serde::Deserialize;
use serde_json::Value;
use twilight_http::request::channel::reaction::RequestReactionType;
use twilight_http::routing::Route;
use twilight_model::id::Id;
use twilight_model::id::marker::GenericMarker;

use crate::directory::Directory;
use crate::files::Files;
use crate::history::History;
use crate::interactions::Interactions;
use crate::mapped::MappedChannels;
use crate::render::{self, PersonaForm, snowflake};
use crate::rest::{Failure, Rest, Verb};
use crate::shared::Shared;
use crate::sign::{Signs, Stale, emoji, is_sign};

/// Discord's code for a message that has a thread.
///
/// Source: the page on opcodes and status codes of Discord's documentation.
const THREAD_EXISTS: u64 = 160_004;

/// Discord's code for a body that it does not take, from the same page.
const INVALID_FORM: u64 = 50035;

/// What goes out.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) rest: Arc<Rest>,
    pub(crate) files: Files,
    pub(crate) directory: Shared,
    pub(crate) channels: MappedChannels,
    pub(crate) signs: Signs,
    pub(crate) interactions: Arc<Interactions>,
}

/// Discord's code for what the bot may not do, from the same page.
const MISSING_PERMISSIONS: u64 = 50013;

/// Discord's code for a body that is larger than it takes, from the same page.
const TOO_LARGE: u64 = 40005;

/// Discord's code for a channel that has as many pinned messages as it may have, from the same page.
const TOO_MANY_PINS: u64 = 30003;

/// The part of an answer that matters.
#[derive(Deserialize)]
struct Created {
    id: Id<GenericMarker>,
}

/// The reactions of a message.
#[derive(Deserialize)]
struct Signed {
    #[serde(default)]
    reactions: Vec<Reaction>,
}

#[derive(Deserialize)]
struct Reaction {
    #[serde(default)]
    me: bool,
    emoji: Emoji,
}

#[derive(Deserialize)]
struct Emoji {
    name: Option<String>,
}

impl Signed {
    /// The signs of ours but for this one.
    fn own(self, but_for: &str) -> Vec<String> {
        let own = self.reactions.into_iter().filter(|reaction| reaction.me);
        own.filter_map(|reaction| reaction.emoji.name)
            .filter(|name| is_sign(name) && name != but_for)
            .collect()
    }
}

#[async_trait]
impl port::Outbox for Outbox {
    fn capabilities(&self, place: &Place) -> Capabilities {
        self.directory
            .read(|directory| directory.capabilities(place))
    }

    async fn post(&self, place: &Place, post: &Post) -> Result<MessageId, DeliveryError> {
        self.create(place, post, &[]).await
    }

    async fn upload(
        &self,
        place: &Place,
        post: &Post,
        files: &[Upload],
    ) -> Result<MessageId, DeliveryError> {
        if self.capabilities(place).files.is_none() {
            return Err(DeliveryError::Unsupported);
        }
        self.create(place, post, files).await
    }

    async fn edit(
        &self,
        place: &Place,
        message: &MessageId,
        post: &Post,
    ) -> Result<(), DeliveryError> {
        let Some(message_id) = snowflake(message.as_str()) else {
            return Err(DeliveryError::Removed(format!("{message} is no message")));
        };
        self.interactions.forms.learn(&post.controls);
        let form = self
            .directory
            .read(|directory| directory.persona_form(place));
        let body = render::edit_message(post, form);
        let body = body.map_err(|unpostable| DeliveryError::Rejected(unpostable.reason()))?;
        let route = Route::UpdateMessage {
            channel_id: target(place)?,
            message_id,
        };
        let edited = self.rest.post::<Created>(&route, &body).await;
        edited
            .map(drop)
            .map_err(|failure| failure.delivery(Verb::Edit))
    }

    async fn pin(&self, place: &Place, message: &MessageId) -> Result<(), DeliveryError> {
        let Some(message_id) = snowflake(message.as_str()) else {
            return Err(DeliveryError::Removed(format!("{message} is no message")));
        };
        let route = Route::PinMessage {
            channel_id: target(place)?,
            message_id,
        };
        let pinned = self.rest.call(&route).await;
        pinned.map_err(|failure| match failure.code() {
            Some(MISSING_PERMISSIONS | TOO_MANY_PINS) => DeliveryError::Unsupported,
            Some(_) | None => failure.delivery(Verb::Edit),
        })
    }

    fn link(&self, place: &Place) -> Option<String> {
        target(place).ok().map(|channel| format!("<#{channel}>"))
    }

    fn moment(&self, at: Timestamp) -> Option<String> {
        Some(format!("<t:{}:R>", at.as_second()))
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
        let (channel, message) = (target(&from.place)?, self.message(from).await?);
        let route = Route::CreateThreadFromMessage {
            channel_id: channel,
            message_id: message,
        };
        let archive = self.channels.archive(&from.place.channel.channel);
        let body = render::start_thread(title, archive.minutes());
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

    async fn rename_thread(&self, thread: &Place, title: &str) -> Result<(), DeliveryError> {
        if thread.thread.is_none() {
            return Err(DeliveryError::Unsupported);
        }
        let channel_id = target(thread)?;
        let body = render::rename_thread(title);
        let renamed = self
            .rest
            .post::<Created>(&Route::UpdateChannel { channel_id }, &body)
            .await;
        renamed
            .map(drop)
            .map_err(|failure| failure.delivery(Verb::Thread))
    }

    async fn set_status(&self, on: &MessageRef, status: Status) -> Result<(), DeliveryError> {
        let (channel_id, message_id) = (target(&on.place)?, self.message(on).await?);
        let change = self.signs.change(message_id, status);
        if let Some(name) = change.add {
            let permit = self.signs.pace.next(channel_id).await;
            let added = self
                .rest
                .call(&Route::CreateReaction {
                    channel_id,
                    message_id,
                    emoji: &RequestReactionType::Unicode { name },
                })
                .await;
            drop(permit);
            if let Err(failure) = added {
                self.signs.forget(message_id);
                return Err(failure.delivery(Verb::Sign));
            }
        }
        match change.remove {
            Stale::None => Ok(()),
            Stale::Known(name) => self.remove_sign(channel_id, message_id, name).await,
            Stale::Unknown => {
                self.remove_other_signs(channel_id, message_id, status)
                    .await
            }
        }
    }

    async fn fetch(
        &self,
        attachment: &Attachment,
        limit: u64,
    ) -> Result<Box<dyn Download>, FetchError> {
        self.files.fetch(attachment, limit).await
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

impl Outbox {
    /// Makes a message of a post. Files are not for the replies to interactions.
    async fn create(
        &self,
        place: &Place,
        post: &Post,
        files: &[Upload],
    ) -> Result<MessageId, DeliveryError> {
        self.interactions.forms.learn(&post.controls);
        let form = self
            .directory
            .read(|directory| directory.persona_form(place));
        let asked = post.reply_to.as_ref();
        let asked = asked.and_then(|id| self.interactions.find(id));
        if let Some(asked) = &asked
            && let Some(message) = self.interactions.reply(asked, post, form).await?
        {
            return Ok(message);
        }
        // An interaction is no message, and what may not be read may not be replied to.
        let readable = |directory: &Directory| directory.shows_history(place);
        let refers = asked.is_none() && self.directory.read(readable);
        let body = |form| {
            let body = render::create_message(post, form);
            let mut body =
                body.map_err(|unpostable| DeliveryError::Rejected(unpostable.reason()))?;
            if let (false, Some(body)) = (refers, body.as_object_mut()) {
                body.remove("message_reference");
            }
            Ok::<_, DeliveryError>(body)
        };
        let route = Route::CreateMessage {
            channel_id: target(place)?,
        };
        let mut created = self.send(&route, &body(form)?, files).await;
        // What is not known yet is tried: it may be the embed alone that is not allowed.
        if form == PersonaForm::Embed
            && post.persona.is_some()
            && let Err(failure) = &created
            && failure.code() == Some(MISSING_PERMISSIONS)
        {
            created = self.send(&route, &body(PersonaForm::Lines)?, files).await;
        }
        let message = match created {
            Ok(created) => MessageId::new(created.id.to_string()),
            // Nobody is there any more to whom it was to be said alone.
            Err(failure)
                if post.kind == PostKind::Private && failure.code() == Some(INVALID_FORM) =>
            {
                return Err(DeliveryError::Removed(
                    "the message that it replies to is gone".to_owned(),
                ));
            }
            // More than Discord takes here, or files alone are not allowed.
            Err(failure)
                if !files.is_empty()
                    && matches!(failure.code(), Some(MISSING_PERMISSIONS | TOO_LARGE)) =>
            {
                return Err(DeliveryError::Unsupported);
            }
            Err(failure) => return Err(failure.delivery(Verb::Post)),
        };
        if let Some(asked) = &asked {
            asked.shown_as(&message);
        }
        self.interactions
            .answered_by_post(target(place)?, post, asked.as_deref())
            .await;
        Ok(message)
    }

    async fn send(
        &self,
        route: &Route<'_>,
        body: &Value,
        files: &[Upload],
    ) -> Result<Created, Failure> {
        if files.is_empty() {
            self.rest.post(route, body).await
        } else {
            self.rest.upload(route, body, files).await
        }
    }

    async fn remove_sign(
        &self,
        channel_id: u64,
        message_id: u64,
        name: &str,
    ) -> Result<(), DeliveryError> {
        let permit = self.signs.pace.next(channel_id).await;
        let removed = self
            .rest
            .call(&Route::DeleteReactionCurrentUser {
                channel_id,
                message_id,
                emoji: &RequestReactionType::Unicode { name },
            })
            .await;
        drop(permit);
        match removed {
            Err(failure) if !is_absent(&failure) => Err(failure.delivery(Verb::Sign)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Removes the signs that an earlier process left; where the message cannot be read, the one that
    /// is likely to be there.
    async fn remove_other_signs(
        &self,
        channel_id: u64,
        message_id: u64,
        status: Status,
    ) -> Result<(), DeliveryError> {
        let route = Route::GetMessage {
            channel_id,
            message_id,
        };
        let read: Result<Signed, Failure> = self.rest.get(&route).await;
        let stale = match read {
            Ok(signed) => signed.own(emoji(status)),
            Err(_) => vec![emoji(Status::Received).to_owned()],
        };
        for name in stale {
            self.remove_sign(channel_id, message_id, &name).await?;
        }
        Ok(())
    }

    /// The message that is meant: of an interaction, the one that everybody sees as its reply.
    async fn message(&self, reference: &MessageRef) -> Result<u64, DeliveryError> {
        match self.interactions.find(&reference.message) {
            Some(asked) => asked
                .message()
                .await
                .ok_or_else(|| DeliveryError::Transient {
                    retry_after: None,
                    message: "what answers the interaction is not there yet".to_owned(),
                }),
            None => message(reference),
        }
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
