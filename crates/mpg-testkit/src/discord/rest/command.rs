//! Application commands: declared, listed, never judged beyond their form.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Reply;
use super::request::{Request, id};
use super::{command_form, form};
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::Snowflake;
use crate::discord::world::World;

/// How many commands of one sort an application may have in one place.
const COMMANDS: usize = 100;

pub(super) fn route(
    world: &mut World,
    request: &Request<'_>,
    application: Snowflake,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    if application != world.bot {
        return Err(Refusal::not_this_application());
    }
    let scope = match rest {
        ["commands"] => None,
        ["guilds", guild, "commands"] => {
            let guild = id(guild, "guild_id")?;
            if !world.guilds.contains_key(&guild) {
                return Err(Refusal::missing_access());
            }
            Some(guild)
        }
        _ => return Err(Refusal::not_found()),
    };
    match request.method {
        "GET" => Ok(Reply::ok(world.commands(scope).to_vec().into())),
        "PUT" => replace(world, scope, &request.body),
        "POST" => add(world, scope, &request.body),
        _ => Err(Refusal::method_not_allowed()),
    }
}

/// Adds a command, in the place of one with the same name.
fn add(world: &mut World, scope: Option<Snowflake>, body: &Value) -> Result<Reply, Refusal> {
    let kind = |command: &Value| command["type"].as_u64().unwrap_or(1);
    let mut forms = world.commands(scope).to_vec();
    forms.retain(|known| known["name"] != body["name"] || kind(known) != kind(body));
    forms.push(body.clone());
    replace(world, scope, &forms.into())?;
    let added = world.commands(scope).last().cloned();
    Ok(Reply::created(added.unwrap_or_default()))
}

fn replace(world: &mut World, scope: Option<Snowflake>, body: &Value) -> Result<Reply, Refusal> {
    let Some(forms) = body.as_array().filter(|forms| forms.len() <= COMMANDS) else {
        let message = format!("Must be a list of {COMMANDS} or fewer.");
        return Err(Refusal::form("commands", "BASE_TYPE_MAX_LENGTH", message));
    };
    let mut names = BTreeSet::new();
    let mut commands = Vec::with_capacity(forms.len());
    for (at, command) in forms.iter().enumerate() {
        let kind = command["type"].as_u64().unwrap_or(1);
        let name = match kind {
            1 => command_form::check(command, at)?,
            _ => form::required(command, "name", 1, 32)?,
        };
        if !names.insert((kind, name)) {
            return Err(Refusal::form(
                &at.to_string(),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            ));
        }
        let mut command = command.clone();
        let version = world.ids.next().to_string();
        command["id"] = version.clone().into();
        command["version"] = version.into();
        command["application_id"] = world.bot.to_string().into();
        command["type"] = kind.into();
        if kind != 1 {
            command["description"] = "".into();
        }
        if let Some(guild) = scope {
            command["guild_id"] = guild.to_string().into();
        }
        for (field, default) in [
            ("default_member_permissions", Value::Null),
            ("nsfw", false.into()),
            ("name_localizations", Value::Null),
            ("description_localizations", Value::Null),
            ("dm_permission", true.into()),
            ("contexts", Value::Null),
            ("integration_types", json!([0])),
        ] {
            if command[field].is_null() {
                command[field] = default;
            }
        }
        commands.push(command);
    }
    world.commands.insert(scope, commands.clone());
    Ok(Reply::ok(commands.into()))
}
