//! Copies of what is in the world, for assertions.

use super::snowflake::Snowflake;
use super::world::{Interaction, Message, World};
use super::{Call, Discord};

impl Discord {
    /// What people and bots wrote in a channel, oldest first.
    pub fn messages(&self, channel: Snowflake) -> Vec<Message> {
        self.look(|world| world.messages(channel).into_iter().cloned().collect())
    }

    /// The texts that the bot wrote in a channel, oldest first.
    pub fn bot_texts(&self, channel: Snowflake) -> Vec<String> {
        self.look(|world| {
            let messages = world.bot_messages(channel);
            messages
                .into_iter()
                .map(|message| message.text().to_owned())
                .collect()
        })
    }

    /// What the bot wrote for everybody in answer to an interaction.
    pub fn public_reply(&self, interaction: Snowflake) -> Option<String> {
        self.look(|world| {
            let reply = world.interaction(interaction)?.reply?;
            let message = world.message(reply).filter(|message| message.is_written());
            message.map(|message| message.text().to_owned())
        })
    }

    /// What the bot wrote for the eyes of who used an interaction.
    pub fn private_replies(&self, interaction: Snowflake) -> Vec<String> {
        self.look(|world| {
            let found = world.interaction(interaction);
            let texts = found.map(Interaction::private_texts).unwrap_or_default();
            texts.into_iter().map(str::to_owned).collect()
        })
    }

    /// The suggestions for what was being typed, once they are there.
    pub fn choices(&self, interaction: Snowflake) -> Option<Vec<String>> {
        self.look(|world| {
            let choices = world.interaction(interaction)?.choices()?;
            Some(choices.into_iter().map(str::to_owned).collect())
        })
    }

    /// The thread that grew from a message.
    pub fn thread_of(&self, message: Snowflake) -> Option<Snowflake> {
        self.look(|world| world.thread_of(message))
    }

    /// The signs with which the bot reacted to a message.
    pub fn reactions(&self, message: Snowflake) -> Vec<String> {
        self.look(|world| world.reactions(message))
    }

    /// How often the bot has shown in a channel that it types.
    pub fn typing_count(&self, channel: Snowflake) -> usize {
        self.look(|world| world.typing_count(channel))
    }

    /// The calls that were answered, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.look(|world| world.calls().into_iter().cloned().collect())
    }

    /// How many logged calls fit a method (`*` for any) and a path pattern, in which `*` stands
    /// for one segment.
    pub fn call_count(&self, method: &str, path: &str) -> usize {
        self.look(|world| world.call_count(method, path))
    }

    /// How many sessions were ever begun.
    pub fn identify_count(&self) -> usize {
        self.look(World::identify_count)
    }

    /// How many sessions were ever gone on with.
    pub fn resume_count(&self) -> usize {
        self.look(World::resume_count)
    }
}
