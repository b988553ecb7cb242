//! What the gateway owes people: planned in order, one on its way per thread, forgotten when it is
//! confirmed.

use super::Gateway;
use super::voice::Voice;
use crate::capability::{Controls, TextLimit};
use crate::control::Control;
use crate::event::{Deliver, Effect, Undelivered};
use crate::id::{
    ConversationId, DeliveryId, MessageId, MessageRef, Place, Root, RootId, TurnId, UserId,
};
use crate::layout::lay_out;
use crate::message::Message;
use crate::post::{Post, PostKind};
use crate::record::Record;
use crate::split::split;
use crate::wording;

/// How many posts one answer may take.
pub const MAX_ANSWER_POSTS: usize = 64;

/// How many posts a thread may be owed before replies and notices are left out; answers never are.
pub(super) const MAX_OWED: usize = 100;

impl Gateway {
    /// Tells a thread something.
    pub(super) fn notify(&mut self, root: &RootId, topic: &str, text: &str) {
        let voice = self.own_voice(root);
        self.notify_as(PostKind::Notice, root, &voice, topic, text);
    }

    /// Tells a thread something about what a conversation does, in its agent's name.
    pub(super) fn notify_for(&mut self, id: &ConversationId, topic: &str, text: &str) {
        let voice = self.voice(id);
        self.notify_as(PostKind::Notice, &id.root, &voice, topic, text);
    }

    /// Tells a thread something that people can act on, where its channel has controls.
    pub(super) fn notify_with(
        &mut self,
        root: &RootId,
        voice: &Voice,
        topic: &str,
        text: &str,
        mut controls: Vec<Control>,
    ) {
        let id = DeliveryId::of_notice(self.state.installation, root, topic, self.now);
        if self.capabilities(&root.channel).controls == Controls::None {
            controls.clear();
        }
        if let Some(text) = split(text, voice.room).into_iter().next() {
            let post = Post {
                controls,
                ..voice.post(id, PostKind::Notice, text)
            };
            self.plan(root, post);
        }
    }

    /// Tells a thread something that somebody has to see to, and calls that person.
    pub(super) fn call(&mut self, id: &ConversationId, user: UserId, topic: &str, text: &str) {
        let voice = self.voice(id);
        let notice = DeliveryId::of_notice(self.state.installation, &id.root, topic, self.now);
        if let Some(text) = split(text, voice.room).into_iter().next() {
            let post = Post {
                mentions: Some(user),
                ..voice.post(notice, PostKind::Notice, text)
            };
            self.plan(&id.root, post);
        }
    }

    /// Tells a thread how a running turn goes, in its agent's name. The end of the turn overtakes it.
    pub(super) fn notify_progress(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        topic: &str,
        text: &str,
    ) {
        let voice = self.voice(id);
        self.notify_as(PostKind::Progress { turn }, &id.root, &voice, topic, text);
    }

    fn notify_as(&mut self, kind: PostKind, root: &RootId, voice: &Voice, topic: &str, text: &str) {
        let id = DeliveryId::of_notice(self.state.installation, root, topic, self.now);
        if let Some(text) = split(text, voice.room).into_iter().next() {
            self.plan(root, voice.post(id, kind, text));
        }
    }

    /// Plans what a turn has to say, in as many posts as it takes. The last one calls somebody, if
    /// anybody is to be called.
    ///
    /// What was only to tell how it goes, and has not been sent yet, is left out.
    pub(super) fn post_turn(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        kind: &PostKind,
        text: &str,
        calls: Option<UserId>,
    ) {
        let root = &id.root;
        self.drop_progress(root, turn);
        let voice = self.voice(id);
        let limit = voice.room;
        if let Some(post) = self.in_a_file(id, kind, text, &voice) {
            let post = Post {
                mentions: calls,
                ..post(DeliveryId::of_turn(turn, 0))
            };
            return self.plan(root, aside_reply(root, 0, post));
        }
        // What cannot be among the posts is not split either: the loop waits for this.
        let longest = limit.max.max(TextLimit::SMALLEST) * 4 * MAX_ANSWER_POSTS;
        let (text, beyond) = text.split_at(text.floor_char_boundary(longest));
        let laid_out = lay_out(text, limit);
        let (text, more) = laid_out.split_at(laid_out.floor_char_boundary(longest));
        let left_out = more.chars().count() + beyond.chars().count();
        let mut pieces = split(text, limit);
        if pieces.len() > MAX_ANSWER_POSTS || left_out > 0 {
            let rest = pieces.drain((MAX_ANSWER_POSTS - 1).min(pieces.len())..);
            let rest: usize = rest.map(|piece| piece.chars().count()).sum();
            pieces.push(wording::answer_cut(left_out + rest));
        }
        let last = pieces.len().saturating_sub(1);
        for (index, text) in pieces.into_iter().enumerate() {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            let post = Post {
                // When all of it is there.
                mentions: calls.clone().filter(|_| index == last),
                ..voice.post(DeliveryId::of_turn(turn, number), kind.clone(), text)
            };
            self.plan(root, aside_reply(root, number, post));
        }
    }

    /// Answers a message where it stands, without a turn.
    pub(super) fn reply(&mut self, message: &Message, text: &str) {
        self.reply_to(&message.reference(), text);
    }

    pub(super) fn reply_to(&mut self, cause: &MessageRef, text: &str) {
        let limit = self.capabilities(&cause.place.channel).post_limit;
        self.reply_as(&PostKind::Reply, cause, split(text, limit));
    }

    /// Answers a message or an interaction for the eyes of its author, in one post.
    pub(super) fn reply_privately(&mut self, cause: &MessageRef, text: &str) {
        let limit = self.capabilities(&cause.place.channel).post_limit;
        let first = split(text, limit).into_iter().take(1).collect();
        self.reply_as(&PostKind::Private, cause, first);
    }

    fn reply_as(&mut self, kind: &PostKind, cause: &MessageRef, pieces: Vec<String>) {
        let root = self.reply_root(&cause.place);
        if self.thread(&root).is_none() {
            self.bind(&root, cause.place.clone());
        }
        for (index, text) in (0..).zip(pieces) {
            self.plan(
                &root,
                Post {
                    reply_to: (index == 0).then(|| cause.message.clone()),
                    ..Post::new(
                        DeliveryId::of_message(self.state.installation, cause, index),
                        kind.clone(),
                        text,
                    )
                },
            );
        }
    }

    pub(super) fn plan(&mut self, root: &RootId, post: Post) {
        let dispensable = match post.kind {
            PostKind::Reply | PostKind::Private | PostKind::Notice | PostKind::Progress { .. } => {
                post.replaces.is_none()
            }
            PostKind::Live { .. } | PostKind::Board => true,
            PostKind::Answer { .. }
            | PostKind::Failure { .. }
            | PostKind::Request { .. }
            | PostKind::Prompt { .. }
            | PostKind::Fork(_)
            | PostKind::Told => false,
        };
        let owed = self
            .thread(root)
            .map_or(0, |thread| thread.deliveries.len());
        if dispensable && owed >= MAX_OWED {
            return;
        }
        self.record(Record::DeliveryPlanned {
            root: root.clone(),
            post,
            at: self.now,
        });
        self.deliver_next(root);
    }

    pub(super) fn drop_progress(&mut self, root: &RootId, turn: TurnId) {
        let on_its_way = usize::from(self.outgoing.contains(root));
        let owed = self.thread(root).map(|thread| thread.deliveries.iter());
        let late: Vec<DeliveryId> = owed
            .into_iter()
            .flatten()
            .skip(on_its_way)
            .filter(|post| match post.kind {
                PostKind::Progress { turn: of } | PostKind::Live { turn: of } => of == turn,
                PostKind::Answer { .. }
                | PostKind::Failure { .. }
                | PostKind::Notice
                | PostKind::Board
                | PostKind::Request { .. }
                | PostKind::Prompt { .. }
                | PostKind::Fork(_)
                | PostKind::Told
                | PostKind::Reply
                | PostKind::Private => false,
            })
            .map(|post| post.id)
            .collect();
        for delivery in late {
            self.leave_out(root, delivery);
        }
    }

    /// Sends the oldest post that a thread is owed, if none is on its way and there is a place that is
    /// free.
    pub(super) fn deliver_next(&mut self, root: &RootId) {
        if self.outgoing.engages(root) {
            return;
        }
        let Some(thread) = self.thread(root) else {
            return;
        };
        let (Some(place), Some(post)) = (&thread.place, thread.deliveries.front()) else {
            return;
        };
        let edits = post.replaces.map(|replaced| thread.kept.get(&replaced));
        if edits == Some(None) {
            // What it was to replace is not there.
            let delivery = post.id;
            self.leave_out(root, delivery);
            return self.deliver_next(root);
        }
        let edits = edits.flatten().cloned();
        let instead = self.redelivering.get(&post.id).and_then(Option::as_ref);
        let (post, place) = (post.clone(), instead.unwrap_or(place).clone());
        if edits.is_none() {
            self.raise_floor(root, &place, post.id);
        }
        if !self.outgoing.begin(root, &place) {
            return;
        }
        let effect = Effect::Deliver(Box::new(Deliver {
            root: root.clone(),
            after: self.floor(root, &place, post.id),
            maybe_sent: self.uncertain.contains(&post.id),
            edits,
            post,
            place,
        }));
        self.effect(effect);
    }

    /// Remembers what a post will stand behind in a place that several threads post to: a later
    /// gateway could not tell what the others posted before it from what they posted after it.
    fn raise_floor(&mut self, root: &RootId, place: &Place, delivery: DeliveryId) {
        let Some(thread) = self.thread(root) else {
            return;
        };
        if thread.place.as_ref() != Some(place) || self.uncertain.contains(&delivery) {
            return;
        }
        let newest = self.claimed.newest(place);
        if let Some(after) = newest.max(thread.confirmed.as_ref()).cloned()
            && thread.confirmed.as_ref() != Some(&after)
        {
            self.record(Record::FloorRaised {
                root: root.clone(),
                after,
            });
        }
    }

    /// The newest message of a place that surely stands before a post, wherever it was made.
    fn floor(&self, root: &RootId, place: &Place, delivery: DeliveryId) -> Option<MessageId> {
        let floor = self
            .thread(root)
            .filter(|thread| thread.place.as_ref() == Some(place))
            .and_then(|thread| thread.confirmed.as_ref());
        let first = match (&place.thread, &root.root) {
            (None, Root::Message(message)) | (_, Root::Aside(message)) => Some(message),
            (Some(_), _) | (None, Root::Channel) => None,
        };
        let others = self.claimed.newest(place);
        let others = others.filter(|_| !self.uncertain.contains(&delivery));
        floor
            .max(first)
            .max(others)
            .max(self.claimed.passed(delivery))
            .cloned()
    }

    pub(super) fn delivered(
        &mut self,
        root: &RootId,
        delivery: DeliveryId,
        result: Result<MessageId, Undelivered>,
    ) {
        let place = self.outgoing.end(root);
        let echo = self.echoes.remove(&delivery);
        let result = match (result, echo) {
            (Err(Undelivered::Dead(_)), Some(message)) => Ok(message),
            (result, _) => result,
        };
        let owed = self
            .thread(root)
            .and_then(|thread| thread.deliveries.iter().find(|post| post.id == delivery))
            .cloned();
        if let Some(post) = owed {
            self.board_posted(root, &post, result.is_ok());
            match result {
                Ok(message) if post.replaces.is_some() => {
                    self.settle_delivery(delivery);
                    self.record(Record::DeliveryConfirmed {
                        root: root.clone(),
                        delivery,
                        message,
                    });
                }
                // Another one's message of the same text: this one is looked for behind it.
                Ok(message) if self.claimed.contests(place.as_ref(), delivery, &message) => {
                    self.uncertain.insert(delivery);
                }
                Ok(message) => {
                    self.claimed.claim(place.as_ref(), delivery, &message);
                    self.settle_delivery(delivery);
                    let floor = self
                        .thread(root)
                        .and_then(|thread| thread.confirmed.clone());
                    let floor = floor.filter(|floor| *floor > message);
                    self.record(Record::DeliveryConfirmed {
                        root: root.clone(),
                        delivery,
                        message: message.clone(),
                    });
                    self.live_posted(root, &post, &message);
                    if let Some(place) = &place {
                        self.prompted(place, &post, message.clone());
                        self.forked(place, &post, message);
                    }
                    // A reply may stand where its platform kept room for it.
                    if let Some(after) = floor {
                        self.record(Record::FloorRaised {
                            root: root.clone(),
                            after,
                        });
                    }
                }
                Err(Undelivered::Removed) => self.leave_out(root, delivery),
                Err(Undelivered::Dead(reason)) => self.give_up(root, &post, &reason),
                Err(Undelivered::Gone(_)) if self.falls_back(root, delivery) => {}
                Err(Undelivered::Gone(reason)) => self.end_thread(root, &reason),
            }
        } else if let Ok(message) = result {
            self.claimed.claim(place.as_ref(), delivery, &message);
        }
        if let Some(place) = place {
            while let Some(next) = self.outgoing.next(&place) {
                self.deliver_next(&next);
            }
        }
        self.deliver_next(root);
    }

    /// A platform shows one of our own posts: should its delivery be given up, it is there all the
    /// same.
    pub(super) fn echoed(&mut self, delivery: DeliveryId, message: &MessageRef) {
        let thread = self.outgoing.at(&message.place);
        let thread = thread.and_then(|root| self.thread(root));
        let on_its_way = thread
            .and_then(|thread| thread.deliveries.front())
            .is_some_and(|post| post.id == delivery);
        if on_its_way {
            self.echoes.insert(delivery, message.message.clone());
        }
    }
}

/// The first post of an answer to a side question shows which one that was.
fn aside_reply(root: &RootId, index: u32, post: Post) -> Post {
    match &root.root {
        Root::Aside(asked) if index == 0 => Post {
            reply_to: Some(asked.clone()),
            ..post
        },
        Root::Aside(_) | Root::Message(_) | Root::Channel => post,
    }
}
