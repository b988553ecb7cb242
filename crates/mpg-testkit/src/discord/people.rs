//! What people do: the test's side of the world.
//!
//! Ids that nobody made are mistakes of the test, so all of this panics on them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::Discord;
use super::gateway::{Event, intent};
use super::object;
use super::snowflake::Snowflake;
use super::world::{Draft, Guild, Message, Revision, User, World};

/// Each panics where a channel, guild, user or message is named that is not there.
impl Discord {
    /// The bot's account, which is also its application.
    pub fn bot(&self) -> Snowflake {
        self.look(World::bot)
    }

    /// Makes a guild that the bot is a member of.
    pub fn add_guild(&self, name: &str) -> Snowflake {
        self.shared.update(|world| {
            let id = world.ids.next();
            let guild = Guild {
                id,
                name: name.to_owned(),
                roles: BTreeMap::new(),
                members: BTreeMap::from([(world.bot, BTreeSet::new())]),
            };
            world.guilds.insert(id, guild);
            if let Some(data) = object::guild_create(world, id) {
                world
                    .hub
                    .dispatch(&Event::new("GUILD_CREATE", intent::GUILDS, data));
            }
            id
        })
    }

    /// Makes a text channel.
    pub fn add_channel(&self, guild: Snowflake, name: &str) -> Snowflake {
        self.add_channel_of_kind(guild, name, 0)
    }

    /// Makes a channel of another type, by Discord's number for it.
    ///
    /// # Panics
    ///
    /// Where there is no such guild.
    pub fn add_channel_of_kind(&self, guild: Snowflake, name: &str, kind: u8) -> Snowflake {
        self.shared.update(|world| {
            assert!(world.guilds.contains_key(&guild), "no guild {guild}");
            let id = world.ids.next();
            world.insert_channel(id, Some(guild), name, kind, None);
            world.tell_channel("THREAD_CREATE", "CHANNEL_CREATE", id);
            id
        })
    }

    /// Begins a direct conversation with somebody. Discord tells the bot of it when something is said.
    ///
    /// # Panics
    ///
    /// Where there is no such user.
    pub fn add_direct(&self, user: Snowflake) -> Snowflake {
        self.shared.update(|world| {
            assert!(world.users.contains_key(&user), "no user {user}");
            let id = world.ids.next();
            world.insert_channel(id, None, "", 1, None);
            if let Some(found) = world.channels.get_mut(&id) {
                found.recipient = Some(user);
            }
            id
        })
    }

    /// Makes a role.
    pub fn add_role(&self, guild: Snowflake, name: &str) -> Snowflake {
        self.shared.update(|world| {
            let id = world.ids.next();
            guild_of(world, guild).roles.insert(id, name.to_owned());
            let role = object::roles(world, &world.guilds[&guild])
                .into_iter()
                .find(|role| role["id"] == id.to_string());
            let data = json!({"guild_id": guild.to_string(), "role": role});
            let event = Event::new("GUILD_ROLE_CREATE", intent::GUILDS, data);
            world.hub.dispatch(&event);
            id
        })
    }

    /// Makes a person's account.
    pub fn add_user(&self, name: &str) -> Snowflake {
        self.add_account(name, false)
    }

    /// Makes the account of another bot.
    pub fn add_bot(&self, name: &str) -> Snowflake {
        self.add_account(name, true)
    }

    fn add_account(&self, name: &str, bot: bool) -> Snowflake {
        self.shared.update(|world| {
            let id = world.ids.next();
            let name = name.to_owned();
            world.users.insert(id, User { id, name, bot });
            id
        })
    }

    /// Gives a role to somebody.
    ///
    /// # Panics
    ///
    /// Where there is no such guild or role.
    pub fn give_role(&self, guild: Snowflake, user: Snowflake, role: Snowflake) {
        self.shared.update(|world| {
            let guild = guild_of(world, guild);
            assert!(guild.roles.contains_key(&role), "no role {role}");
            guild.members.entry(user).or_default().insert(role);
        });
    }

    /// Says something in a channel or thread. Discord takes the white space around it away.
    pub fn say(&self, channel: Snowflake, user: Snowflake, text: &str) -> Snowflake {
        self.say_with(channel, user, text, None, &[])
    }

    /// Says something in a thread.
    ///
    /// # Panics
    ///
    /// Where there is no such thread or user.
    pub fn say_in_thread(&self, thread: Snowflake, user: Snowflake, text: &str) -> Snowflake {
        let is_thread = self.look(|world| {
            world
                .channel(thread)
                .is_some_and(|place| place.thread.is_some())
        });
        assert!(is_thread, "{thread} is no thread");
        self.say(thread, user, text)
    }

    /// Says something as the bot itself, without a request.
    pub fn say_as_bot(&self, channel: Snowflake, text: &str) -> Snowflake {
        self.say(channel, self.bot(), text)
    }

    /// Says something in reply to a message of the same channel.
    pub fn reply(
        &self,
        channel: Snowflake,
        user: Snowflake,
        text: &str,
        to: Snowflake,
    ) -> Snowflake {
        self.say_with(channel, user, text, Some(to), &[])
    }

    /// Says something with files, given as name and content.
    pub fn say_with_files(
        &self,
        channel: Snowflake,
        user: Snowflake,
        text: &str,
        files: &[(&str, &[u8])],
    ) -> Snowflake {
        self.say_with(channel, user, text, None, files)
    }

    fn say_with(
        &self,
        channel: Snowflake,
        user: Snowflake,
        text: &str,
        to: Option<Snowflake>,
        files: &[(&str, &[u8])],
    ) -> Snowflake {
        self.shared.update(|world| {
            assert!(
                world.channels.contains_key(&channel),
                "no channel {channel}"
            );
            assert!(world.users.contains_key(&user), "no user {user}");
            let mentions = world.mentions_in(text);
            let attachments = files
                .iter()
                .map(|(name, bytes)| world.store_file(channel, name, bytes))
                .collect();
            let draft = Draft {
                content: text.trim().to_owned(),
                kind: if to.is_some() { 19 } else { 0 },
                reference: to,
                attachments,
                notified: mentions.users,
                notified_everyone: mentions.everyone,
                ..Draft::default()
            };
            world.post(channel, user, draft)
        })
    }

    /// Edits a message.
    pub fn edit(&self, message: Snowflake, text: &str) {
        self.shared.update(|world| {
            let channel = message_of(world, message).channel;
            let revision = Revision {
                content: Some(text.trim().to_owned()),
                ..Revision::default()
            };
            world.revise(channel, message, revision);
        });
    }

    /// Deletes a message. A thread that grew from it stays.
    pub fn delete_message(&self, message: Snowflake) {
        self.shared.update(|world| {
            let channel = message_of(world, message).channel;
            world.remove_message(channel, message);
        });
    }

    /// Adds a reaction of somebody.
    pub fn react(&self, message: Snowflake, user: Snowflake, sign: &str) {
        self.shared.update(|world| {
            let channel = message_of(world, message).channel;
            world.react(channel, message, user, sign, true);
        });
    }

    /// Opens a public thread from a message, as a person.
    ///
    /// # Panics
    ///
    /// Where there is no such message, or it has a thread.
    pub fn open_thread(&self, message: Snowflake, user: Snowflake, name: &str) -> Snowflake {
        self.shared.update(|world| {
            let channel = message_of(world, message).channel;
            assert!(world.thread_of(message).is_none(), "{message} has a thread");
            world.open_thread(channel, Some(message), user, name, 11, 1440)
        })
    }

    /// Archives a thread, as time or a person does.
    pub fn archive_thread(&self, thread: Snowflake) {
        self.shared
            .update(|world| world.update_thread(thread, |state| state.archived = true));
    }

    /// Locks a thread, as a moderator does; it is not archived by that.
    pub fn lock_thread(&self, thread: Snowflake) {
        self.shared
            .update(|world| world.update_thread(thread, |state| state.locked = true));
    }

    /// Renames a channel or thread.
    pub fn rename(&self, channel: Snowflake, name: &str) {
        self.shared.update(|world| {
            if let Some(found) = world.channels.get_mut(&channel) {
                name.clone_into(&mut found.name);
            }
            world.tell_channel("THREAD_UPDATE", "CHANNEL_UPDATE", channel);
        });
    }

    /// Deletes a thread.
    pub fn delete_thread(&self, thread: Snowflake) {
        self.shared.update(|world| world.remove_channel(thread));
    }

    /// Deletes a channel with its threads.
    pub fn delete_channel(&self, channel: Snowflake) {
        self.shared.update(|world| world.remove_channel(channel));
    }
}

fn guild_of(world: &mut World, guild: Snowflake) -> &mut Guild {
    world.guilds.get_mut(&guild).expect("no such guild")
}

pub(super) fn message_of(world: &World, message: Snowflake) -> &Message {
    world.message(message).expect("no such message")
}
