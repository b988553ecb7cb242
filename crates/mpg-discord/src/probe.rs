//! What is asked of Discord before there is a connection, and beside one: whether the token is
//! taken, where the bot is, and what it may do there.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use mpg_core::id::ChannelId;
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;
use twilight_http::routing::Route;
use twilight_model::channel::ChannelType;
use twilight_model::guild::Permissions;
use twilight_model::id::Id;
use twilight_model::id::marker::{ApplicationMarker, GuildMarker, UserMarker};

use crate::connect::{API, ConnectError};
use crate::directory::Directory;
use crate::event::{Channel, Event, Guild, Member, User};
use crate::invitation::{NEEDS, Need};
use crate::origin::origin;
use crate::render::snowflake;
use crate::rest::{Failure, Rest};
use crate::settings::{Settings, Token};
use crate::transport;

/// The flags of an application that may read what people write: of a verified bot, and of another.
///
/// Source: the page on applications of Discord's documentation.
const READS_MESSAGES: u64 = 1 << 18 | 1 << 19;

/// The most guilds that one request lists; a bot that is in more picks among these.
const GUILDS: u16 = 200;

/// Asks Discord's REST API as the bot, without a connection.
///
/// # Cancel safety
///
/// Every question may be dropped; only [`create_channel`](Self::create_channel) changes something,
/// and may have changed it by then.
#[derive(Debug)]
pub struct Probe {
    rest: Rest,
}

/// The bot that a token belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bot {
    /// Its account.
    pub id: String,
    /// The account's name.
    pub name: String,
    /// Its application, which is what is invited.
    pub application: String,
    /// Whether the message content intent is on, without which Discord refuses the connection.
    pub reads_messages: bool,
}

/// A guild, which Discord's users call a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A channel in which projects can be worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextChannel {
    /// Its id, as it is written behind `discord:`.
    pub id: ChannelId,
    /// Its name.
    pub name: String,
    /// What the bot needs there and may not do.
    pub missing: Vec<Need>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// The token is none, or none any more.
    #[error(
        "Discord does not take this token; reset it at https://discord.com/developers/applications \
         under Bot, and copy the new one"
    )]
    Token,
    /// Discord answered that it does not do this.
    #[error("Discord refused: {0}")]
    Refused(String),
    /// What was asked for is not there, or the bot may not see it.
    #[error("there is no such place, or the bot may not see it")]
    Unknown,
    /// There was no answer that can be relied on.
    #[error("Discord cannot be asked: {0}")]
    Unreachable(String),
}

/// A guild as REST tells it, with what a person reads of it.
#[derive(Debug, Deserialize)]
struct Listed {
    id: Id<GuildMarker>,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Named {
    #[serde(flatten)]
    channel: Channel,
    name: Option<String>,
    #[serde(default)]
    position: i64,
}

#[derive(Debug, Deserialize)]
struct Application {
    id: Id<ApplicationMarker>,
    #[serde(default)]
    flags: u64,
}

impl Probe {
    /// Prepares questions to an API, Discord's own unless another origin is given. Connects to
    /// nothing yet.
    ///
    /// Has to be called inside a Tokio runtime. Where the process has no default TLS provider, it
    /// installs ring.
    ///
    /// # Errors
    ///
    /// Only for a token or an origin that cannot be right.
    pub fn new(token: &Token, api_url: Option<&str>) -> Result<Self, ConnectError> {
        let api =
            origin(api_url.unwrap_or(API), &["http", "https"]).map_err(ConnectError::ApiUrl)?;
        if token.expose().is_empty() {
            return Err(ConnectError::Token);
        }
        transport::install_tls();
        let rest = Rest::new(&api, token, Settings::REQUESTS_PER_SECOND);
        rest.map(|rest| Self { rest }).ok_or(ConnectError::Token)
    }

    /// How far this machine's clock was ahead of Discord's at the last answer, to the second; `None`
    /// before there was one.
    pub fn clock_ahead(&self) -> Option<SignedDuration> {
        self.rest.clock_ahead()
    }

    /// Asks whose token it is, and whether it may read messages.
    pub async fn bot(&self) -> Result<Bot, ProbeError> {
        let user: User = self.rest.get(&Route::GetCurrentUser).await?;
        let application: Application = self.rest.get(&Route::GetCurrentUserApplicationInfo).await?;
        Ok(Bot {
            id: user.id.to_string(),
            name: user.username,
            application: application.id.to_string(),
            reads_messages: application.flags & READS_MESSAGES != 0,
        })
    }

    /// Lists the servers that the bot is in, at most 200 of them.
    pub async fn servers(&self) -> Result<Vec<Server>, ProbeError> {
        let route = Route::GetGuilds {
            after: None,
            before: None,
            limit: Some(GUILDS),
            shard: None,
        };
        let listed: Vec<Listed> = self.rest.get(&route).await?;
        let listed = listed.into_iter().map(|guild| Server {
            id: guild.id.to_string(),
            name: guild.name,
        });
        Ok(listed.collect())
    }

    /// Lists the text channels of a server that the bot can see, in the order in which people see
    /// them.
    pub async fn channels(&self, server: &str) -> Result<Vec<TextChannel>, ProbeError> {
        let guild_id = guild_id(server)?;
        let mut directory = Directory::default();
        self.learn(guild_id, &mut directory).await?;
        let route = Route::GetChannels {
            guild_id: guild_id.get(),
        };
        let mut channels: Vec<Named> = self.rest.get(&route).await?;
        channels.retain(|named| is_text(named.channel.kind));
        channels.sort_by_key(|named| (named.position, named.channel.id));
        let channels = channels
            .iter()
            .map(|named| described(named, guild_id, &mut directory));
        let seen = |channel: &TextChannel| {
            let hides = |need: &Need| need.permission == Permissions::VIEW_CHANNEL;
            !channel.missing.iter().any(hides)
        };
        Ok(channels.filter(seen).collect())
    }

    /// Says of each channel what the bot may not do in it, or why that cannot be told.
    pub async fn rights(
        &self,
        channels: impl IntoIterator<Item = &ChannelId>,
    ) -> BTreeMap<ChannelId, Result<TextChannel, ProbeError>> {
        let mut directory = Directory::default();
        let mut guilds = BTreeMap::new();
        let mut rights = BTreeMap::new();
        for channel in channels {
            let found = self.right(channel, &mut guilds, &mut directory).await;
            rights.insert(channel.clone(), found);
        }
        rights
    }

    /// Makes a text channel in a server. Needs the permission to manage channels.
    pub async fn create_channel(
        &self,
        server: &str,
        name: &str,
    ) -> Result<TextChannel, ProbeError> {
        let guild_id = guild_id(server)?;
        let route = Route::CreateChannel {
            guild_id: guild_id.get(),
        };
        let body = json!({"name": name, "type": u8::from(ChannelType::GuildText)});
        let made: Named = self.rest.post(&route, &body).await?;
        let mut directory = Directory::default();
        self.learn(guild_id, &mut directory).await?;
        Ok(described(&made, guild_id, &mut directory))
    }

    async fn right(
        &self,
        channel: &ChannelId,
        guilds: &mut BTreeMap<Id<GuildMarker>, Result<(), ProbeError>>,
        directory: &mut Directory,
    ) -> Result<TextChannel, ProbeError> {
        let channel_id = snowflake(channel.as_str()).ok_or(ProbeError::Unknown)?;
        let named: Named = self.rest.get(&Route::GetChannel { channel_id }).await?;
        let guild = named.channel.guild_id.ok_or(ProbeError::Unknown)?;
        let known = if let Some(known) = guilds.get(&guild) {
            known.clone()
        } else {
            let learned = self.learn(guild, directory).await;
            guilds.insert(guild, learned.clone());
            learned
        };
        known?;
        Ok(described(&named, guild, directory))
    }

    /// Learns what the bot's roles in a guild allow.
    async fn learn(
        &self,
        guild_id: Id<GuildMarker>,
        directory: &mut Directory,
    ) -> Result<(), ProbeError> {
        let me: User = self.rest.get(&Route::GetCurrentUser).await?;
        let route = Route::GetGuild {
            guild_id: guild_id.get(),
            with_counts: false,
        };
        let mut guild: Guild = self.rest.get(&route).await?;
        let route = Route::GetMember {
            guild_id: guild_id.get(),
            user_id: me.id.get(),
        };
        let member: Member = self.rest.get(&route).await?;
        guild.members = vec![member];
        let user: Id<UserMarker> = me.id;
        directory.set_me(user);
        directory.apply(&Event::GuildCreated(Box::new(guild)));
        Ok(())
    }
}

impl From<Failure> for ProbeError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { status: 401, .. } => Self::Token,
            Failure::Refused {
                status: 404,
                code: Some(_),
                ..
            }
            | Failure::Refused {
                code: Some(MISSING_ACCESS),
                ..
            } => Self::Unknown,
            Failure::Refused {
                status: status @ 500..,
                message,
                ..
            } => Self::Unreachable(format!("it answered {status}: {message}")),
            Failure::Refused { message, .. } => Self::Refused(message),
            Failure::Limited { message, .. }
            | Failure::NotSent(message)
            | Failure::Unknown(message) => Self::Unreachable(message),
        }
    }
}

/// The code of a place that the bot may not see.
///
/// Source: the page on opcodes and status codes of Discord's documentation.
const MISSING_ACCESS: u64 = 50001;

fn guild_id(server: &str) -> Result<Id<GuildMarker>, ProbeError> {
    let id = snowflake(server).and_then(Id::new_checked);
    id.ok_or(ProbeError::Unknown)
}

/// Whether messages in channels of a kind can start threads of their own.
fn is_text(kind: ChannelType) -> bool {
    matches!(
        kind,
        ChannelType::GuildText | ChannelType::GuildAnnouncement
    )
}

fn described(named: &Named, guild: Id<GuildMarker>, directory: &mut Directory) -> TextChannel {
    directory.add_channel(&named.channel, Some(guild));
    let allowed = directory.allowed(named.channel.id);
    let lacks = |need: &&Need| allowed.is_some_and(|allowed| !allowed.contains(need.permission));
    TextChannel {
        id: ChannelId::new(named.channel.id.to_string()),
        name: named.name.clone().unwrap_or_default(),
        missing: NEEDS.iter().filter(lacks).copied().collect(),
    }
}
