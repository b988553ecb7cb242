//! What every `Inbox` and `Outbox` must do.
//!
//! An adapter's crate implements [`AdapterHarness`] on a stand-in for its platform and runs
//! [`clauses`]. What a platform cannot do is not asked of it: the suite goes by what the adapter's
//! `Capabilities` claim.

mod clause;

use std::future::Future;
use std::time::Duration;

use mpg_core::id::{DeliveryId, MessageId, Place, TurnId};
use mpg_core::interaction::Interaction;
use mpg_core::message::Inbound;
use mpg_core::port::{Connection, Inbox};
use mpg_core::post::{Post, PostKind};
use uuid::Uuid;

pub use clause::clauses;

/// How long the suite waits for something to come in before it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A platform to test on, and how it looks from outside the adapter. Its methods panic where they
/// fail.
pub trait AdapterHarness: Sync {
    /// A platform with one channel that is mapped to a project and one person in it.
    type Platform: Send + Sync;

    /// Makes a fresh platform.
    fn platform(&self) -> impl Future<Output = Self::Platform> + Send;

    /// Connects the adapter to it, without a stored position.
    fn connect(&self, platform: &Self::Platform) -> impl Future<Output = Connection> + Send;

    /// The mapped channel.
    fn channel(&self, platform: &Self::Platform) -> Place;

    /// A place of the same platform that does not exist.
    fn missing(&self, platform: &Self::Platform) -> Place;

    /// A text that would notify somebody if a person wrote it.
    fn mention(&self, platform: &Self::Platform) -> String;

    /// Lets the person say something.
    fn person_says(
        &self,
        platform: &Self::Platform,
        place: &Place,
        text: &str,
    ) -> impl Future<Output = MessageId> + Send;

    /// Lets another bot say something; false where the platform has no other bots.
    fn bot_says(
        &self,
        platform: &Self::Platform,
        place: &Place,
        text: &str,
    ) -> impl Future<Output = bool> + Send;

    /// Lets the person post a file; false, which is the default, where the adapter fetches none.
    fn person_attaches(
        &self,
        platform: &Self::Platform,
        place: &Place,
        name: &str,
        content: &[u8],
    ) -> impl Future<Output = bool> + Send {
        let _ = (platform, place, name, content);
        async { false }
    }

    /// Lets the person act on a post of the adapter's. It has to be there where the adapter's channels
    /// have controls.
    fn person_acts(
        &self,
        platform: &Self::Platform,
        place: &Place,
        message: &MessageId,
        act: Act<'_>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (platform, place);
        let text = format!("nobody can act on {message}: {act:?}");
        async move { panic!("{text}") }
    }

    /// What the adapter posted, as people see it, oldest first.
    fn shown(
        &self,
        platform: &Self::Platform,
        place: &Place,
    ) -> impl Future<Output = Vec<Shown>> + Send;
}

/// What a person does with a post.
#[derive(Clone, Copy, Debug)]
pub enum Act<'a> {
    /// Presses the button that says this.
    Press(&'a str),
    /// Chooses the options with these values, all at once.
    Choose(&'a [&'a str]),
    /// Presses the button that says this, and fills in the form that opens: fields by their names, each
    /// of one line.
    Fill(&'a str, &'a [(&'a str, &'a str)]),
}

/// A post as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The message that it became.
    pub id: MessageId,
    /// Its text, without what the adapter's rendering adds around it.
    pub text: String,
    /// What it shows beside the text, such as the name that it appears under. Where that is part of the
    /// text, it is left in there.
    pub beside: String,
    /// Whether it notified anybody.
    pub notified: bool,
    /// What people can act on: what each button says, and each choice while nothing is chosen.
    pub controls: Vec<String>,
}

/// A connected adapter on its platform.
struct Subject<'a, H: AdapterHarness> {
    harness: &'a H,
    platform: H::Platform,
    connection: Connection,
    posts: u32,
}

impl<'a, H: AdapterHarness> Subject<'a, H> {
    async fn connect(harness: &'a H) -> Self {
        let platform = harness.platform().await;
        let connection = harness.connect(&platform).await;
        Self {
            harness,
            platform,
            connection,
            posts: 0,
        }
    }

    fn channel(&self) -> Place {
        self.harness.channel(&self.platform)
    }

    /// A post with an id of its own.
    fn post(&mut self, text: impl Into<String>) -> Post {
        self.posts += 1;
        let turn = TurnId::from_uuid(Uuid::from_u128(0x00C0_FFEE));
        Post::new(
            DeliveryId::of_turn(turn, self.posts),
            PostKind::Notice,
            text.into(),
        )
    }

    async fn person_says(&self, place: &Place, text: &str) -> MessageId {
        self.harness.person_says(&self.platform, place, text).await
    }

    async fn shown(&self, place: &Place) -> Vec<Shown> {
        self.harness.shown(&self.platform, place).await
    }

    async fn texts(&self, place: &Place) -> Vec<String> {
        let shown = self.shown(place).await;
        shown.into_iter().map(|post| post.text).collect()
    }

    /// Reads until something somebody did with a post comes.
    async fn read_interaction(&mut self) -> Interaction {
        loop {
            let inbound = next(self.connection.inbox.as_mut()).await;
            if let Inbound::Interaction(interaction) = inbound {
                return interaction;
            }
        }
    }

    /// Reads until a message with this text comes, and gives everything that came up to it.
    async fn read_until(&mut self, text: &str) -> Vec<Inbound> {
        let mut read = Vec::new();
        loop {
            let inbound = next(self.connection.inbox.as_mut()).await;
            let found = matches!(&inbound, Inbound::Message(message) if message.text == text);
            read.push(inbound);
            if found {
                return read;
            }
        }
    }
}

async fn next(inbox: &mut dyn Inbox) -> Inbound {
    tokio::time::timeout(PATIENCE, inbox.next())
        .await
        .expect("something comes in within 30 s")
        .expect("the inbox has not ended")
        .0
}
