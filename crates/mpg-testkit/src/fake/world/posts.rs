//! What is posted on a platform, and what becomes of posts.

use mpg_core::capability::{NONCE_LIFE, Reconcile};
use mpg_core::id::{MessageId, MessageRef, Place};
use mpg_core::message::Inbound;
use mpg_core::persona::Persona;
use mpg_core::port::{DeliveryError, Upload};
use mpg_core::post::Post;
use tokio::time::Instant;

use super::{Posted, World};
use crate::fake::entry::Happening;

impl World {
    pub(in crate::fake) fn post(
        &mut self,
        place: &Place,
        post: &Post,
    ) -> Result<MessageId, DeliveryError> {
        self.require(place)?;
        self.capabilities.fits(post)?;
        let key = (place.clone(), post.id);
        if self.capabilities.reconcile == Reconcile::Nonce
            && let Some((at, id)) = self.nonces.get(&key).cloned()
            && at.elapsed() < NONCE_LIFE
        {
            self.note(Happening::Repeated {
                place: place.clone(),
                id: id.clone(),
            });
            return Ok(id);
        }
        let id = self.next_message();
        self.nonces.insert(key, (Instant::now(), id.clone()));
        self.posts.push(Posted {
            place: place.clone(),
            id: id.clone(),
            post: post.clone(),
        });
        self.note(Happening::Posted {
            place: place.clone(),
            id: id.clone(),
            post: post.clone(),
        });
        if self.echoes {
            let message = MessageRef {
                place: place.clone(),
                message: id.clone(),
            };
            self.tell(Inbound::OwnEcho {
                delivery: post.id,
                message,
            });
        }
        Ok(id)
    }

    pub(in crate::fake) fn upload(
        &mut self,
        place: &Place,
        post: &Post,
        files: &[Upload],
    ) -> Result<MessageId, DeliveryError> {
        let Some(limits) = self.capabilities.files else {
            return Err(DeliveryError::Unsupported);
        };
        let size: usize = files.iter().map(|file| file.bytes.len()).sum();
        if files.len() > limits.count || size as u64 > limits.size {
            let reason = format!("{} files of {size} bytes are too much", files.len());
            return Err(DeliveryError::Rejected(reason));
        }
        let message = self.post(place, post)?;
        self.uploads
            .entry(message.clone())
            .or_insert_with(|| files.to_vec());
        Ok(message)
    }

    pub(in crate::fake) fn replace(
        &mut self,
        place: &Place,
        message: &MessageId,
        post: &Post,
    ) -> Result<(), DeliveryError> {
        if self.capabilities.edits.is_none() {
            return Err(DeliveryError::Unsupported);
        }
        self.require(place)?;
        self.capabilities.fits(post)?;
        let mut posts = self.posts.iter_mut();
        let posted = posts.find(|posted| posted.place == *place && posted.id == *message);
        let Some(posted) = posted else {
            return Err(DeliveryError::Removed(
                "the message is not there".to_owned(),
            ));
        };
        posted.post = post.clone();
        self.note(Happening::Replaced {
            place: place.clone(),
            id: message.clone(),
            post: post.clone(),
        });
        Ok(())
    }

    pub(in crate::fake) fn pin(
        &mut self,
        place: &Place,
        id: &MessageId,
    ) -> Result<(), DeliveryError> {
        if !self.capabilities.pins {
            return Err(DeliveryError::Unsupported);
        }
        self.require(place)?;
        let mut posts = self.posts.iter();
        if !posts.any(|posted| posted.place == *place && posted.id == *id) {
            let reason = "the message is not there".to_owned();
            return Err(DeliveryError::Removed(reason));
        }
        self.note(Happening::Pinned {
            place: place.clone(),
            id: id.clone(),
        });
        Ok(())
    }

    /// Looks for a post where a platform that reconciles in any way can.
    pub(in crate::fake) fn sent(
        &mut self,
        place: &Place,
        after: Option<&MessageId>,
        post: &Post,
    ) -> Result<Option<MessageId>, DeliveryError> {
        if self.capabilities.reconcile == Reconcile::None {
            return Err(DeliveryError::Unsupported);
        }
        self.require(place)?;
        let found = self
            .posts
            .iter()
            .find(|posted| {
                posted.place == *place
                    && after.is_none_or(|after| posted.id > *after)
                    && posted.post.text == post.text
                    && posted.post.footer == post.footer
                    && posted.post.persona.as_ref().map(Persona::name)
                        == post.persona.as_ref().map(Persona::name)
            })
            .map(|posted| posted.id.clone());
        self.note(Happening::LookedFor {
            place: place.clone(),
            found: found.clone(),
        });
        Ok(found)
    }
}
