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

    /// Presses the button of a message that says this.
    ///
    /// # Panics
    ///
    /// Where the message has no such button.
    pub fn press_labelled(&self, message: Snowflake, user: Snowflake, label: &str) -> Snowflake {
        let pressed = self.press_if_labelled(message, user, label);
        pressed.unwrap_or_else(|| {
            let shown = self.look(|world| message_of(world, message).components.clone());
            panic!("no button says {label:?}: {shown:?}")
        })
    }

    /// The same, where the message has such a button: one that was seen may be gone meanwhile.
    pub fn press_if_labelled(
        &self,
        message: Snowflake,
        user: Snowflake,
        label: &str,
    ) -> Option<Snowflake> {
        let action = self.look(|world| {
            let mut all = components(&message_of(world, message).components);
            let button = all.find(|component| component["label"] == label)?;
            button["custom_id"].as_str().map(str::to_owned)
        });
        action.map(|action| self.press(message, user, &action))
    }

    /// Chooses these values in the menu of a message that has them.
    ///
    /// # Panics
    ///
    /// Where the message has no such menu, or so many cannot be chosen.
    pub fn choose(&self, message: Snowflake, user: Snowflake, values: &[&str]) -> Snowflake {
        self.shared.update(|world| {
            let found = message_of(world, message);
            let offers = |menu: &&Value| {
                let options = menu["options"].as_array().into_iter().flatten();
                let offered: Vec<&str> = options
                    .filter_map(|option| option["value"].as_str())
                    .collect();
                !offered.is_empty() && values.iter().all(|value| offered.contains(value))
            };
            let menu = components(&found.components).find(offers);
            let menu = menu.expect("a menu with these values");
            let most = menu["max_values"].as_u64().unwrap_or(1);
            assert!(values.len() as u64 <= most, "at most {most} can be chosen");
            let channel = found.channel;
            let data = json!({
                "component_type": 3, "custom_id": menu["custom_id"], "values": values,
            });
            let object = object::message(world, found);
            interact(world, 3, channel, user, &data, Some((message, object)))
        })
    }

    /// Fills in and sends the modal that answered an interaction, once that is there.
    ///
    /// # Panics
    ///
    /// Where it was answered by something else, or the modal does not take these texts: each has a
    /// field, and no field that is required is left out.
    pub async fn fill(&self, interaction: Snowflake, texts: &[(&str, &str)]) -> Snowflake {
        let modal = self
            .wait_until(|world| world.interaction(interaction)?.answer.clone())
            .await;
        assert_eq!(modal["type"], 9, "no modal was shown: {modal}");
        let data = &modal["data"];
        let labels = data["components"].as_array().into_iter().flatten();
        let inputs: Vec<&Value> = labels.map(|label| &label["component"]).collect();
        for (name, _) in texts {
            let known = inputs.iter().any(|input| input["custom_id"] == *name);
            assert!(known, "the modal has no field {name:?}: {data}");
        }
        let filled: Vec<Value> = inputs
            .into_iter()
            .map(|input| {
                let text = texts.iter().find(|(name, _)| input["custom_id"] == *name);
                let text = text.map_or("", |(_, text)| text);
                let required = input["required"] != false;
                assert!(!required || !text.is_empty(), "left empty: {input}");
                let value = json!({
                    "type": 4, "custom_id": input["custom_id"], "value": text,
                });
                json!({"type": 18, "component": value})
            })
            .collect();
        self.shared.update(|world| {
            let shown = world.interactions[&interaction].clone();
            let message = shown.message.map(|target| {
                let found = message_of(world, target);
                (target, object::message(world, found))
            });
            let data = json!({"custom_id": data["custom_id"], "components": filled});
            interact(world, 5, shown.channel, shown.user, &data, message)
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

/// The components in rows.
fn components(rows: &[Value]) -> impl Iterator<Item = &Value> {
    rows.iter()
        .flat_map(|row| row["components"].as_array().into_iter().flatten())
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
