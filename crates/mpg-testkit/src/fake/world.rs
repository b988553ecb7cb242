//! The platform's own state.

mod people;
mod posts;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use mpg_core::capability::{Capabilities, Threads};
use mpg_core::id::{ChannelKey, DeliveryId, MessageId, MessageRef, Place, RootId, ThreadId};
use mpg_core::message::{Inbound, Link, Message};
use mpg_core::port::{DeliveryError, LiveFrame, Upload};
use mpg_core::post::{Post, Status};
use tokio::time::Instant;

pub(super) use self::people::author;
use super::entry::{Entry, Happening};
use super::fault::{Fault, Verb};

/// A post as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Where it stands.
    pub place: Place,
    /// The message that it became.
    pub id: MessageId,
    /// What was posted.
    pub post: Post,
}

/// What a platform knows.
#[derive(Debug)]
pub struct World {
    pub(super) capabilities: Capabilities,
    pub(super) latency: (Duration, Duration),
    pub(super) echoes: bool,
    pub(super) ended: bool,
    /// Which connection is the last one.
    pub(super) connection: u64,
    /// Everything that the adapter is told, from the beginning.
    pub(super) inbound: Vec<Inbound>,
    /// How much of it was acknowledged.
    pub(super) acknowledged: usize,
    /// Whether the next thing waits for the one behind it, and the one that waits.
    swapping: (bool, Option<Inbound>),
    channels: BTreeSet<ChannelKey>,
    /// What can be fetched, by its address.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// What is told of their size, where that is not the truth.
    pub(super) stated_size: Option<u64>,
    /// What was said and stands there.
    said: Vec<Message>,
    threads: BTreeMap<Place, RootId>,
    removed: BTreeSet<Place>,
    nonces: BTreeMap<(Place, DeliveryId), (Instant, MessageId)>,
    posts: Vec<Posted>,
    uploads: BTreeMap<MessageId, Vec<Upload>>,
    entries: Vec<Entry>,
    faults: BTreeMap<Verb, VecDeque<Fault>>,
    calls: u64,
    messages: u64,
    start: Instant,
}

impl World {
    pub(super) fn new(capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            latency: (Duration::ZERO, Duration::ZERO),
            echoes: false,
            ended: false,
            connection: 0,
            inbound: Vec::new(),
            acknowledged: 0,
            swapping: (false, None),
            channels: BTreeSet::new(),
            files: BTreeMap::new(),
            stated_size: None,
            said: Vec::new(),
            threads: BTreeMap::new(),
            removed: BTreeSet::new(),
            nonces: BTreeMap::new(),
            posts: Vec::new(),
            uploads: BTreeMap::new(),
            entries: Vec::new(),
            faults: BTreeMap::new(),
            calls: 0,
            messages: 0,
            start: Instant::now(),
        }
    }

    /// Everything that happened, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All that the adapter posted and people see, in order.
    pub fn posts(&self) -> &[Posted] {
        &self.posts
    }

    /// The files that came with a post.
    pub fn files_of(&self, message: &MessageId) -> &[Upload] {
        self.uploads.get(message).map_or(&[], Vec::as_slice)
    }

    /// The texts of the posts in one place, in order.
    pub fn texts(&self, place: &Place) -> Vec<&str> {
        let posts = self.posts.iter().filter(|posted| posted.place == *place);
        posts.map(|posted| posted.post.text.as_str()).collect()
    }

    /// How often the adapter was called to do something.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Whether the adapter has acknowledged everything that it was told.
    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged == self.inbound.len()
    }

    /// Whether the place can be posted to.
    pub fn exists(&self, place: &Place) -> bool {
        self.channels.contains(&place.channel)
            && (place.thread.is_none() || self.threads.contains_key(place))
            && !self.removed.contains(place)
            && !self
                .removed
                .contains(&Place::channel(place.channel.clone()))
    }

    /// What happened, one line each.
    pub fn transcript(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{entry}");
        }
        text
    }

    pub(super) fn note(&mut self, happening: Happening) {
        let at = self.start.elapsed();
        self.entries.push(Entry { at, happening });
    }

    pub(super) fn tell(&mut self, inbound: Inbound) {
        if std::mem::take(&mut self.swapping.0) {
            self.swapping.1 = Some(inbound);
            return;
        }
        self.inbound.push(inbound);
        self.inbound.extend(self.swapping.1.take());
    }

    pub(super) fn swap(&mut self) {
        self.swapping.0 = self.swapping.1.is_none();
    }

    pub(super) fn repeat(&mut self, message: &MessageRef) {
        let said = self.inbound.iter().find(|inbound| match inbound {
            Inbound::Message(said) => said.reference() == *message,
            Inbound::Interaction(given) => given.reference() == *message,
            Inbound::Edited { .. }
            | Inbound::Deleted(_)
            | Inbound::PlaceGone(_)
            | Inbound::CapabilitiesChanged(_)
            | Inbound::Link(_)
            | Inbound::OwnEcho { .. } => false,
        });
        if let Some(said) = said.cloned() {
            self.tell(said);
        }
    }

    pub(super) fn lose(&mut self) {
        // Nobody was ever there that could look back.
        if self.acknowledged == 0 {
            return;
        }
        self.inbound.truncate(self.acknowledged);
        self.swapping = (false, None);
        self.note(Happening::Link(Link::Connected));
        self.tell(Inbound::Link(Link::Connected));
    }

    pub(super) fn release(&mut self) {
        self.inbound.extend(self.swapping.1.take());
    }

    pub(super) fn end(&mut self) {
        self.release();
        self.ended = true;
    }

    pub(super) fn add_channel(&mut self, channel: ChannelKey) {
        self.channels.insert(channel);
    }

    pub(super) fn add_fault(&mut self, verb: Verb, fault: Fault) {
        self.faults.entry(verb).or_default().push_back(fault);
    }

    /// Begins a call: what goes wrong with it.
    pub(super) fn call(&mut self, verb: Verb) -> Option<Fault> {
        self.calls += 1;
        let fault = self.faults.get_mut(&verb)?.pop_front()?;
        self.note(Happening::Faulty(verb, fault));
        Some(fault)
    }

    pub(super) fn remove(&mut self, place: &Place) {
        self.removed.insert(place.clone());
        self.note(Happening::Removed(place.clone()));
        self.tell(Inbound::PlaceGone(place.clone()));
    }

    pub(super) fn open_thread(
        &mut self,
        from: &MessageRef,
        title: &str,
    ) -> Result<Place, DeliveryError> {
        self.require(&from.place)?;
        let channel = from.place.channel.clone();
        let id = match self.capabilities.threads {
            Threads::None => return Err(DeliveryError::Unsupported),
            Threads::FromMessage => ThreadId::new(from.message.as_str()),
            Threads::Assigned => ThreadId::new(format!("thread-{}", from.message)),
        };
        let place = Place::thread(channel.clone(), id);
        if self.removed.contains(&place) {
            return Err(DeliveryError::Gone("the thread was removed".to_owned()));
        }
        if !self.threads.contains_key(&place) {
            let root = RootId::of_message(channel, from.message.clone());
            self.threads.insert(place.clone(), root);
            self.note(Happening::ThreadOpened {
                place: place.clone(),
                title: title.to_owned(),
            });
        }
        Ok(place)
    }

    pub(super) fn rename_thread(
        &mut self,
        thread: &Place,
        title: &str,
    ) -> Result<(), DeliveryError> {
        self.require(thread)?;
        if !self.threads.contains_key(thread) {
            return Err(DeliveryError::Unsupported);
        }
        self.note(Happening::ThreadRenamed {
            place: thread.clone(),
            title: title.to_owned(),
        });
        Ok(())
    }

    pub(super) fn set_status(
        &mut self,
        message: &MessageRef,
        status: Status,
    ) -> Result<(), DeliveryError> {
        if !self.capabilities.status {
            return Err(DeliveryError::Unsupported);
        }
        self.require(&message.place)?;
        self.note(Happening::Sign {
            message: message.clone(),
            status,
        });
        Ok(())
    }

    pub(super) fn typing(&mut self, place: &Place) -> Result<(), DeliveryError> {
        if !self.capabilities.typing {
            return Err(DeliveryError::Unsupported);
        }
        self.require(place)?;
        self.note(Happening::Typing(place.clone()));
        Ok(())
    }

    pub(super) fn show(&mut self, place: &Place, frame: &LiveFrame) -> Result<(), DeliveryError> {
        if self.capabilities.live.is_none() {
            return Err(DeliveryError::Unsupported);
        }
        self.require(place)?;
        self.note(Happening::Live {
            place: place.clone(),
            frame: frame.clone(),
        });
        Ok(())
    }

    fn require(&self, place: &Place) -> Result<(), DeliveryError> {
        if self.exists(place) {
            Ok(())
        } else {
            Err(DeliveryError::Gone(format!("{place} is not there")))
        }
    }

    fn next_message(&mut self) -> MessageId {
        self.messages += 1;
        MessageId::new(self.messages.to_string())
    }
}
