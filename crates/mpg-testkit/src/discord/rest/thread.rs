//! Threads, and what is done to channels as a whole.

use serde_json::{Value, json};

use super::Reply;
use super::form;
use super::request::Request;
use crate::discord::object;
use crate::discord::permission::Permission;
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::Snowflake;
use crate::discord::world::{Channel, World};

/// The longest name of a channel or thread, in code points.
const NAME: usize = 100;

/// After how many minutes a thread is archived unless its form says otherwise.
const AUTO_ARCHIVE: u64 = 1440;

pub(super) fn open(
    world: &mut World,
    request: &Request<'_>,
    channel: Snowflake,
    from: Option<Snowflake>,
) -> Result<Reply, Refusal> {
    let place = world.visible(channel)?;
    if place.kind != 0 {
        return Err(Refusal::wrong_channel_type());
    }
    // Without a type, a thread of its own is private in this version of the API.
    let kind = match (from, &request.body["type"]) {
        (Some(_), _) => 11,
        (None, Value::Null) => 12,
        (None, kind) => match kind.as_u64() {
            Some(11) => 11,
            Some(12) => 12,
            Some(_) | None => {
                let message = "Value must be one of {10, 11, 12}.";
                return Err(Refusal::form("type", "BASE_TYPE_CHOICES", message));
            }
        },
    };
    let needed = if kind == 11 {
        Permission::CreatePublicThreads
    } else {
        Permission::CreatePrivateThreads
    };
    if !world.may(place, needed) {
        return Err(Refusal::missing_permissions());
    }
    let name = form::required(&request.body, "name", 1, NAME)?;
    if name.trim().is_empty() {
        return Err(form::missing("name"));
    }
    let minutes = form::auto_archive(&request.body)?.unwrap_or(AUTO_ARCHIVE);
    if let Some(message) = from {
        let found = world.visible_message(channel, message)?;
        if !found.is_written() {
            return Err(Refusal::system_message());
        }
        if !world.may(place, Permission::ReadMessageHistory) {
            return Err(Refusal::missing_permissions());
        }
        if world.thread_of(message).is_some() {
            return Err(Refusal::thread_exists());
        }
    }
    let bot = world.bot;
    let thread = world.open_thread(channel, from, bot, name.trim(), kind, minutes);
    Ok(Reply::created(object::channel(
        world,
        world.visible(thread)?,
    )))
}

/// `PATCH /channels/{id}`: renames, archives, locks.
pub(super) fn change(
    world: &mut World,
    request: &Request<'_>,
    channel: Snowflake,
) -> Result<Reply, Refusal> {
    let body = &request.body;
    let name = form::text(body, "name", 1, NAME)?;
    let topic = form::text(body, "topic", 0, 1024)?;
    let place = world.visible(channel)?;
    let Some(thread) = &place.thread else {
        if !world.may(place, Permission::ManageChannels) {
            return Err(Refusal::missing_permissions());
        }
        rename(world, channel, name);
        if let Some(found) = world.channels.get_mut(&channel)
            && topic.is_some()
        {
            found.topic = topic;
        }
        world.tell_channel("THREAD_UPDATE", "CHANNEL_UPDATE", channel);
        return Ok(Reply::ok(object::channel(world, world.visible(channel)?)));
    };
    let archived = form::boolean(body, "archived")?;
    let locked = form::boolean(body, "locked")?;
    let minutes = form::auto_archive(body)?;
    let moderates = world.may(place, Permission::ManageThreads);
    let own = thread.owner == world.bot;
    if !(moderates || own && locked.is_none() && !thread.locked) {
        return Err(Refusal::missing_permissions());
    }
    if thread.archived && archived != Some(false) {
        return Err(Refusal::archived_thread());
    }
    rename(world, channel, name);
    world.update_thread(channel, |thread| {
        thread.archived = archived.unwrap_or(thread.archived);
        thread.locked = locked.unwrap_or(thread.locked);
        thread.auto_archive_minutes = minutes.unwrap_or(thread.auto_archive_minutes);
    });
    Ok(Reply::ok(object::channel(world, world.visible(channel)?)))
}

fn rename(world: &mut World, channel: Snowflake, name: Option<String>) {
    if let (Some(found), Some(name)) = (world.channels.get_mut(&channel), name) {
        found.name = name;
    }
}

/// `DELETE /channels/{id}`.
pub(super) fn delete(world: &mut World, channel: Snowflake) -> Result<Reply, Refusal> {
    let place = world.visible(channel)?;
    let needed = match place.thread {
        Some(_) => Permission::ManageThreads,
        None => Permission::ManageChannels,
    };
    if !world.may(place, needed) {
        return Err(Refusal::missing_permissions());
    }
    let object = object::channel(world, place);
    world.remove_channel(channel);
    Ok(Reply::ok(object))
}

/// The archived threads of a channel, the one archived last first.
pub(super) fn archived(
    world: &World,
    request: &Request<'_>,
    channel: Snowflake,
    kind: &str,
) -> Result<Reply, Refusal> {
    let limit = match request.query.get("limit") {
        Some(_) => request.limit(50, 100)?,
        None => 50,
    };
    world.usable(channel, Permission::ReadMessageHistory)?;
    if kind == "private" {
        world.usable(channel, Permission::ManageThreads)?;
    }
    let wanted = if kind == "public" { 11 } else { 12 };
    let mut threads: Vec<&Channel> = world
        .threads_of(channel)
        .filter(|place| place.kind == wanted && !object::is_active(place))
        .collect();
    let archived_at = |place: &Channel| place.thread.as_ref().map(|thread| thread.archived_at);
    threads.sort_by_key(|place| std::cmp::Reverse(archived_at(place)));
    if let Some(before) = request.query.get("before") {
        let Ok(before) = before.parse::<jiff::Timestamp>() else {
            return Err(Refusal::form(
                "before",
                "DATETIME_TYPE_PARSE",
                format!("Could not parse {before}. Should be ISO8601."),
            ));
        };
        threads.retain(|place| archived_at(place) < Some(before));
    }
    let has_more = threads.len() > limit;
    threads.truncate(limit);
    Ok(Reply::ok(listing(world, &threads, Some(has_more))))
}

/// Threads as the list endpoints return them.
pub(super) fn listing(world: &World, threads: &[&Channel], has_more: Option<bool>) -> Value {
    let objects: Vec<Value> = threads
        .iter()
        .map(|place| object::channel(world, place))
        .collect();
    let members: Vec<Value> = objects
        .iter()
        .map(|object| object["member"].clone())
        .collect();
    let mut list = json!({"threads": objects, "members": members});
    if let Some(has_more) = has_more {
        list["has_more"] = has_more.into();
    }
    list
}

/// Joining and leaving: the bot hears of every thread that it can see, so nothing changes.
pub(super) fn membership(world: &World, channel: Snowflake) -> Result<Reply, Refusal> {
    let place = world.visible(channel)?;
    if place.thread.is_none() {
        return Err(Refusal::wrong_channel_type());
    }
    world.not_archived(channel)?;
    Ok(Reply::nothing())
}

pub(super) fn members(world: &World, channel: Snowflake) -> Result<Reply, Refusal> {
    let place = world.visible(channel)?;
    if place.thread.is_none() {
        return Err(Refusal::wrong_channel_type());
    }
    let object = object::channel(world, place);
    Ok(Reply::ok(json!([object["member"]])))
}
