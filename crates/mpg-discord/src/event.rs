//! What the gateway sends, reduced to what the adapter uses.
//!
//! Read from the raw frame, with every field optional that may be missing: twilight's full models
//! drop the nonce of a message, and refuse a whole event for one field that they do not know.

pub(crate) mod interaction;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use twilight_model::channel::ChannelType;
use twilight_model::channel::permission_overwrite::PermissionOverwrite;
use twilight_model::guild::Permissions;
use twilight_model::id::Id;
use twilight_model::id::marker::{
    ApplicationMarker, ChannelMarker, GuildMarker, InteractionMarker, MessageMarker, RoleMarker,
    UserMarker,
};

use self::interaction::Interaction;

/// A dispatch that matters to the adapter.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Ready {
        user: Id<UserMarker>,
        application: Option<Id<ApplicationMarker>>,
    },
    Resumed,
    GuildCreated(Box<Guild>),
    GuildDeleted(Id<GuildMarker>),
    ChannelChanged(Box<Channel>),
    ChannelDeleted(Id<ChannelMarker>),
    ThreadsSeen(Vec<Channel>),
    ThreadChanged(Box<Channel>),
    ThreadDeleted(Box<Channel>),
    RoleChanged(Id<GuildMarker>, Box<Role>),
    RoleDeleted(Id<GuildMarker>, Id<RoleMarker>),
    MemberChanged(Box<MemberChange>),
    MessageCreated(Box<Message>),
    MessageUpdated(Box<Message>),
    MessagesDeleted(Id<ChannelMarker>, Vec<Id<MessageMarker>>),
    InteractionCreated(Box<Interaction>),
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: Id<MessageMarker>,
    pub(crate) channel_id: Id<ChannelMarker>,
    pub(crate) guild_id: Option<Id<GuildMarker>>,
    pub(crate) channel_type: Option<ChannelType>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<u8>,
    pub(crate) author: Option<User>,
    pub(crate) member: Option<PartialMember>,
    pub(crate) content: Option<String>,
    pub(crate) edited_timestamp: Option<IgnoredAny>,
    #[serde(default)]
    pub(crate) attachments: Vec<Attachment>,
    #[serde(default)]
    pub(crate) embeds: Vec<Embed>,
    pub(crate) webhook_id: Option<IgnoredAny>,
    pub(crate) nonce: Option<serde_json::Value>,
    pub(crate) flags: Option<u64>,
    pub(crate) interaction_metadata: Option<Answered>,
}

/// The interaction that a message answers.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Answered {
    pub(crate) id: Id<InteractionMarker>,
}

impl Message {
    /// Whether it was said in a direct conversation, as far as it came as an event: these belong to no
    /// guild.
    pub(crate) fn is_direct(&self) -> bool {
        self.guild_id.is_none()
    }
}

/// What a message carries besides its text.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Embed {
    pub(crate) author: Option<EmbedAuthor>,
    pub(crate) description: Option<String>,
    pub(crate) footer: Option<EmbedFooter>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct EmbedAuthor {
    #[serde(default)]
    pub(crate) name: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct EmbedFooter {
    #[serde(default)]
    pub(crate) text: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) id: Id<UserMarker>,
    #[serde(default)]
    pub(crate) username: String,
    pub(crate) global_name: Option<String>,
    #[serde(default)]
    pub(crate) bot: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PartialMember {
    pub(crate) nick: Option<String>,
    #[serde(default)]
    pub(crate) roles: Vec<Id<RoleMarker>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Attachment {
    #[serde(default)]
    pub(crate) filename: String,
    #[serde(default)]
    pub(crate) size: u64,
    pub(crate) content_type: Option<String>,
    #[serde(default)]
    pub(crate) url: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Guild {
    pub(crate) id: Id<GuildMarker>,
    pub(crate) unavailable: Option<bool>,
    pub(crate) owner_id: Option<Id<UserMarker>>,
    #[serde(default)]
    pub(crate) roles: Vec<Role>,
    #[serde(default)]
    pub(crate) channels: Vec<Channel>,
    #[serde(default)]
    pub(crate) threads: Vec<Channel>,
    #[serde(default)]
    pub(crate) members: Vec<Member>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Role {
    pub(crate) id: Id<RoleMarker>,
    pub(crate) name: String,
    pub(crate) permissions: Permissions,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) user: Option<User>,
    pub(crate) nick: Option<String>,
    #[serde(default)]
    pub(crate) roles: Vec<Id<RoleMarker>>,
}

/// What a member's roles are now. Without the members intent, Discord tells it of the bot alone.
///
/// Source: the list of gateway intents of Discord's documentation.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct MemberChange {
    pub(crate) guild_id: Id<GuildMarker>,
    pub(crate) user: User,
    pub(crate) roles: Vec<Id<RoleMarker>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Channel {
    pub(crate) id: Id<ChannelMarker>,
    #[serde(rename = "type")]
    pub(crate) kind: ChannelType,
    pub(crate) guild_id: Option<Id<GuildMarker>>,
    pub(crate) parent_id: Option<Id<ChannelMarker>>,
    pub(crate) permission_overwrites: Option<Vec<PermissionOverwrite>>,
    pub(crate) thread_metadata: Option<ThreadMetadata>,
    pub(crate) last_message_id: Option<Id<MessageMarker>>,
}

impl Channel {
    /// Whether nobody but a moderator can write here any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.thread_metadata
            .as_ref()
            .is_some_and(|thread| thread.archived && thread.locked)
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ThreadMetadata {
    #[serde(default)]
    pub(crate) archived: bool,
    #[serde(default)]
    pub(crate) locked: bool,
    pub(crate) archive_timestamp: Option<String>,
}

/// A dispatch that could not be read.
#[derive(Debug)]
pub(crate) struct Undecodable {
    /// The event's name.
    pub(crate) name: String,
    /// Where reading it ended, in bytes. serde's own words would repeat what people wrote.
    pub(crate) at: usize,
}

/// Reads one frame; `None` for everything that the adapter has no use for.
pub(crate) fn parse(text: &str) -> Result<Option<Event>, Undecodable> {
    #[derive(Deserialize)]
    struct Frame<'a> {
        op: u8,
        t: Option<String>,
        #[serde(borrow)]
        d: Option<&'a RawValue>,
    }
    let frame: Frame<'_> = serde_json::from_str(text).map_err(|error| Undecodable {
        name: "frame".to_owned(),
        at: error.column(),
    })?;
    let (0, Some(name), Some(data)) = (frame.op, frame.t, frame.d) else {
        return Ok(None);
    };
    dispatch(&name, data.get()).map_err(|error| Undecodable {
        name,
        at: error.column(),
    })
}

fn dispatch(name: &str, data: &str) -> Result<Option<Event>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Ready {
        user: User,
        application: Option<Application>,
    }
    #[derive(Deserialize)]
    struct Application {
        id: Id<ApplicationMarker>,
    }
    #[derive(Deserialize)]
    struct Sync {
        threads: Vec<Channel>,
    }
    #[derive(Deserialize)]
    struct RoleEvent {
        guild_id: Id<GuildMarker>,
        role: Role,
    }
    #[derive(Deserialize)]
    struct RoleGone {
        guild_id: Id<GuildMarker>,
        role_id: Id<RoleMarker>,
    }
    #[derive(Deserialize)]
    struct Deleted {
        channel_id: Id<ChannelMarker>,
        id: Option<Id<MessageMarker>>,
        #[serde(default)]
        ids: Vec<Id<MessageMarker>>,
    }

    Ok(Some(match name {
        "READY" => {
            let ready: Ready = serde_json::from_str(data)?;
            Event::Ready {
                user: ready.user.id,
                application: ready.application.map(|application| application.id),
            }
        }
        "RESUMED" => Event::Resumed,
        "GUILD_CREATE" => {
            let guild: Box<Guild> = serde_json::from_str(data)?;
            if guild.unavailable == Some(true) {
                return Ok(None);
            }
            Event::GuildCreated(guild)
        }
        "GUILD_DELETE" => {
            let guild: Guild = serde_json::from_str(data)?;
            // An outage of Discord's: the guild comes back by itself.
            if guild.unavailable == Some(true) {
                return Ok(None);
            }
            Event::GuildDeleted(guild.id)
        }
        "CHANNEL_CREATE" | "CHANNEL_UPDATE" => Event::ChannelChanged(serde_json::from_str(data)?),
        "CHANNEL_DELETE" => Event::ChannelDeleted(serde_json::from_str::<Channel>(data)?.id),
        "THREAD_CREATE" | "THREAD_UPDATE" => Event::ThreadChanged(serde_json::from_str(data)?),
        "THREAD_DELETE" => Event::ThreadDeleted(serde_json::from_str(data)?),
        "THREAD_LIST_SYNC" => Event::ThreadsSeen(serde_json::from_str::<Sync>(data)?.threads),
        "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE" => {
            let event: RoleEvent = serde_json::from_str(data)?;
            Event::RoleChanged(event.guild_id, Box::new(event.role))
        }
        "GUILD_ROLE_DELETE" => {
            let event: RoleGone = serde_json::from_str(data)?;
            Event::RoleDeleted(event.guild_id, event.role_id)
        }
        "GUILD_MEMBER_UPDATE" => Event::MemberChanged(serde_json::from_str(data)?),
        "MESSAGE_CREATE" => Event::MessageCreated(serde_json::from_str(data)?),
        "MESSAGE_UPDATE" => Event::MessageUpdated(serde_json::from_str(data)?),
        "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK" => {
            let event: Deleted = serde_json::from_str(data)?;
            let ids = event.id.into_iter().chain(event.ids).collect();
            Event::MessagesDeleted(event.channel_id, ids)
        }
        "INTERACTION_CREATE" => Event::InteractionCreated(serde_json::from_str(data)?),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_dispatch_is_passed_over() {
        for text in [
            r#"{"op":11}"#,
            r#"{"op":0,"t":"TYPING_START","s":3,"d":{}}"#,
            r#"{"op":0,"t":"GUILD_CREATE","s":3,"d":{"id":"1","unavailable":true}}"#,
            r#"{"op":0,"t":"GUILD_DELETE","s":3,"d":{"id":"1","unavailable":true}}"#,
            r#"{"op":0,"t":null,"s":null,"d":null}"#,
        ] {
            assert!(parse(text).unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = parse(r#"{"op":0,"t":"MESSAGE_CREATE","s":3,"d":{"id":"x"}}"#).unwrap_err();
        assert_eq!(error.name, "MESSAGE_CREATE");
        assert_eq!(parse("{").unwrap_err().name, "frame");
    }

    #[test]
    fn fields_that_nobody_knows_are_no_fault() {
        let text = r#"{"op":0,"t":"CHANNEL_UPDATE","s":3,"d":{"id":"2","type":99,"new":[1]}}"#;
        assert!(matches!(
            parse(text).unwrap(),
            Some(Event::ChannelChanged(channel)) if channel.id.get() == 2
        ));
    }

    proptest! {
        #[test]
        fn any_text_gives_a_value(text in "\\PC{0,200}") {
            drop(parse(&text));
        }
    }
}
