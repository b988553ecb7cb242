//! What follows the first answer to an interaction, for as long as its token lives.

use serde_json::{Value, json};

use super::interaction::EPHEMERAL;
use super::request::{Request, id};
use super::{Reply, message};
use crate::discord::object;
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::Snowflake;
use crate::discord::world::{Deferral, Interaction, LOADING, PrivateMessage, World};

/// `/webhooks/{application}/{token}`: further messages, and changes of the first one.
pub(super) fn route(
    world: &mut World,
    request: &Request<'_>,
    application: Snowflake,
    token: &str,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    let known = world
        .interactions
        .iter()
        .find(|(_, found)| found.token == token)
        .map(|(key, found)| (*key, found.clone()));
    let Some((key, found)) = known.filter(|_| application == world.bot) else {
        return Err(Refusal::unknown_webhook());
    };
    if found.expired {
        return Err(Refusal::invalid_webhook_token());
    }
    if found.answer.is_none() {
        return Err(Refusal::unknown_webhook());
    }
    match (request.method, rest) {
        // A first message takes the place of the announced one, however it is marked.
        ("POST", []) if found.deferral.is_some() => original(world, key, &found, &request.body),
        ("POST", []) => {
            let flags = request.body["flags"].as_u64().unwrap_or(0);
            if flags & EPHEMERAL != 0 {
                show_privately(world, key, &request.body)?;
                return Ok(Reply::ok(newest_private(world, key)));
            }
            let message = post(world, key, &found, &request.body)?;
            shown(world, &found, message)
        }
        ("PATCH", ["messages", "@original"]) => original(world, key, &found, &request.body),
        ("GET", ["messages", "@original"]) => {
            let message = found.reply.ok_or_else(Refusal::unknown_message)?;
            shown(world, &found, message)
        }
        ("DELETE", ["messages", "@original"]) => withdraw(world, key, &found),
        ("PATCH", ["messages", message]) => {
            let message = id(message, "message_id")?;
            edit(world, &found, message, &request.body)?;
            shown(world, &found, message)
        }
        _ => Err(Refusal::method_not_allowed()),
    }
}

/// Writes what was announced, or changes what was written.
fn original(
    world: &mut World,
    key: Snowflake,
    found: &Interaction,
    body: &Value,
) -> Result<Reply, Refusal> {
    let deferred_privately = found.deferral == Some(Deferral::Private);
    if deferred_privately || found.reply.is_none() && !found.private.is_empty() {
        let text = private_text(body)?;
        let id = world.ids.next();
        if let Some(found) = world.interactions.get_mut(&key) {
            found.deferral = None;
            match found.private.first_mut() {
                Some(first) => first.content = text,
                None => found.private.push(PrivateMessage { id, content: text }),
            }
        }
        return Ok(Reply::ok(newest_private(world, key)));
    }
    let target = found.reply.or(found.message);
    let target = target.ok_or_else(Refusal::unknown_message)?;
    edit(world, found, target, body)?;
    if let Some(found) = world.interactions.get_mut(&key) {
        found.deferral = None;
    }
    shown(world, found, target)
}

/// Takes the announcement or the reply back.
fn withdraw(world: &mut World, key: Snowflake, found: &Interaction) -> Result<Reply, Refusal> {
    let deferred_privately = found.deferral == Some(Deferral::Private);
    if !deferred_privately && found.reply.is_none() && found.private.is_empty() {
        return Err(Refusal::unknown_message());
    }
    if let Some(reply) = found.reply {
        world.remove_message(found.channel, reply);
    }
    if let Some(found) = world.interactions.get_mut(&key) {
        found.deferral = None;
        found.reply = None;
        if !found.private.is_empty() {
            found.private.remove(0);
        }
    }
    Ok(Reply::nothing())
}

fn shown(world: &World, found: &Interaction, message: Snowflake) -> Result<Reply, Refusal> {
    let posted = world.visible_message(found.channel, message)?;
    Ok(Reply::ok(object::message(world, posted)))
}

/// Posts for everybody.
pub(super) fn post(
    world: &mut World,
    key: Snowflake,
    found: &Interaction,
    data: &Value,
) -> Result<Snowflake, Refusal> {
    let request = Request {
        method: "POST",
        segments: Vec::new(),
        query: std::collections::BTreeMap::new(),
        body: data.clone(),
        files: Vec::new(),
    };
    let mut draft = message::draft(world, &request, found.channel)?;
    draft.interaction = Some(key);
    let bot = world.bot;
    Ok(world.post(found.channel, bot, draft))
}

/// Shows something to who used the interaction.
pub(super) fn show_privately(
    world: &mut World,
    key: Snowflake,
    data: &Value,
) -> Result<(), Refusal> {
    let content = private_text(data)?;
    let id = world.ids.next();
    if let Some(found) = world.interactions.get_mut(&key) {
        found.private.push(PrivateMessage { id, content });
    }
    Ok(())
}

fn private_text(data: &Value) -> Result<String, Refusal> {
    let text = super::message_form::content(data)?.unwrap_or_default();
    if text.is_empty() {
        return Err(Refusal::empty_message());
    }
    Ok(text)
}

/// The message object of what was shown last, which stands in no channel.
fn newest_private(world: &World, key: Snowflake) -> Value {
    let found = world.interactions.get(&key);
    let newest = found.and_then(|found| Some((found.channel, found.private.last()?)));
    newest.map_or(Value::Null, |(channel, message)| {
        json!({
            "id": message.id.to_string(),
            "channel_id": channel.to_string(),
            "content": message.content,
            "author": object::user(world, world.bot),
            "flags": EPHEMERAL,
            "type": 0,
        })
    })
}

pub(super) fn edit(
    world: &mut World,
    found: &Interaction,
    target: Snowflake,
    data: &Value,
) -> Result<(), Refusal> {
    let before = world.visible_message(found.channel, target)?;
    let mut revision = message::revision(before, data, false)?;
    revision.flags = Some(revision.flags.unwrap_or(before.flags) & !LOADING);
    world.revise(found.channel, target, revision);
    Ok(())
}
