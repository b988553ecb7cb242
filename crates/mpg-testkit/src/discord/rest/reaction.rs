//! Reactions.

use serde_json::{Value, json};

use super::Reply;
use super::request::{Request, id};
use crate::discord::gateway::{Event, intent};
use crate::discord::object;
use crate::discord::permission::Permission;
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::Snowflake;
use crate::discord::world::World;

/// How many different signs a message takes.
const SIGNS: usize = 20;

pub(super) fn route(
    world: &mut World,
    request: &Request<'_>,
    channel: Snowflake,
    message: Snowflake,
    sign: &str,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    world.visible_message(channel, message)?;
    if !is_sign(sign) {
        return Err(Refusal::unknown_emoji());
    }
    let bot = world.bot;
    match (request.method, rest) {
        ("PUT", ["@me"]) => add(world, channel, message, sign),
        ("DELETE", ["@me"]) => {
            world.not_archived(channel)?;
            world.react(channel, message, bot, sign, false);
            Ok(Reply::nothing())
        }
        ("DELETE", [user]) => {
            let user = id(user, "user_id")?;
            world.usable(channel, Permission::ManageMessages)?;
            world.not_archived(channel)?;
            world.react(channel, message, user, sign, false);
            Ok(Reply::nothing())
        }
        ("GET", []) => Ok(list(world, channel, message, sign)),
        _ => Err(Refusal::method_not_allowed()),
    }
}

fn add(
    world: &mut World,
    channel: Snowflake,
    message: Snowflake,
    sign: &str,
) -> Result<Reply, Refusal> {
    world.usable(channel, Permission::ReadMessageHistory)?;
    world.not_archived(channel)?;
    let found = world.visible_message(channel, message)?;
    if !found.reactions.iter().any(|(known, _)| known == sign) {
        // Joining a reaction that is there already needs no permission.
        world.usable(channel, Permission::AddReactions)?;
        if found.reactions.len() >= SIGNS {
            return Err(Refusal::too_many_reactions());
        }
    }
    let bot = world.bot;
    world.react(channel, message, bot, sign, true);
    Ok(Reply::nothing())
}

fn list(world: &World, channel: Snowflake, message: Snowflake, sign: &str) -> Reply {
    let found = world.visible_message(channel, message).ok();
    let users: Vec<Value> = found
        .into_iter()
        .flat_map(|message| &message.reactions)
        .filter(|(known, _)| known == sign)
        .flat_map(|(_, users)| users)
        .map(|user| object::user(world, *user))
        .collect();
    Reply::ok(users.into())
}

pub(super) fn clear(
    world: &mut World,
    channel: Snowflake,
    message: Snowflake,
) -> Result<Reply, Refusal> {
    world.visible_message(channel, message)?;
    let guild = world.usable(channel, Permission::ManageMessages)?.guild;
    world.not_archived(channel)?;
    if let Some(found) = world
        .channels
        .get_mut(&channel)
        .and_then(|place| place.messages.get_mut(&message))
    {
        found.reactions.clear();
    }
    let mut data = json!({
        "channel_id": channel.to_string(),
        "message_id": message.to_string(),
    });
    if let Some(guild) = guild {
        data["guild_id"] = guild.to_string().into();
    }
    let intent = intent::of(guild, intent::GUILD_MESSAGE_REACTIONS);
    world.tell(
        channel,
        &Event::new("MESSAGE_REACTION_REMOVE_ALL", intent, data),
    );
    Ok(Reply::nothing())
}

/// Whether this names an emoji: one of Unicode, or `name:id`.
fn is_sign(sign: &str) -> bool {
    if let Some((name, id)) = sign.split_once(':') {
        return !name.is_empty() && id.parse::<u64>().is_ok();
    }
    // No emoji is plain ASCII (keycaps carry a combining mark), and none is a word.
    !sign.is_ascii()
        && sign.chars().count() <= 16
        && !sign
            .chars()
            .any(|letter| letter.is_alphabetic() || letter.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::is_sign;

    #[test]
    fn signs() {
        for (sign, expected) in [
            ("👀", true),
            ("✅", true),
            ("1\u{fe0f}\u{20e3}", true),
            ("👩‍💻", true),
            ("party:1234", true),
            ("eyes", false),
            (":eyes:", false),
            ("", false),
            ("é", false),
        ] {
            assert_eq!(is_sign(sign), expected, "{sign}");
        }
    }
}
