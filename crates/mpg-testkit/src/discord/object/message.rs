//! Message objects.

use serde_json::{Value, json};

use super::{channel, member_of_message, user};
use crate::discord::snowflake::iso;
use crate::discord::world::{Message, World};

/// A message object as REST returns it: neither nonce nor member.
pub(in crate::discord) fn message(world: &World, found: &Message) -> Value {
    let mut object = plain_message(world, found);
    let place = world.channels.get(&found.channel);
    let hidden = place.is_some_and(|place| place.guild.is_some());
    if hidden && !world.settings.content_allowed() && found.author != world.bot {
        object = without_content(object);
    }
    if let Some(place) = world.channels.get(&found.channel)
        && let Some(reference) = found.reference
    {
        let from = match (&place.thread, found.kind) {
            (Some(thread), 21) => thread.parent,
            (Some(_) | None, _) => found.channel,
        };
        object["message_reference"] = json!({
            "type": 0,
            "message_id": reference.to_string(),
            "channel_id": from.to_string(),
        });
        if let Some(guild) = place.guild {
            object["message_reference"]["guild_id"] = guild.to_string().into();
        }
        object["referenced_message"] = world
            .channels
            .get(&from)
            .and_then(|place| place.messages.get(&reference))
            .map_or(Value::Null, |target| plain_message(world, target));
    }
    object
}

/// A message object as the gateway sends it. Only a creation carries its nonce.
pub(in crate::discord) fn gateway_message(world: &World, found: &Message, created: bool) -> Value {
    let mut object = message(world, found);
    if let Some(place) = world.channels.get(&found.channel) {
        object["channel_type"] = place.kind.into();
        if let Some(guild) = place.guild {
            object["guild_id"] = guild.to_string().into();
            object["member"] = member_of_message(world, guild, found.author);
        }
    }
    if created && let Some(nonce) = &found.nonce {
        object["nonce"] = nonce.clone();
    }
    object
}

/// The same message for a bot that may not read what people write.
pub(in crate::discord) fn without_content(mut object: Value) -> Value {
    object["content"] = "".into();
    for field in ["embeds", "attachments", "components"] {
        object[field] = json!([]);
    }
    object
}

fn plain_message(world: &World, found: &Message) -> Value {
    let mentions: Vec<Value> = found.notified.iter().map(|id| user(world, *id)).collect();
    let mut object = json!({
        "id": found.id.to_string(),
        "type": found.kind,
        "channel_id": found.channel.to_string(),
        "author": user(world, found.author),
        "content": found.content,
        "timestamp": iso(found.id.time()),
        "edited_timestamp": found.edited.map(iso),
        "tts": false,
        "mention_everyone": found.notified_everyone,
        "mentions": mentions,
        "mention_roles": [],
        "attachments": found.attachments,
        "embeds": found.embeds,
        "components": found.components,
        "pinned": false,
        "flags": found.flags,
    });
    if let Some(answered) = found.interaction {
        let kind = world.interactions.get(&answered).map(|found| found.kind);
        let asker = world.interactions.get(&answered).map(|found| found.user);
        object["application_id"] = world.bot.to_string().into();
        object["webhook_id"] = world.bot.to_string().into();
        object["interaction_metadata"] = json!({
            "id": answered.to_string(),
            "type": kind,
            "user": asker.map(|asker| user(world, asker)),
            "authorizing_integration_owners": {},
        });
    }
    if !found.reactions.is_empty() {
        let reactions = found.reactions.iter().map(|(sign, users)| {
            json!({
                "emoji": emoji(sign),
                "count": users.len(),
                "count_details": {"normal": users.len(), "burst": 0},
                "burst_colors": [],
                "burst_count": 0,
                "burst_me": false,
                "me_burst": false,
                "me": users.contains(&world.bot),
            })
        });
        object["reactions"] = reactions.collect();
    }
    if let Some(thread) = world
        .channels
        .get(&found.id)
        .filter(|place| place.thread.is_some() && found.kind != 21)
    {
        object["thread"] = channel(world, thread);
    }
    object
}

/// An emoji object from `👀` or `name:id`.
pub(in crate::discord) fn emoji(sign: &str) -> Value {
    match sign.split_once(':') {
        Some((name, id)) => json!({"id": id, "name": name, "animated": false}),
        None => json!({"id": null, "name": sign}),
    }
}
