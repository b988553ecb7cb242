//! Where threads are: the places that posts go to, and what becomes of a thread whose place is gone.

use super::Gateway;
use super::leads_to;
use crate::agent::Usage;
use crate::attachment::file_name;
use crate::capability::Threads;
use crate::event::{Effect, ThreadRefusal};
use crate::id::{ConversationId, MessageRef, Place, Root, RootId, ThreadId};
use crate::post::Post;
use crate::record::{Record, TurnOutcome};
use crate::snapshot::Thread;
use crate::wording::{self, forks};

impl Gateway {
    /// Asks for the place of a thread that grows from a message of its channel.
    pub(super) fn open_thread(&mut self, root: &RootId) {
        let Root::Message(message) = &root.root else {
            return;
        };
        let title = self.thread(root).and_then(|thread| {
            let conversation = thread.conversations.values().next()?;
            let running = conversation.running.as_deref().map(|running| &running.turn);
            let turn = running.or(conversation.queue.front())?;
            // Of files alone, the first one says more than that there are some.
            let first = turn.attachments.first();
            let file = first.filter(|_| turn.prompt == wording::files_only());
            let text = file.map_or(turn.prompt.clone(), |file| file_name(&file.name));
            Some(wording::title(&text))
        });
        let forks = |thread: &Thread| thread.conversations.values().any(|c| c.fork.is_some());
        let title = title.or_else(|| {
            let forked = self.thread(root).is_some_and(forks);
            forked.then(|| forks::title().to_owned())
        });
        self.opening.insert(root.clone());
        self.effect(Effect::OpenThread {
            root: root.clone(),
            from: MessageRef {
                place: Place::channel(root.channel.clone()),
                message: message.clone(),
            },
            title: title.unwrap_or_else(|| wording::title("")),
        });
    }

    pub(super) fn thread_opened(&mut self, root: &RootId, result: Result<Place, ThreadRefusal>) {
        self.opening.remove(root);
        self.unplaced.remove(root);
        if self
            .thread(root)
            .is_none_or(|thread| thread.place.is_some())
        {
            return;
        }
        match result {
            Ok(place) => self.bind(root, place),
            Err(ThreadRefusal::Refused) => {
                self.refused.insert(root.channel.clone());
                self.bind(root, Place::channel(root.channel.clone()));
                self.notify(root, "thread refused", wording::thread_refused());
            }
            Err(ThreadRefusal::Failed(_)) => {
                self.bind(root, Place::channel(root.channel.clone()));
                self.notify(root, "thread failed", wording::thread_failed());
            }
        }
        self.deliver_next(root);
    }

    /// Gives a thread the title that an agent chose, once.
    pub(super) fn rename(&mut self, root: &RootId, title: String) {
        let thread = self.thread(root).filter(|thread| !thread.renamed);
        let place = thread.and_then(|thread| thread.place.clone());
        if let Some(place) = place.filter(|place| place.thread.is_some()) {
            self.record(Record::ThreadRenamed { root: root.clone() });
            self.effect(Effect::RenameThread { place, title });
        }
    }

    pub(super) fn bind(&mut self, root: &RootId, place: Place) {
        self.record(Record::ThreadBound {
            root: root.clone(),
            place: place.clone(),
            at: self.now,
        });
        if leads_to(root) {
            self.bound.insert(place, root.clone());
        } else if root.is_aside() {
            let thread = self.bound_root(&place);
            let thread = thread.and_then(|root| self.state.threads.get(&root));
            self.claimed.share(&place, thread);
        }
    }

    /// The thread that a place was bound to.
    pub(super) fn bound_root(&self, place: &Place) -> Option<RootId> {
        if let Some(root) = self.bound.get(place) {
            return Some(root.clone());
        }
        let root = RootId::of_place(place);
        self.state.threads.contains_key(&root).then_some(root)
    }

    pub(super) fn reply_root(&self, place: &Place) -> RootId {
        self.bound
            .get(place)
            .cloned()
            .unwrap_or_else(|| RootId::of_place(place))
    }

    /// Where a thread is, or will be if it is still being opened.
    pub(super) fn expected_place(&self, root: &RootId) -> Option<Place> {
        if let Some(place) = self.thread(root).and_then(|thread| thread.place.clone()) {
            return Some(place);
        }
        if self.unplaced.contains(root) {
            return None;
        }
        match (&root.root, self.capabilities(&root.channel).threads) {
            (Root::Message(message), Threads::FromMessage) => Some(Place::thread(
                root.channel.clone(),
                ThreadId::new(message.as_str()),
            )),
            (Root::Message(_) | Root::Channel | Root::Aside(_), _) => None,
        }
    }

    /// A place is gone: so is everything that was to happen in it, and nothing else.
    pub(super) fn place_gone(&mut self, place: &Place) {
        if place.thread.is_some() {
            for root in self.roots_at(place) {
                self.end_thread(&root, "the thread is gone");
            }
            return;
        }
        let roots: Vec<RootId> = self.roots_of(&place.channel);
        for root in roots {
            self.end_thread(&root, "the channel is gone");
        }
    }

    pub(super) fn end_thread(&mut self, root: &RootId, reason: &str) {
        let Some(thread) = self.thread(root) else {
            return;
        };
        let owed: Vec<Post> = thread.deliveries.iter().cloned().collect();
        let conversations: Vec<ConversationId> = thread
            .conversations
            .agents()
            .map(|agent| ConversationId {
                root: root.clone(),
                agent: agent.clone(),
            })
            .collect();
        for post in owed {
            self.give_up(root, &post, reason);
        }
        self.end_chain(root);
        for id in conversations {
            self.drop_queue(&id);
            self.cut_running(&id, TurnOutcome::Abandoned, Usage::default());
            self.close(&id);
        }
    }
}
