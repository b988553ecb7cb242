//! `!fork`: a thread beside this one that knows what was said here.

use std::collections::VecDeque;

use crate::capability::{TextLimit, Threads};
use crate::gateway::Gateway;
use crate::gateway::deliveries::MAX_OWED;
use crate::id::{DeliveryId, Place};
use crate::message::Message;
use crate::post::{Fork, Post, PostKind};
use crate::split::split;
use crate::wording::{self, forks};

impl Gateway {
    /// Posts what a new thread grows from once it is there, and says so.
    pub(super) fn fork(&mut self, prompt: Option<&str>, message: &Message) -> String {
        self.try_fork(prompt, message)
            .err()
            .unwrap_or_else(|| forks::ordered().to_owned())
    }

    fn try_fork(&mut self, prompt: Option<&str>, message: &Message) -> Result<(), String> {
        let channel = &message.place.channel;
        let can = self.capabilities(channel);
        if can.threads == Threads::None || self.refused.contains(channel) {
            return Err(forks::no_threads().to_owned());
        }
        let from = self.spoken_to(message)?;
        let session = self.conversation(&from).and_then(|c| c.session.as_ref());
        let session = session.ok_or_else(|| wording::no_session("here"))?.id;
        let place = Place::channel(channel.clone());
        let into = self.reply_root(&place);
        let owed = self.thread(&into).map(|thread| &thread.deliveries);
        if owed.map_or(0, VecDeque::len) >= MAX_OWED {
            return Err(forks::busy().to_owned());
        }
        let limit = TextLimit {
            max: can.post_limit.max.saturating_sub(Post::LINK_ROOM),
            unit: can.post_limit.unit,
        };
        let text = split(&forks::root(&message.author.name, prompt), limit);
        let kind = PostKind::Fork(Box::new(Fork {
            agent: from.agent,
            session,
            from: message.place.clone(),
            author: message.author.id.clone(),
            prompt: prompt.map(str::to_owned),
        }));
        let cause = message.reference();
        let id = DeliveryId::of_fork(self.state.installation, &cause);
        let post = Post::new(id, kind, text.into_iter().next().unwrap_or_default());
        if self.thread(&into).is_none() {
            self.bind(&into, place);
        }
        self.plan(&into, post);
        Ok(())
    }
}
