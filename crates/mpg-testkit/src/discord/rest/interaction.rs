//! The first answer to an interaction. Who has its token needs no other one.

use serde_json::Value;

use super::request::Request;
use super::webhook::{edit, post, show_privately};
use super::{Reply, component, form};
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::Snowflake;
use crate::discord::world::{Deferral, Draft, Interaction, LOADING, World};

/// The flag of a message that only one person sees.
pub(super) const EPHEMERAL: u64 = 1 << 6;

/// The most suggestions for what is being typed, and the longest of them.
const CHOICES: usize = 25;
const CHOICE_LENGTH: usize = 100;

/// `POST /interactions/{id}/{token}/callback`: the one answer that each interaction takes, and takes
/// in time.
pub(super) fn callback(
    world: &mut World,
    request: &Request<'_>,
    interaction: Snowflake,
    token: &str,
) -> Result<Reply, Refusal> {
    let deadline = world.settings.interaction_deadline;
    let found = world
        .interactions
        .get(&interaction)
        .filter(|found| found.token == token)
        .ok_or_else(Refusal::unknown_interaction)?
        .clone();
    if found.answer.is_some() {
        return Err(Refusal::already_acknowledged());
    }
    if found.expired || found.sent.elapsed() > deadline {
        return Err(Refusal::unknown_interaction());
    }
    let kind = request.body["type"].as_u64().unwrap_or_default();
    if !takes(&found, kind) {
        return Err(Refusal::form(
            "type",
            "BASE_TYPE_CHOICES",
            "This interaction does not take an answer of this type.",
        ));
    }
    let data = &request.body["data"];
    let hidden = data["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0;
    let mut deferral = None;
    match (kind, hidden) {
        (4, true) => show_privately(world, interaction, data)?,
        (4, false) => {
            let reply = post(world, interaction, &found, data)?;
            remember(world, interaction, reply);
        }
        (5, true) => {
            deferral = Some(Deferral::Private);
        }
        (5, false) => {
            let bot = world.bot;
            let announcement = Draft {
                kind: 20,
                flags: LOADING,
                interaction: Some(interaction),
                ..Draft::default()
            };
            let reply = world.post(found.channel, bot, announcement);
            remember(world, interaction, reply);
            deferral = Some(Deferral::Public);
        }
        (7, _) => {
            let target = found.message.ok_or_else(Refusal::unknown_message)?;
            edit(world, &found, target, data)?;
        }
        (8, _) => choices(data)?,
        (9, _) => component::modal(data)?,
        (_, _) => {}
    }
    if let Some(found) = world.interactions.get_mut(&interaction) {
        found.answer = Some(request.body.clone());
        found.deferral = deferral;
    }
    Ok(Reply::nothing())
}

/// Whether an interaction takes an answer of this type.
///
/// Source: the list of interaction callback types of Discord's documentation.
fn takes(found: &Interaction, kind: u64) -> bool {
    match found.kind {
        2 => matches!(kind, 4 | 5 | 9),
        4 => kind == 8,
        3 => matches!(kind, 4 | 5 | 6 | 7 | 9),
        _ => matches!(kind, 4 | 5) || found.message.is_some() && matches!(kind, 6 | 7),
    }
}

fn choices(data: &Value) -> Result<(), Refusal> {
    let choices = form::objects(data, "choices", CHOICES)?;
    for choice in choices.ok_or_else(|| form::missing("choices"))? {
        form::required(&choice, "name", 1, CHOICE_LENGTH)?;
        form::required(&choice, "value", 0, CHOICE_LENGTH)?;
    }
    Ok(())
}

fn remember(world: &mut World, interaction: Snowflake, reply: Snowflake) {
    if let Some(found) = world.interactions.get_mut(&interaction) {
        found.reply = Some(reply);
    }
}
