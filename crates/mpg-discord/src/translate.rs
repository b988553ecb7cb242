//! Events as what the core hears.

pub(crate) mod interaction;
#[cfg(test)]
mod tests;

use mpg_core::id::{DeliveryId, MessageId, MessageRef, Place, UserId};
use mpg_core::message::{self, Author, AuthorKind, Inbound, Link};
use twilight_model::id::Id;
use twilight_model::id::marker::{ChannelMarker, GuildMarker, MessageMarker, UserMarker};

use crate::directory::{Directory, channel_place, is_thread, thread_place};
use crate::event::{Event, Message};

/// The types of messages that people write: *default* and *reply*. All others are the platform's
/// own announcements.
///
/// Source: the message resource of Discord's documentation.
const WRITTEN: [u8; 2] = [0, 19];

/// Something that has to be known before an event can be translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Missing {
    /// What a channel is, and where.
    Channel(Id<ChannelMarker>),
    /// The names of a guild's roles.
    Roles(Id<GuildMarker>),
}

/// What has to be looked up before `event` can be translated in full.
pub(crate) fn missing(event: &Event, directory: &Directory) -> Option<Missing> {
    match event {
        // Nothing has to be looked up of a direct conversation, however many people begin one.
        Event::MessageCreated(message) if is_written(message) && !message.is_direct() => {
            if directory
                .place(message.channel_id, message.channel_type)
                .is_none()
            {
                return Some(Missing::Channel(message.channel_id));
            }
            let guild = message.guild_id?;
            let has_roles = message
                .member
                .as_ref()
                .is_some_and(|member| !member.roles.is_empty());
            (has_roles && !is_bot(message) && !directory.knows_roles(guild))
                .then_some(Missing::Roles(guild))
        }
        Event::MessageUpdated(message) if message.edited_timestamp.is_some() => directory
            .place(message.channel_id, message.channel_type)
            .is_none()
            .then_some(Missing::Channel(message.channel_id)),
        Event::MessagesDeleted(channel, _) => directory
            .place(*channel, None)
            .is_none()
            .then_some(Missing::Channel(*channel)),
        Event::InteractionCreated(interaction) => {
            let guild = interaction.guild_id?;
            let has_roles = interaction
                .member
                .as_ref()
                .is_some_and(|member| !member.roles.is_empty());
            (has_roles && !directory.knows_roles(guild)).then_some(Missing::Roles(guild))
        }
        Event::Ready { .. }
        | Event::Resumed
        | Event::GuildCreated(_)
        | Event::GuildDeleted(_)
        | Event::ChannelChanged(_)
        | Event::ChannelDeleted(_)
        | Event::ThreadsSeen(_)
        | Event::ThreadChanged(_)
        | Event::ThreadDeleted(_)
        | Event::RoleChanged(..)
        | Event::RoleDeleted(..)
        | Event::MemberChanged(_)
        | Event::MessageCreated(_)
        | Event::MessageUpdated(_) => None,
    }
}

/// What the core hears of an event, by what is known before the event is applied to the directory.
/// What was missing and could not be found stays out: a role without a name, a place without its
/// parent.
pub(crate) fn translate(event: &Event, directory: &Directory) -> Vec<Inbound> {
    match event {
        Event::Ready { .. } => vec![Inbound::Link(Link::Connected)],
        Event::Resumed => vec![Inbound::Link(Link::Resumed)],
        Event::MessageCreated(message) => created(message, directory).into_iter().collect(),
        Event::MessageUpdated(message) => updated(message, directory).into_iter().collect(),
        Event::MessagesDeleted(channel, ids) => {
            let place = place_of(*channel, directory);
            ids.iter()
                .map(|id| Inbound::Deleted(reference(place.clone(), *id)))
                .collect()
        }
        Event::GuildDeleted(guild) => directory
            .mapped_in(*guild)
            .into_iter()
            .map(Inbound::PlaceGone)
            .collect(),
        Event::ChannelDeleted(channel) => vec![Inbound::PlaceGone(channel_place(*channel))],
        Event::ThreadDeleted(thread) => {
            let place = match thread.parent_id {
                Some(parent) => thread_place(parent, thread.id),
                None => place_of(thread.id, directory),
            };
            vec![Inbound::PlaceGone(place)]
        }
        Event::ThreadChanged(thread) if thread.is_closed() && is_thread(thread.kind) => thread
            .parent_id
            .map(|parent| Inbound::PlaceGone(thread_place(parent, thread.id)))
            .into_iter()
            .collect(),
        Event::InteractionCreated(interaction) => interaction::heard(interaction, directory)
            .map(Inbound::Interaction)
            .into_iter()
            .collect(),
        Event::GuildCreated(_)
        | Event::ChannelChanged(_)
        | Event::ThreadsSeen(_)
        | Event::ThreadChanged(_)
        | Event::RoleChanged(..)
        | Event::RoleDeleted(..)
        | Event::MemberChanged(_) => Vec::new(),
    }
}

/// Whether a message of the past is one that would have been handed in as a person's.
pub(crate) fn is_said_by_a_person(message: &Message, me: Option<Id<UserMarker>>) -> bool {
    let author = message.author.as_ref().map(|author| author.id);
    is_written(message) && !is_bot(message) && author.is_some() && author != me
}

fn created(message: &Message, directory: &Directory) -> Option<Inbound> {
    if !is_written(message) {
        return None;
    }
    let author = message.author.as_ref()?;
    let place = directory
        .place(message.channel_id, message.channel_type)
        .unwrap_or_else(|| channel_place(message.channel_id));
    if Some(author.id) == directory.me()
        && let Some(delivery) = nonce(message)
    {
        return Some(Inbound::OwnEcho {
            delivery,
            message: reference(place, message.id),
        });
    }
    Some(Inbound::Message(message::Message {
        place,
        id: MessageId::new(message.id.to_string()),
        author: Author {
            id: UserId::new(author.id.to_string()),
            name: name_of(message),
            kind: if is_bot(message) {
                AuthorKind::Bot
            } else {
                AuthorKind::Human
            },
            roles: roles_of(message, directory),
        },
        text: text_of(message, directory.me()),
        attachments: message
            .attachments
            .iter()
            .map(|file| message::Attachment {
                name: file.filename.clone(),
                size: file.size,
                media_type: file.content_type.clone(),
                url: file.url.clone(),
            })
            .collect(),
    }))
}

/// An update without an edit's time is the platform's: an embed that was added to a link.
fn updated(message: &Message, directory: &Directory) -> Option<Inbound> {
    message.edited_timestamp?;
    message.content.as_ref()?;
    if is_bot(message) || !message.kind.is_none_or(|kind| WRITTEN.contains(&kind)) {
        return None;
    }
    let place = directory
        .place(message.channel_id, message.channel_type)
        .unwrap_or_else(|| channel_place(message.channel_id));
    Some(Inbound::Edited {
        message: reference(place, message.id),
        text: text_of(message, directory.me()),
    })
}

fn is_written(message: &Message) -> bool {
    message.kind.is_some_and(|kind| WRITTEN.contains(&kind))
}

fn is_bot(message: &Message) -> bool {
    message.webhook_id.is_some() || message.author.as_ref().is_none_or(|author| author.bot)
}

fn nonce(message: &Message) -> Option<DeliveryId> {
    DeliveryId::parse(message.nonce.as_ref()?.as_str()?)
}

fn name_of(message: &Message) -> String {
    let nick = message
        .member
        .as_ref()
        .and_then(|member| member.nick.clone());
    nick.or_else(|| message.author.as_ref()?.global_name.clone())
        .or_else(|| Some(message.author.as_ref()?.username.clone()))
        .unwrap_or_default()
}

fn roles_of(message: &Message, directory: &Directory) -> Vec<message::Role> {
    let Some(member) = &message.member else {
        return Vec::new();
    };
    member
        .roles
        .iter()
        .map(|role| message::Role {
            id: role.to_string(),
            name: message
                .guild_id
                .and_then(|guild| directory.role_name(guild, *role))
                .map(str::to_owned),
        })
        .collect()
}

/// The text without the mention of the bot that it may begin with.
fn text_of(message: &Message, me: Option<Id<UserMarker>>) -> String {
    let text = message.content.as_deref().unwrap_or_default();
    let Some(me) = me else {
        return text.to_owned();
    };
    let start = text.trim_start();
    [format!("<@{me}>"), format!("<@!{me}>")]
        .iter()
        .find_map(|mention| start.strip_prefix(mention.as_str()))
        .map_or(text, str::trim_start)
        .to_owned()
}

fn place_of(channel: Id<ChannelMarker>, directory: &Directory) -> Place {
    directory
        .place(channel, None)
        .unwrap_or_else(|| channel_place(channel))
}

fn reference(place: Place, message: Id<MessageMarker>) -> MessageRef {
    MessageRef {
        place,
        message: MessageId::new(message.to_string()),
    }
}
