//! Guilds, their members and their channels.

use serde_json::{Value, json};

use super::request::Request;
use super::{Reply, thread};
use crate::discord::object;
use crate::discord::permission::{Permission, bits};
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::Snowflake;
use crate::discord::world::{Channel, Guild, World};

/// The longest name of a channel, in characters.
const NAME_LENGTH: usize = 100;

fn known(world: &World, guild: Snowflake) -> Result<&Guild, Refusal> {
    world.guilds.get(&guild).ok_or_else(Refusal::unknown_guild)
}

pub(super) fn list(world: &World) -> Reply {
    let guilds: Vec<Value> = world
        .guilds
        .values()
        .map(|guild| {
            json!({
                "id": guild.id.to_string(),
                "name": guild.name,
                "icon": null,
                "banner": null,
                "owner": false,
                "permissions": bits(&world.settings.permissions).to_string(),
                "features": [],
            })
        })
        .collect();
    Reply::ok(guilds.into())
}

pub(super) fn user(world: &World, user: Snowflake) -> Result<Reply, Refusal> {
    if !world.users.contains_key(&user) {
        return Err(Refusal::unknown_user());
    }
    Ok(Reply::ok(object::user(world, user)))
}

pub(super) fn get(world: &World, guild: Snowflake) -> Result<Reply, Refusal> {
    Ok(Reply::ok(object::guild(world, known(world, guild)?)))
}

pub(super) fn channels(world: &World, guild: Snowflake) -> Result<Reply, Refusal> {
    known(world, guild)?;
    let channels: Vec<Value> = world
        .channels
        .values()
        .filter(|place| place.guild == Some(guild) && place.thread.is_none())
        .map(|place| object::channel(world, place))
        .collect();
    Ok(Reply::ok(channels.into()))
}

/// Makes a text channel. Discord writes its name in small letters, with hyphens for spaces.
pub(super) fn create_channel(
    world: &mut World,
    request: &Request<'_>,
    guild: Snowflake,
) -> Result<Reply, Refusal> {
    known(world, guild)?;
    if bits(&world.settings.permissions) & Permission::ManageChannels.bit() == 0 {
        return Err(Refusal::missing_permissions());
    }
    let name = request.body["name"].as_str().unwrap_or_default();
    let length = name.chars().count();
    if !(1..=NAME_LENGTH).contains(&length) {
        let message = format!("Must be between 1 and {NAME_LENGTH} in length.");
        return Err(Refusal::form("name", "BASE_TYPE_BAD_LENGTH", message));
    }
    if request.body["type"].as_u64().unwrap_or_default() != 0 {
        let message = "This server makes text channels only.";
        return Err(Refusal::form("type", "BASE_TYPE_CHOICES", message));
    }
    let name = name.to_lowercase().replace(' ', "-");
    let id = world.ids.next();
    world.insert_channel(id, Some(guild), &name, 0, None);
    world.tell_channel("THREAD_CREATE", "CHANNEL_CREATE", id);
    let made = world
        .channels
        .get(&id)
        .ok_or_else(Refusal::unknown_channel)?;
    Ok(Reply::created(object::channel(world, made)))
}

pub(super) fn roles(world: &World, guild: Snowflake) -> Result<Reply, Refusal> {
    let roles = object::roles(world, known(world, guild)?);
    Ok(Reply::ok(roles.into()))
}

pub(super) fn active_threads(world: &World, guild: Snowflake) -> Result<Reply, Refusal> {
    known(world, guild)?;
    let mut threads: Vec<&Channel> = world
        .channels
        .values()
        .filter(|place| place.guild == Some(guild) && object::is_active(place))
        .filter(|place| world.visible(place.id).is_ok())
        .collect();
    threads.sort_by_key(|place| std::cmp::Reverse(place.id));
    Ok(Reply::ok(thread::listing(world, &threads, None)))
}

pub(super) fn member(world: &World, guild: Snowflake, user: Snowflake) -> Result<Reply, Refusal> {
    if !known(world, guild)?.members.contains_key(&user) {
        return Err(Refusal::unknown_member());
    }
    Ok(Reply::ok(object::member(world, guild, user)))
}
