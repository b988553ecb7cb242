//! What is known of channels, roles and the bot's own permissions.

mod permission;

use std::collections::{BTreeMap, BTreeSet};

use mpg_core::id::{ChannelId, ChannelKey, Place, ThreadId};
use twilight_model::channel::ChannelType;
use twilight_model::channel::permission_overwrite::PermissionOverwrite;
use twilight_model::guild::Permissions;
use twilight_model::id::Id;
use twilight_model::id::marker::{ChannelMarker, GuildMarker, RoleMarker, UserMarker};

use crate::event::{Channel, Event, Guild, MemberChange, Role};
use crate::render::snowflake;

/// How many channels and threads are remembered; the oldest are forgotten first, and looked up
/// again when they are needed.
pub(crate) const MAX_CHANNELS: usize = 16_384;

/// How many guilds are remembered.
pub(crate) const MAX_GUILDS: usize = 512;

/// What is known of channels, roles and the bot's own permissions. Without any knowledge it assumes
/// that everything is allowed: what is not is refused by Discord.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    mapped: BTreeSet<Id<ChannelMarker>>,
    me: Option<Id<UserMarker>>,
    guilds: BTreeMap<Id<GuildMarker>, KnownGuild>,
    channels: BTreeMap<Id<ChannelMarker>, KnownChannel>,
}

#[derive(Clone, Debug, Default)]
struct KnownGuild {
    owner: Option<Id<UserMarker>>,
    roles: BTreeMap<Id<RoleMarker>, KnownRole>,
    /// `None` where only the roles' names are known.
    mine: Option<BTreeSet<Id<RoleMarker>>>,
}

#[derive(Clone, Debug)]
struct KnownRole {
    name: String,
    permissions: Permissions,
}

#[derive(Clone, Debug)]
struct KnownChannel {
    kind: ChannelType,
    guild: Option<Id<GuildMarker>>,
    /// The channel that a thread is in.
    parent: Option<Id<ChannelMarker>>,
    overwrites: Vec<PermissionOverwrite>,
}

impl Directory {
    /// An empty directory that knows which channels are mapped to projects.
    #[cfg(test)]
    pub(crate) fn new<'a>(mapped: impl IntoIterator<Item = &'a ChannelId>) -> Self {
        let mut directory = Self::default();
        directory.map(mapped);
        directory
    }

    /// Goes by these channels as those that are mapped to projects.
    pub(crate) fn map<'a>(&mut self, channels: impl IntoIterator<Item = &'a ChannelId>) {
        self.mapped = channels
            .into_iter()
            .filter_map(|channel| snowflake(channel.as_str()))
            .filter_map(Id::new_checked)
            .collect();
    }

    /// The bot's own user.
    pub(crate) fn me(&self) -> Option<Id<UserMarker>> {
        self.me
    }

    pub(crate) fn set_me(&mut self, me: Id<UserMarker>) {
        self.me = Some(me);
    }

    /// The mapped channels.
    pub(crate) fn mapped(&self) -> impl Iterator<Item = Id<ChannelMarker>> {
        self.mapped.iter().copied()
    }

    /// Where a channel or thread is; `None` if that has to be looked up first. The kind is what
    /// came with the event, where it came.
    pub(crate) fn place(&self, id: Id<ChannelMarker>, kind: Option<ChannelType>) -> Option<Place> {
        if self.mapped.contains(&id) {
            return Some(channel_place(id));
        }
        if let Some(known) = self.channels.get(&id) {
            return Some(match known.parent {
                Some(parent) => thread_place(parent, id),
                None => channel_place(id),
            });
        }
        kind.is_some_and(|kind| !is_thread(kind))
            .then(|| channel_place(id))
    }

    /// The mapped channels of a guild.
    pub(crate) fn mapped_in(&self, guild: Id<GuildMarker>) -> Vec<Place> {
        self.mapped
            .iter()
            .filter(|id| {
                self.channels
                    .get(id)
                    .is_some_and(|known| known.guild == Some(guild))
            })
            .map(|id| channel_place(*id))
            .collect()
    }

    /// Whether the names of a guild's roles are known.
    pub(crate) fn knows_roles(&self, guild: Id<GuildMarker>) -> bool {
        self.guilds.contains_key(&guild)
    }

    /// The name of a role.
    pub(crate) fn role_name(&self, guild: Id<GuildMarker>, role: Id<RoleMarker>) -> Option<&str> {
        let role = self.guilds.get(&guild)?.roles.get(&role)?;
        Some(&role.name)
    }

    /// Learns from an event.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Ready { user, .. } => self.me = Some(*user),
            Event::GuildCreated(guild) => self.add_guild(guild),
            Event::GuildDeleted(guild) => {
                self.guilds.remove(guild);
                self.channels.retain(|_, known| known.guild != Some(*guild));
            }
            Event::ChannelChanged(channel) | Event::ThreadChanged(channel) => {
                self.add_channel(channel, None);
            }
            Event::ChannelDeleted(channel) => {
                self.channels.remove(channel);
            }
            Event::ThreadDeleted(thread) => {
                self.channels.remove(&thread.id);
            }
            Event::ThreadsSeen(threads) => {
                for thread in threads {
                    self.add_channel(thread, None);
                }
            }
            Event::RoleChanged(guild, role) => {
                // A guild of which one role is known would count as known.
                if let Some(known) = self.guilds.get_mut(guild) {
                    known.add_role(role);
                }
            }
            Event::RoleDeleted(guild, role) => {
                if let Some(known) = self.guilds.get_mut(guild) {
                    known.roles.remove(role);
                }
            }
            Event::MemberChanged(member) => self.change_member(member),
            Event::MessageCreated(message) if message.is_direct() => {
                self.add_direct(message.channel_id);
            }
            Event::Resumed
            | Event::MessageCreated(_)
            | Event::MessageUpdated(_)
            | Event::MessagesDeleted(..)
            | Event::InteractionCreated(_) => {}
        }
    }

    /// Learns a channel that was looked up.
    pub(crate) fn add_channel(&mut self, channel: &Channel, guild: Option<Id<GuildMarker>>) {
        let thread = is_thread(channel.kind);
        self.channels.insert(
            channel.id,
            KnownChannel {
                kind: channel.kind,
                guild: channel.guild_id.or(guild),
                parent: channel.parent_id.filter(|_| thread),
                overwrites: channel
                    .permission_overwrites
                    .as_deref()
                    .filter(|_| !thread)
                    .unwrap_or_default()
                    .to_vec(),
            },
        );
        self.forget_oldest();
    }

    /// Learns a thread that was opened just now.
    pub(crate) fn add_thread(&mut self, parent: Id<ChannelMarker>, thread: Id<ChannelMarker>) {
        let guild = self.channels.get(&parent).and_then(|known| known.guild);
        self.channels.entry(thread).or_insert(KnownChannel {
            kind: ChannelType::PublicThread,
            guild,
            parent: Some(parent),
            overwrites: Vec::new(),
        });
        self.forget_oldest();
    }

    /// Learns a direct conversation.
    fn add_direct(&mut self, channel: Id<ChannelMarker>) {
        self.channels.entry(channel).or_insert(KnownChannel {
            kind: ChannelType::Private,
            guild: None,
            parent: None,
            overwrites: Vec::new(),
        });
        self.forget_oldest();
    }

    /// Settles that a channel cannot be looked up: it counts as no thread.
    pub(crate) fn give_up(&mut self, channel: Id<ChannelMarker>) {
        self.channels.entry(channel).or_insert(KnownChannel {
            kind: ChannelType::Unknown(u8::MAX),
            guild: None,
            parent: None,
            overwrites: Vec::new(),
        });
        self.forget_oldest();
    }

    /// Learns the roles of a guild that were looked up.
    pub(crate) fn add_roles(&mut self, guild: Id<GuildMarker>, roles: &[Role]) {
        let known = self.guilds.entry(guild).or_default();
        for role in roles {
            known.add_role(role);
        }
        self.forget_oldest();
    }

    fn add_guild(&mut self, guild: &Guild) {
        let me = self.me;
        let mine = guild
            .members
            .iter()
            .find(|member| me.is_some() && member.user.as_ref().map(|user| user.id) == me)
            .map(|member| member.roles.iter().copied().collect());
        let mut known = KnownGuild {
            owner: guild.owner_id,
            roles: BTreeMap::new(),
            mine,
        };
        for role in &guild.roles {
            known.add_role(role);
        }
        self.guilds.insert(guild.id, known);
        for channel in guild.channels.iter().chain(&guild.threads) {
            self.add_channel(channel, Some(guild.id));
        }
    }

    fn change_member(&mut self, member: &MemberChange) {
        if Some(member.user.id) != self.me {
            return;
        }
        // Without the owner, what the bot may do cannot be told from its roles.
        if let Some(known) = self.guilds.get_mut(&member.guild_id)
            && known.owner.is_some()
        {
            known.mine = Some(member.roles.iter().copied().collect());
        }
    }

    fn forget_oldest(&mut self) {
        while self.channels.len() > MAX_CHANNELS {
            self.channels.pop_first();
        }
        while self.guilds.len() > MAX_GUILDS {
            self.guilds.pop_first();
        }
    }
}

impl KnownGuild {
    fn add_role(&mut self, role: &Role) {
        self.roles.insert(
            role.id,
            KnownRole {
                name: role.name.clone(),
                permissions: role.permissions,
            },
        );
    }
}

/// The place that a channel is.
pub(crate) fn channel_place(id: Id<ChannelMarker>) -> Place {
    Place::channel(ChannelKey::new(
        crate::platform(),
        ChannelId::new(id.to_string()),
    ))
}

/// The place that a thread is.
pub(crate) fn thread_place(parent: Id<ChannelMarker>, id: Id<ChannelMarker>) -> Place {
    Place::thread(channel_place(parent).channel, ThreadId::new(id.to_string()))
}

/// Whether channels of a kind are threads.
pub(crate) fn is_thread(kind: ChannelType) -> bool {
    matches!(
        kind,
        ChannelType::AnnouncementThread | ChannelType::PublicThread | ChannelType::PrivateThread
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::event::parse;

    pub(super) fn event(name: &str, data: &Value) -> Event {
        let frame = json!({"op": 0, "s": 1, "t": name, "d": data});
        parse(&frame.to_string()).unwrap().unwrap()
    }

    /// A guild with the mapped channel 10, the forum 11, and the thread 12 in channel 10; the bot is
    /// user 7 and has role 3.
    pub(super) fn directory(everyone: Permissions, overwrites: &Value) -> Directory {
        let mut directory = Directory::new(&BTreeSet::from([ChannelId::new("10")]));
        directory.apply(&event("READY", &json!({"user": {"id": "7"}})));
        directory.apply(&event(
            "GUILD_CREATE",
            &json!({
                "id": "1",
                "owner_id": "2",
                "roles": [
                    {"id": "1", "name": "@everyone", "permissions": everyone.bits().to_string()},
                    {"id": "3", "name": "bots", "permissions": "0"},
                ],
                "channels": [
                    {"id": "10", "type": 0, "parent_id": "9", "permission_overwrites": overwrites},
                    {"id": "11", "type": 15},
                ],
                "threads": [{"id": "12", "type": 11, "parent_id": "10"}],
                "members": [{"user": {"id": "7"}, "roles": ["3"]}],
            }),
        ));
        directory
    }

    pub(super) fn id(id: u64) -> Id<ChannelMarker> {
        Id::new(id)
    }

    #[test]
    fn places() {
        let mut directory = directory(Permissions::all(), &json!([]));
        assert_eq!(
            directory.place(id(10), None).unwrap().to_string(),
            "discord:10"
        );
        assert_eq!(
            directory.place(id(12), None).unwrap().to_string(),
            "discord:10/12"
        );
        assert_eq!(directory.place(id(13), None), None);
        assert_eq!(
            directory.place(id(13), Some(ChannelType::PublicThread)),
            None
        );
        assert!(
            directory
                .place(id(13), Some(ChannelType::GuildText))
                .is_some()
        );
        directory.add_thread(id(10), id(13));
        assert_eq!(
            directory.place(id(13), None).unwrap().to_string(),
            "discord:10/13"
        );
        directory.apply(&event(
            "THREAD_DELETE",
            &json!({"id": "13", "type": 11, "parent_id": "10"}),
        ));
        assert_eq!(directory.place(id(13), None), None);
        directory.give_up(id(13));
        assert_eq!(
            directory.place(id(13), None).unwrap().to_string(),
            "discord:13"
        );
        assert_eq!(directory.mapped_in(Id::new(1)).len(), 1);
    }

    #[test]
    fn roles_have_names() {
        let mut directory = directory(Permissions::all(), &json!([]));
        let guild = Id::new(1);
        assert_eq!(directory.role_name(guild, Id::new(3)), Some("bots"));
        directory.apply(&event(
            "GUILD_ROLE_UPDATE",
            &json!({"guild_id": "1", "role": {"id": "3", "name": "robots", "permissions": "0"}}),
        ));
        assert_eq!(directory.role_name(guild, Id::new(3)), Some("robots"));
        directory.apply(&event(
            "GUILD_ROLE_DELETE",
            &json!({"guild_id": "1", "role_id": "3"}),
        ));
        assert_eq!(directory.role_name(guild, Id::new(3)), None);
        assert!(!directory.knows_roles(Id::new(99)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut directory = Directory::new(&BTreeSet::new());
        for thread in 1..=MAX_CHANNELS as u64 + 10 {
            directory.add_thread(id(1), id(thread + 1));
        }
        assert_eq!(directory.channels.len(), MAX_CHANNELS);
        assert_eq!(directory.place(id(2), None), None);
    }
}
