//! Guilds and their members, read only.

use serde_json::{Value, json};

use super::{Reply, thread};
use crate::discord::object;
use crate::discord::permission::bits;
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::Snowflake;
use crate::discord::world::{Channel, Guild, World};

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
