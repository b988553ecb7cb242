//! Discord's JSON objects, with every field that the documentation promises.

mod message;

use serde_json::{Value, json};

use super::permission::bits;
use super::snowflake::{Snowflake, iso};
use super::world::{Channel, Guild, World};

pub(super) use self::message::{emoji, gateway_message, message, without_content};

/// A user object.
pub(super) fn user(world: &World, id: Snowflake) -> Value {
    let (name, bot) = world
        .users
        .get(&id)
        .map_or(("deleted_user", false), |user| (&user.name, user.bot));
    json!({
        "id": id.to_string(),
        "username": name,
        "discriminator": if bot { "0001" } else { "0" },
        "global_name": if bot { Value::Null } else { name.into() },
        "avatar": null,
        "avatar_decoration_data": null,
        "collectibles": null,
        "primary_guild": null,
        "clan": null,
        "banner": null,
        "accent_color": null,
        "bot": bot,
        "public_flags": 0,
        "flags": 0,
    })
}

/// The bot's own user object.
pub(super) fn current_user(world: &World) -> Value {
    let mut object = user(world, world.bot);
    for (field, value) in [
        ("verified", true.into()),
        ("mfa_enabled", false.into()),
        ("email", Value::Null),
        ("locale", "en-US".into()),
        ("bio", "".into()),
    ] {
        object[field] = value;
    }
    object
}

/// The application object of the bot.
pub(super) fn application(world: &World) -> Value {
    json!({
        "id": world.bot.to_string(),
        "name": "mpg",
        "icon": null,
        "description": "",
        "summary": "",
        "type": null,
        "bot": user(world, world.bot),
        "bot_public": false,
        "bot_require_code_grant": false,
        "verify_key": "0".repeat(64),
        "flags": world.settings.application_flags(),
        "owner": null,
        "team": null,
        "hook": true,
        "redirect_uris": [],
        "interactions_endpoint_url": null,
        "role_connections_verification_url": null,
        "approximate_guild_count": world.guilds.len(),
        "tags": [],
    })
}

/// A member object with its user.
pub(super) fn member(world: &World, guild: Snowflake, id: Snowflake) -> Value {
    let mut object = member_of_message(world, guild, id);
    object["user"] = user(world, id);
    object
}

/// A member object as messages carry it, without its user.
fn member_of_message(world: &World, guild: Snowflake, id: Snowflake) -> Value {
    let roles: Vec<String> = world
        .guilds
        .get(&guild)
        .and_then(|guild| guild.members.get(&id))
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    json!({
        "roles": roles,
        "nick": null,
        "avatar": null,
        "banner": null,
        "joined_at": iso(id.time()),
        "premium_since": null,
        "communication_disabled_until": null,
        "deaf": false,
        "mute": false,
        "pending": false,
        "flags": 0,
    })
}

/// The role objects of a guild: everyone's, and its own.
pub(super) fn roles(world: &World, guild: &Guild) -> Vec<Value> {
    let everyone = (guild.id, "@everyone");
    let own = guild.roles.iter().map(|(id, name)| (*id, name.as_str()));
    std::iter::once(everyone)
        .chain(own)
        .enumerate()
        .map(|(position, (id, name))| {
            json!({
                "id": id.to_string(),
                "name": name,
                "description": null,
                "color": 0,
                "colors": {
                    "primary_color": 0,
                    "secondary_color": null,
                    "tertiary_color": null,
                },
                "hoist": false,
                "icon": null,
                "unicode_emoji": null,
                "position": position,
                "permissions": bits(&world.settings.permissions).to_string(),
                "managed": false,
                "mentionable": false,
                "flags": 0,
            })
        })
        .collect()
}

/// A guild object as REST returns it.
pub(super) fn guild(world: &World, guild: &Guild) -> Value {
    json!({
        "id": guild.id.to_string(),
        "name": guild.name,
        "icon": null,
        "splash": null,
        "discovery_splash": null,
        "banner": null,
        "description": null,
        "owner_id": guild.id.to_string(),
        "application_id": null,
        "region": "us-west",
        "afk_channel_id": null,
        "afk_timeout": 300,
        "widget_enabled": false,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": roles(world, guild),
        "emojis": [],
        "stickers": [],
        "features": [],
        "mfa_level": 0,
        "system_channel_id": null,
        "system_channel_flags": 0,
        "rules_channel_id": null,
        "public_updates_channel_id": null,
        "safety_alerts_channel_id": null,
        "max_members": 500_000,
        "max_video_channel_users": 25,
        "max_stage_video_channel_users": 50,
        "vanity_url_code": null,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "premium_progress_bar_enabled": false,
        "preferred_locale": "en-US",
        "nsfw": false,
        "nsfw_level": 0,
    })
}

/// A guild object as `GUILD_CREATE` carries it: with channels, active threads and the bot itself.
pub(super) fn guild_create(world: &World, id: Snowflake) -> Option<Value> {
    let found = world.guilds.get(&id)?;
    let of_guild = || {
        world
            .channels
            .values()
            .filter(|place| place.guild == Some(id))
    };
    let channels: Vec<Value> = of_guild()
        .filter(|place| place.thread.is_none())
        .map(|place| channel(world, place))
        .collect();
    let threads: Vec<Value> = of_guild()
        .filter(|place| is_active(place))
        .map(|place| channel(world, place))
        .collect();
    let mut object = guild(world, found);
    for (field, value) in [
        ("joined_at", iso(world.bot.time()).into()),
        ("large", false.into()),
        ("unavailable", false.into()),
        ("member_count", found.members.len().into()),
        ("members", json!([member(world, id, world.bot)])),
        ("channels", channels.into()),
        ("threads", threads.into()),
        ("presences", json!([])),
        ("voice_states", json!([])),
        ("stage_instances", json!([])),
        ("guild_scheduled_events", json!([])),
        ("soundboard_sounds", json!([])),
    ] {
        object[field] = value;
    }
    Some(object)
}

/// Whether a place is a thread that is not archived.
pub(super) fn is_active(place: &Channel) -> bool {
    place.thread.as_ref().is_some_and(|thread| !thread.archived)
}

/// A channel object, of a thread too.
pub(super) fn channel(world: &World, place: &Channel) -> Value {
    let last = place.last_message.map(|id| id.to_string());
    if let Some(recipient) = place.recipient {
        return json!({
            "id": place.id.to_string(),
            "type": place.kind,
            "last_message_id": last,
            "last_pin_timestamp": null,
            "recipients": [user(world, recipient)],
            "flags": 0,
        });
    }
    let guild = place.guild.map(|guild| guild.to_string());
    let Some(thread) = &place.thread else {
        let overwrites = if place.denied == 0 {
            json!([])
        } else {
            json!([{
                "id": world.bot.to_string(),
                "type": 1,
                "allow": "0",
                "deny": place.denied.to_string(),
            }])
        };
        return json!({
            "id": place.id.to_string(),
            "type": place.kind,
            "guild_id": guild,
            "name": place.name,
            "topic": place.topic,
            "position": 0,
            "parent_id": null,
            "permission_overwrites": overwrites,
            "last_message_id": last,
            "last_pin_timestamp": null,
            "rate_limit_per_user": 0,
            "nsfw": false,
            "flags": 0,
        });
    };
    json!({
        "id": place.id.to_string(),
        "type": place.kind,
        "guild_id": guild,
        "parent_id": thread.parent.to_string(),
        "owner_id": thread.owner.to_string(),
        "name": place.name,
        "last_message_id": last,
        "last_pin_timestamp": null,
        "rate_limit_per_user": 0,
        "flags": 0,
        "message_count": thread.total_messages.min(50),
        "total_message_sent": thread.total_messages,
        "member_count": 2,
        "thread_metadata": {
            "archived": thread.archived,
            "archive_timestamp": iso(thread.archived_at),
            "auto_archive_duration": thread.auto_archive_minutes,
            "create_timestamp": iso(place.id.time()),
            "locked": thread.locked,
        },
        "member": {
            "id": place.id.to_string(),
            "user_id": world.bot.to_string(),
            "join_timestamp": iso(place.id.time()),
            "flags": 1,
        },
    })
}
