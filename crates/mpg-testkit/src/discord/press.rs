//! What people do with buttons and commands: interactions.

use std::time::Instant;

use serde_json::{Value, json};

use super::Discord;
use super::gateway::Event;
use super::object;
use super::people::message_of;
use super::snowflake::Snowflake;
use super::world::{Interaction, World};

/// How many interactions are kept; the oldest go first.
const INTERACTIONS: usize = 1_000;

impl Discord {
    /// Presses a button, or whatever else carries this action id, on a message of the bot.
    pub fn press(&self, message: Snowflake, user: Snowflake, action: &str) -> Snowflake {
        self.shared.update(|world| {
            let found = message_of(world, message);
            let channel = found.channel;
            let object = object::message(world, found);
            let data = json!({"component_type": 2, "custom_id": action});
            interact(world, 3, channel, user, &data, Some((message, object)))
        })
    }

    /// Sends a form that was opened from a message of the bot; `fields` are names and texts.
    pub fn submit(
        &self,
        message: Snowflake,
        user: Snowflake,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Snowflake {
        let rows: Vec<Value> = fields
            .iter()
            .map(|(name, text)| {
                let input = json!({"type": 4, "custom_id": name, "value": text});
                json!({"type": 1, "components": [input]})
            })
            .collect();
        self.shared.update(|world| {
            let found = message_of(world, message);
            let channel = found.channel;
            let object = object::message(world, found);
            let data = json!({"custom_id": action, "components": rows});
            interact(world, 5, channel, user, &data, Some((message, object)))
        })
    }

    /// Uses a declared command; `options` are Discord's option objects.
    ///
    /// # Panics
    ///
    /// Where there is no such channel, or the bot has not declared the command.
    pub fn command(
        &self,
        channel: Snowflake,
        user: Snowflake,
        name: &str,
        options: &Value,
    ) -> Snowflake {
        self.use_command(2, channel, user, name, options)
    }

    /// Types a declared command, whose option with `"focused": true` is being written.
    ///
    /// # Panics
    ///
    /// Where there is no such channel, or the bot has not declared the command.
    pub fn complete(
        &self,
        channel: Snowflake,
        user: Snowflake,
        name: &str,
        options: &Value,
    ) -> Snowflake {
        self.use_command(4, channel, user, name, options)
    }

    /// Takes a declared command away, as an earlier version of the bot that did not have it.
    pub fn forget_command(&self, name: &str) {
        self.shared.update(|world| {
            for commands in world.commands.values_mut() {
                commands.retain(|command| command["name"] != name);
            }
        });
    }

    fn use_command(
        &self,
        kind: u8,
        channel: Snowflake,
        user: Snowflake,
        name: &str,
        options: &Value,
    ) -> Snowflake {
        self.shared.update(|world| {
            let place = world.channels.get(&channel).expect("no such channel");
            let guild = place.guild;
            let declared = guild
                .map(Some)
                .into_iter()
                .chain([None])
                .flat_map(|scope| world.commands(scope))
                .find(|command| command["name"] == name)
                .expect("a declared command");
            let data = json!({
                "id": declared["id"],
                "name": name,
                "type": 1,
                "guild_id": declared["guild_id"],
                "options": options,
            });
            interact(world, kind, channel, user, &data, None)
        })
    }
}

/// Sends an interaction to the bot.
fn interact(
    world: &mut World,
    kind: u8,
    channel: Snowflake,
    user: Snowflake,
    data: &Value,
    message: Option<(Snowflake, Value)>,
) -> Snowflake {
    let id = world.ids.next();
    let token = format!("interaction-token-{id}");
    let place = &world.channels[&channel];
    let (guild, allowed) = (place.guild, world.allowed(place).to_string());
    let mut object = json!({
        "id": id.to_string(),
        "application_id": world.bot.to_string(),
        "type": kind,
        "token": token,
        "version": 1,
        "locale": "en-US",
        "channel_id": channel.to_string(),
        "channel": object::channel(world, place),
        "app_permissions": allowed,
        "entitlements": [],
        "attachment_size_limit": 10_485_760,
        "data": data,
    });
    if let Some(guild) = guild {
        let mut member = object::member(world, guild, user);
        member["permissions"] = allowed.into();
        object["member"] = member;
        object["guild_id"] = guild.to_string().into();
        object["guild"] = json!({"id": guild.to_string(), "locale": "en-US", "features": []});
        object["guild_locale"] = "en-US".into();
        object["authorizing_integration_owners"] = json!({"0": guild.to_string()});
        object["context"] = 0.into();
    } else {
        object["user"] = object::user(world, user);
        object["authorizing_integration_owners"] = json!({"0": "0"});
        object["context"] = 1.into();
    }
    let target = message.map(|(target, message)| {
        object["message"] = message;
        target
    });
    let interaction = Interaction {
        kind,
        channel,
        user,
        message: target,
        token,
        answer: None,
        reply: None,
        private: Vec::new(),
        deferral: None,
        sent: Instant::now(),
        expired: false,
    };
    world.interactions.insert(id, interaction);
    if world.interactions.len() > INTERACTIONS {
        world.interactions.pop_first();
    }
    let event = Event::new("INTERACTION_CREATE", 0, object);
    world.hub.dispatch(&event);
    id
}
