//! The adapter, connected to a loopback Discord with one guild, one mapped channel and one person.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mpg_core::id::{
    ChannelId, ChannelKey, DeliveryId, MessageId, MessageRef, Place, PlatformId, Position,
    ThreadId, TurnId,
};
use mpg_core::message::{Inbound, Link, Message};
use mpg_core::port::{Connection, Outbox};
use mpg_core::post::{Post, PostKind};
use mpg_discord::{PLATFORM, Settings, ThreadArchive, Token, connect};
use mpg_testkit::discord::{Discord, DiscordBuilder, Snowflake};
use uuid::Uuid;

/// How long a test waits before it fails.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Subject {
    pub(crate) discord: Discord,
    pub(crate) guild: Snowflake,
    pub(crate) channel: Snowflake,
    pub(crate) person: Snowflake,
    pub(crate) connection: Connection,
}

impl Subject {
    /// Connects to a server with default settings, and reads until the session is there.
    pub(crate) async fn start() -> Self {
        Self::start_on(Discord::builder()).await
    }

    pub(crate) async fn start_on(builder: DiscordBuilder) -> Self {
        let mut subject = Self::begin_on(builder).await;
        assert_eq!(subject.link().await, Link::Connected);
        subject
    }

    /// Connects to a server, and reads nothing.
    pub(crate) async fn begin_on(builder: DiscordBuilder) -> Self {
        Self::begin(builder, |_| ()).await
    }

    /// Connects to a server that is prepared first, and reads nothing.
    pub(crate) async fn begin(builder: DiscordBuilder, prepare: impl FnOnce(&Discord)) -> Self {
        let discord = builder.start().await;
        let guild = discord.add_guild("guild");
        let channel = discord.add_channel(guild, "dev");
        let person = discord.add_user("alice");
        prepare(&discord);
        let settings = settings(&discord, channel);
        let connection = connect(settings, None).await.unwrap();
        Self {
            discord,
            guild,
            channel,
            person,
            connection,
        }
    }

    /// Ends the adapter, as the end of its process does.
    pub(crate) async fn stop(self) -> Stopped {
        drop(self.connection);
        self.discord
            .wait_for(|world| world.connection_count() == 0)
            .await;
        Stopped {
            discord: self.discord,
            guild: self.guild,
            channel: self.channel,
            person: self.person,
        }
    }

    pub(crate) fn outbox(&self) -> Arc<dyn Outbox> {
        Arc::clone(&self.connection.outbox)
    }

    pub(crate) fn say(&self, text: &str) -> Snowflake {
        self.discord.say(self.channel, self.person, text)
    }

    /// Reads on until something fits.
    pub(crate) async fn read<R>(
        &mut self,
        mut fits: impl FnMut(Inbound, Option<Position>) -> Option<R>,
    ) -> R {
        let reading = async {
            loop {
                let (inbound, position) = self.connection.inbox.next().await.unwrap();
                if let Some(found) = fits(inbound, position) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .unwrap_or_else(|_| panic!("nothing came:\n{}", self.discord.transcript()))
    }

    /// Reads on until the link changes.
    pub(crate) async fn link(&mut self) -> Link {
        self.read(|inbound, _| match inbound {
            Inbound::Link(link) => Some(link),
            Inbound::Message(_)
            | Inbound::Interaction(_)
            | Inbound::Edited { .. }
            | Inbound::Deleted(_)
            | Inbound::PlaceGone(_)
            | Inbound::CapabilitiesChanged(_)
            | Inbound::OwnEcho { .. } => None,
        })
        .await
    }

    /// Reads on until a message comes.
    pub(crate) async fn message(&mut self) -> (Message, Position) {
        self.read(|inbound, position| match inbound {
            Inbound::Message(message) => Some((message, position.unwrap())),
            Inbound::Link(_)
            | Inbound::Interaction(_)
            | Inbound::Edited { .. }
            | Inbound::Deleted(_)
            | Inbound::PlaceGone(_)
            | Inbound::CapabilitiesChanged(_)
            | Inbound::OwnEcho { .. } => None,
        })
        .await
    }
}

/// What is left when the adapter has ended.
pub(crate) struct Stopped {
    pub(crate) discord: Discord,
    pub(crate) guild: Snowflake,
    pub(crate) channel: Snowflake,
    pub(crate) person: Snowflake,
}

impl Stopped {
    /// Connects anew with what was stored, and reads nothing.
    pub(crate) async fn restart(self, position: Option<Position>) -> Subject {
        self.restart_with(position, |_| ()).await
    }

    /// Connects anew with settings that are changed first, and reads nothing.
    pub(crate) async fn restart_with(
        self,
        position: Option<Position>,
        change: impl FnOnce(&mut Settings),
    ) -> Subject {
        let mut settings = settings(&self.discord, self.channel);
        change(&mut settings);
        let connection = connect(settings, position).await.unwrap();
        Subject {
            discord: self.discord,
            guild: self.guild,
            channel: self.channel,
            person: self.person,
            connection,
        }
    }
}

pub(crate) fn settings(discord: &Discord, channel: Snowflake) -> Settings {
    let mut settings = Settings::new(Token::new(discord.token()));
    settings.api_url = Some(discord.origin());
    settings.gateway_url = Some(discord.gateway_url());
    settings.channels.replace(BTreeMap::from([(
        ChannelId::new(channel.to_string()),
        ThreadArchive::default(),
    )]));
    settings
}

pub(crate) fn place(channel: Snowflake) -> Place {
    Place::channel(ChannelKey::new(
        PlatformId::new(PLATFORM),
        ChannelId::new(channel.to_string()),
    ))
}

pub(crate) fn thread(channel: Snowflake, thread: Snowflake) -> Place {
    Place::thread(place(channel).channel, ThreadId::new(thread.to_string()))
}

pub(crate) fn reference(channel: Snowflake, message: Snowflake) -> MessageRef {
    MessageRef {
        place: place(channel),
        message: MessageId::new(message.to_string()),
    }
}

/// A post; the number makes its id.
pub(crate) fn post(number: u32, text: &str) -> Post {
    let turn = TurnId::from_uuid(Uuid::from_u128(7));
    Post::new(
        DeliveryId::of_turn(turn, number),
        PostKind::Notice,
        text.to_owned(),
    )
}
