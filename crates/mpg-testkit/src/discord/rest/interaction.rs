//! Answers to interactions. Who has the token needs no other one.

use serde_json::Value;

use super::request::{Request, id};
use super::{Reply, message};
use crate::discord::object;
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::Snowflake;
use crate::discord::world::{Interaction, World};

/// The flag of a message that only one person sees.
const EPHEMERAL: u64 = 1 << 6;

/// `POST /interactions/{id}/{token}/callback`: the one answer that each interaction takes.
pub(super) fn callback(
    world: &mut World,
    request: &Request<'_>,
    interaction: Snowflake,
    token: &str,
) -> Result<Reply, Refusal> {
    let found = world
        .interactions
        .get(&interaction)
        .filter(|found| found.token == token)
        .ok_or_else(Refusal::unknown_interaction)?
        .clone();
    if found.answer.is_some() {
        return Err(Refusal::already_acknowledged());
    }
    let data = &request.body["data"];
    let hidden = data["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0;
    let mut reply = None;
    match request.body["type"].as_u64() {
        Some(1 | 5 | 6 | 8 | 9) => {}
        Some(4) if hidden => {}
        Some(4) => reply = Some(post(world, &found, data)?),
        Some(7) => update(world, &found, data)?,
        Some(_) | None => {
            return Err(Refusal::form(
                "type",
                "BASE_TYPE_CHOICES",
                "Value must be one of {1, 4, 5, 6, 7, 8, 9}.",
            ));
        }
    }
    if let Some(found) = world.interactions.get_mut(&interaction) {
        found.answer = Some(request.body.clone());
        found.reply = reply;
    }
    Ok(Reply::nothing())
}

/// `/webhooks/{application}/{token}`: what follows the first answer.
pub(super) fn webhook(
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
    if found.answer.is_none() {
        return Err(Refusal::unknown_webhook());
    }
    let message = match (request.method, rest) {
        ("POST", []) => post(world, &found, &request.body)?,
        ("PATCH", ["messages", "@original"]) => {
            let message = match found.reply {
                Some(message) => {
                    edit(world, &found, message, &request.body)?;
                    message
                }
                None => post(world, &found, &request.body)?,
            };
            if let Some(found) = world.interactions.get_mut(&key) {
                found.reply = Some(message);
            }
            message
        }
        ("PATCH", ["messages", message]) => {
            let message = id(message, "message_id")?;
            edit(world, &found, message, &request.body)?;
            message
        }
        _ => return Err(Refusal::method_not_allowed()),
    };
    let posted = world.visible_message(found.channel, message)?;
    Ok(Reply::ok(object::message(world, posted)))
}

fn post(world: &mut World, found: &Interaction, data: &Value) -> Result<Snowflake, Refusal> {
    let request = Request {
        method: "POST",
        segments: Vec::new(),
        query: std::collections::BTreeMap::new(),
        body: data.clone(),
        files: Vec::new(),
    };
    let draft = message::draft(world, &request, found.channel)?;
    let bot = world.bot;
    Ok(world.post(found.channel, bot, draft))
}

/// Edits the message whose component was used.
fn update(world: &mut World, found: &Interaction, data: &Value) -> Result<(), Refusal> {
    let target = found.message.ok_or_else(Refusal::unknown_message)?;
    edit(world, found, target, data)
}

fn edit(
    world: &mut World,
    found: &Interaction,
    target: Snowflake,
    data: &Value,
) -> Result<(), Refusal> {
    let before = world.visible_message(found.channel, target)?;
    let revision = message::revision(before, data, false)?;
    world.revise(found.channel, target, revision);
    Ok(())
}
