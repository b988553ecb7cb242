//! What a request of the bot may get at, with Discord's refusals.

use super::{Channel, Message, World};
use crate::discord::permission::Permission;
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::Snowflake;

impl World {
    /// A channel that the bot can see.
    pub(in crate::discord) fn visible(&self, channel: Snowflake) -> Result<&Channel, Refusal> {
        let found = self
            .channels
            .get(&channel)
            .ok_or_else(Refusal::unknown_channel)?;
        if !self.may(found, Permission::ViewChannel) {
            return Err(Refusal::missing_access());
        }
        Ok(found)
    }

    /// A channel that can hold messages, in which the bot may do `permission`.
    pub(in crate::discord) fn usable(
        &self,
        channel: Snowflake,
        permission: Permission,
    ) -> Result<&Channel, Refusal> {
        let found = self.visible(channel)?;
        if matches!(found.kind, 4 | 15) {
            return Err(Refusal::wrong_channel_type());
        }
        if !self.may(found, permission) {
            return Err(Refusal::missing_permissions());
        }
        Ok(found)
    }

    /// A message in a channel that the bot can see.
    pub(in crate::discord) fn visible_message(
        &self,
        channel: Snowflake,
        message: Snowflake,
    ) -> Result<&Message, Refusal> {
        self.visible(channel)?
            .messages
            .get(&message)
            .ok_or_else(Refusal::unknown_message)
    }

    /// Refuses what changes a thread that is archived.
    pub(in crate::discord) fn not_archived(&self, channel: Snowflake) -> Result<(), Refusal> {
        let thread = self
            .channels
            .get(&channel)
            .and_then(|found| found.thread.as_ref());
        match thread {
            Some(thread) if thread.archived => Err(Refusal::archived_thread()),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the bot may post in a channel, thread rules included.
    pub(in crate::discord) fn postable(&self, channel: Snowflake) -> Result<(), Refusal> {
        let found = self.visible(channel)?;
        let needed = match found.thread {
            Some(_) => Permission::SendMessagesInThreads,
            None => Permission::SendMessages,
        };
        let found = self.usable(channel, needed)?;
        let Some(thread) = &found.thread else {
            return Ok(());
        };
        if thread.locked && !self.may(found, Permission::ManageThreads) {
            return Err(if thread.archived {
                Refusal::archived_thread()
            } else {
                Refusal::locked_thread()
            });
        }
        Ok(())
    }
}
