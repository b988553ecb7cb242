//! Pinned messages.

use super::Reply;
use crate::discord::permission::Permission;
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::Snowflake;
use crate::discord::world::World;

/// How many messages of a channel can be pinned.
///
/// Source: the page on opcodes and status codes of Discord's documentation, as for the error.
const PINS: usize = 250;

/// Pins a message; one that is pinned already stays so.
pub(super) fn add(
    world: &mut World,
    channel: Snowflake,
    message: Snowflake,
) -> Result<Reply, Refusal> {
    world.usable(channel, Permission::PinMessages)?;
    world.not_archived(channel)?;
    world.visible_message(channel, message)?;
    if let Some(found) = world.channels.get_mut(&channel)
        && !found.pinned.contains(&message)
    {
        if found.pinned.len() >= PINS {
            return Err(Refusal::too_many_pins());
        }
        found.pinned.push(message);
    }
    Ok(Reply::nothing())
}
