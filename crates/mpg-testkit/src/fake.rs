//! A chat platform in memory: people say what a test tells them, calls go wrong when a test wants
//! it, and everything that happens is written down in order.
//!
//! ```
//! use mpg_testkit::fake::FakePlatform;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let chat = FakePlatform::new();
//! let general = chat.add_channel("general");
//! let mut connection = chat.connect();
//! chat.say(&general, "ann", "hello");
//! assert!(connection.inbox.next().await.is_some());
//! # });
//! ```

mod entry;
mod fault;
mod file;
mod seam;
mod world;

pub use entry::{Entry, Happening};
pub use fault::{Fault, Verb};
pub use world::{Posted, World};

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mpg_core::capability::{Capabilities, Reconcile, Threads};
use mpg_core::id::{ChannelId, ChannelKey, MessageId, MessageRef, Place, PlatformId, ThreadId};
use mpg_core::interaction::Action;
use mpg_core::message::{AuthorKind, Inbound, Link};
use mpg_core::port::Connection;
use tokio::sync::watch;
use tokio::time::timeout;

use seam::{FakeInbox, FakeOutbox};
use world::author;

/// How long [`FakePlatform::wait_until`] waits, by the runtime's clock.
const PATIENCE: Duration = Duration::from_mins(2);

/// A platform called `chat`, as a test sees it. Clones are the same platform.
///
/// What the adapter is told has positions; a new connection is told everything again that was not
/// acknowledged, as after a crash of the gateway. The log of what happened grows without a limit:
/// a platform lives as long as its test.
#[derive(Clone, Debug)]
pub struct FakePlatform(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    changed: watch::Sender<()>,
}

impl Shared {
    fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let changed = change(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_replace(());
        changed
    }
}

impl Default for FakePlatform {
    fn default() -> Self {
        Self::new()
    }
}

impl FakePlatform {
    /// A platform that can do everything but show live text, and has no channels.
    pub fn new() -> Self {
        Self::with(Capabilities {
            threads: Threads::FromMessage,
            typing: true,
            status: true,
            reconcile: Reconcile::Nonce,
            ..Capabilities::default()
        })
    }

    /// A platform with these abilities in all channels, and no channels yet.
    pub fn with(capabilities: Capabilities) -> Self {
        Self(Arc::new(Shared {
            world: Mutex::new(World::new(capabilities)),
            changed: watch::channel(()).0,
        }))
    }

    /// The platform's name.
    pub fn id(&self) -> PlatformId {
        PlatformId::new("chat")
    }

    /// Adds a channel.
    pub fn add_channel(&self, name: &str) -> Place {
        let channel = self.key(name);
        self.0.change(|world| world.add_channel(channel.clone()));
        Place::channel(channel)
    }

    /// The key of a channel, as the configuration maps it.
    pub fn key(&self, name: &str) -> ChannelKey {
        ChannelKey::new(self.id(), ChannelId::new(name))
    }

    /// The thread that grows from a message, where threads have the id of their message.
    pub fn thread_of(&self, message: &MessageRef) -> Place {
        let id = ThreadId::new(message.message.as_str());
        Place::thread(message.place.channel.clone(), id)
    }

    /// Connects an adapter. What an earlier one was told and did not acknowledge is told again, and
    /// the earlier one's inbox ends.
    pub fn connect(&self) -> Connection {
        let (connection, read) = self.0.change(|world| {
            world.connection += 1;
            world.note(Happening::Connected);
            (world.connection, world.acknowledged)
        });
        Connection {
            platform: self.id(),
            inbox: Box::new(FakeInbox {
                shared: Arc::clone(&self.0),
                changed: self.0.changed.subscribe(),
                connection,
                read,
            }),
            outbox: Arc::new(FakeOutbox(Arc::clone(&self.0))),
        }
    }

    /// Lets a person say something.
    ///
    /// # Panics
    ///
    /// Panics if the channel was never added.
    pub fn say(&self, place: &Place, name: &str, text: &str) -> MessageRef {
        self.said(place, name, AuthorKind::Human, text)
    }

    /// Lets another bot say something.
    ///
    /// # Panics
    ///
    /// Panics if the channel was never added.
    pub fn bot_says(&self, place: &Place, name: &str, text: &str) -> MessageRef {
        self.said(place, name, AuthorKind::Bot, text)
    }

    /// Lets a person say something that no adapter is told: it is found by looking back alone.
    ///
    /// # Panics
    ///
    /// Panics if the channel was never added.
    pub fn say_unheard(&self, place: &Place, name: &str, text: &str) -> MessageRef {
        let author = author(name, AuthorKind::Human);
        let message = self.0.change(|world| world.say(place, author, text, false));
        MessageRef {
            place: place.clone(),
            message,
        }
    }

    /// Lets a person give a native command. It is told once: nobody who looks back finds it.
    ///
    /// # Panics
    ///
    /// Panics if the channel was never added.
    pub fn give(
        &self,
        place: &Place,
        name: &str,
        command: &str,
        arguments: &[(&str, &str)],
    ) -> MessageRef {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let action = Action::Command {
            name: command.to_owned(),
            arguments: arguments.iter().map(owned).collect(),
        };
        self.act(place, name, action)
    }

    /// Lets a person use a control. It is told once: nobody who looks back finds it.
    ///
    /// # Panics
    ///
    /// Panics if the channel was never added.
    pub fn act(&self, place: &Place, name: &str, action: Action) -> MessageRef {
        let author = author(name, AuthorKind::Human);
        self.0.change(|world| world.act(place, author, action))
    }

    /// Changes a message.
    pub fn edit(&self, message: &MessageRef, text: &str) {
        self.0.change(|world| {
            let (message, text) = (message.clone(), text.to_owned());
            world.revise(&message, Some(&text));
            world.note(Happening::Edited {
                message: message.clone(),
                text: text.clone(),
            });
            world.tell(Inbound::Edited { message, text });
        });
    }

    /// Removes a message.
    pub fn delete(&self, message: &MessageRef) {
        self.0.change(|world| {
            world.revise(message, None);
            world.note(Happening::Deleted(message.clone()));
            world.tell(Inbound::Deleted(message.clone()));
        });
    }

    /// Removes a channel or a thread for good.
    pub fn remove(&self, place: &Place) {
        self.0.change(|world| world.remove(place));
    }

    /// Announces a message once more, as it was said.
    pub fn repeat(&self, message: &MessageRef) {
        self.0.change(|world| world.repeat(message));
    }

    /// Forgets what was not acknowledged, as at the end of a connection that cannot be resumed. Only
    /// where no adapter is connected; the next one is told that it has begun anew.
    pub fn lose(&self) {
        self.0.change(World::lose);
    }

    /// Announces what waits to be announced behind something that did not happen.
    pub fn release(&self) {
        self.0.change(World::release);
    }

    /// Lets the next two things that happen be announced in the wrong order.
    pub fn swap(&self) {
        self.0.change(World::swap);
    }

    /// Lets the adapter tell of its connection.
    pub fn link(&self, link: Link) {
        self.0.change(|world| {
            world.note(Happening::Link(link.clone()));
            world.tell(Inbound::Link(link));
        });
    }

    /// Lets the adapter's inbox end after what it was told so far.
    pub fn end(&self) {
        self.0.change(World::end);
    }

    /// Lets the next call go wrong that nothing is planned for yet.
    pub fn fault(&self, verb: Verb, fault: Fault) {
        self.0.change(|world| world.add_fault(verb, fault));
    }

    /// How long every call takes before and after it happens. Nothing, unless it is set.
    pub fn set_latency(&self, before: Duration, after: Duration) {
        self.0.change(|world| world.latency = (before, after));
    }

    /// Whether the adapter is shown its own posts. It is not, unless it is set.
    pub fn set_echoes(&self, echoes: bool) {
        self.0.change(|world| world.echoes = echoes);
    }

    /// Looks at the platform. The platform stands still meanwhile.
    pub fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        self.0.look(look)
    }

    /// Waits until something holds, for ever if it has to.
    ///
    /// Cancel safe.
    pub async fn until(&self, mut holds: impl FnMut(&World) -> bool) {
        let mut changed = self.0.changed.subscribe();
        while !self.look(&mut holds) {
            // The sender lives as long as `self`.
            drop(changed.changed().await);
        }
    }

    /// Waits until something holds, as it must.
    ///
    /// Cancel safe.
    ///
    /// # Panics
    ///
    /// Panics with what happened if it does not hold within two minutes of the runtime's time.
    pub async fn wait_until(&self, holds: impl FnMut(&World) -> bool) {
        let came = timeout(PATIENCE, self.until(holds)).await.is_ok();
        assert!(came, "it never came true:\n{}", self.transcript());
    }

    /// What happened, one line each.
    pub fn transcript(&self) -> String {
        self.look(World::transcript)
    }

    fn said(&self, place: &Place, name: &str, kind: AuthorKind, text: &str) -> MessageRef {
        let author = author(name, kind);
        let message: MessageId = self.0.change(|world| world.say(place, author, text, true));
        MessageRef {
            place: place.clone(),
            message,
        }
    }
}
