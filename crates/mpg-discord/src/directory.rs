//! What is known of channels, roles and the bot's own permissions.

use std::collections::{BTreeMap, BTreeSet};

use mpg_core::capability::{Capabilities, Reconcile, Threads};
use mpg_core::id::{ChannelId, ChannelKey, Place, ThreadId};
use twilight_model::channel::ChannelType;
use twilight_model::channel::permission_overwrite::{PermissionOverwrite, PermissionOverwriteType};
use twilight_model::guild::Permissions;
use twilight_model::id::Id;
use twilight_model::id::marker::{ChannelMarker, GuildMarker, RoleMarker, UserMarker};

use crate::event::{Channel, Event, Guild, Role};
use crate::render::{POST_LIMIT, snowflake};

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
    pub(crate) fn new(mapped: &BTreeSet<ChannelId>) -> Self {
        Self {
            mapped: mapped
                .iter()
                .filter_map(|channel| snowflake(channel.as_str()))
                .filter_map(Id::new_checked)
                .collect(),
            ..Self::default()
        }
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

    /// What a place can do.
    pub(crate) fn capabilities(&self, place: &Place) -> Capabilities {
        let channel = snowflake(place.channel.channel.as_str()).and_then(Id::new_checked);
        let known = channel.and_then(|id| self.channels.get(&id));
        let allowed = known
            .and_then(|channel| self.permissions(channel))
            .unwrap_or_else(Permissions::all);
        let grows_threads = known.is_none_or(|channel| {
            matches!(
                channel.kind,
                ChannelType::GuildText | ChannelType::GuildAnnouncement
            )
        });
        let in_thread = place.thread.is_some();
        let opens = Permissions::VIEW_CHANNEL
            | Permissions::CREATE_PUBLIC_THREADS
            | Permissions::SEND_MESSAGES_IN_THREADS;
        let posts = if in_thread {
            Permissions::SEND_MESSAGES_IN_THREADS
        } else {
            Permissions::SEND_MESSAGES
        };
        Capabilities {
            threads: if !in_thread && grows_threads && allowed.contains(opens) {
                Threads::FromMessage
            } else {
                Threads::None
            },
            post_limit: POST_LIMIT,
            typing: allowed.contains(Permissions::VIEW_CHANNEL | posts),
            status: allowed
                .contains(Permissions::ADD_REACTIONS | Permissions::READ_MESSAGE_HISTORY),
            live: None,
            reconcile: Reconcile::Nonce,
        }
    }

    /// Learns from an event.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Ready { user } => self.me = Some(*user),
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
            Event::Resumed
            | Event::MessageCreated(_)
            | Event::MessageUpdated(_)
            | Event::MessagesDeleted(..) => {}
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

    /// What the bot may do in a channel; `None` if that is not known. For a thread, it is asked of
    /// the channel that the thread is in.
    ///
    /// Source: the page on permissions of Discord's documentation.
    fn permissions(&self, channel: &KnownChannel) -> Option<Permissions> {
        let guild_id = channel.guild?;
        let guild = self.guilds.get(&guild_id)?;
        let me = self.me?;
        let mine = guild.mine.as_ref()?;
        if guild.owner == Some(me) {
            return Some(Permissions::all());
        }
        let everyone: Id<RoleMarker> = guild_id.cast();
        let mut allowed = mine
            .iter()
            .chain([&everyone])
            .filter_map(|role| guild.roles.get(role))
            .fold(Permissions::empty(), |all, role| all | role.permissions);
        if allowed.contains(Permissions::ADMINISTRATOR) {
            return Some(Permissions::all());
        }
        let steps: [&dyn Fn(&PermissionOverwrite) -> bool; 3] = [
            &|entry| is_role(entry) && entry.id.cast() == everyone,
            &|entry| is_role(entry) && mine.contains(&entry.id.cast()),
            &|entry| entry.kind == PermissionOverwriteType::Member && entry.id.cast() == me,
        ];
        for applies in steps {
            let (mut deny, mut allow) = (Permissions::empty(), Permissions::empty());
            for entry in channel.overwrites.iter().filter(|entry| applies(entry)) {
                deny |= entry.deny;
                allow |= entry.allow;
            }
            allowed = (allowed - deny) | allow;
        }
        Some(allowed)
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

fn is_role(entry: &PermissionOverwrite) -> bool {
    entry.kind == PermissionOverwriteType::Role
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use std::fmt::Write as _;

    use super::*;
    use crate::event::parse;

    fn event(name: &str, data: &Value) -> Event {
        let frame = json!({"op": 0, "s": 1, "t": name, "d": data});
        parse(&frame.to_string()).unwrap().unwrap()
    }

    fn directory(everyone: Permissions, overwrites: &Value) -> Directory {
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

    fn id(id: u64) -> Id<ChannelMarker> {
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
    fn permissions_decide_what_a_channel_can_do() {
        let all = Permissions::all() - Permissions::ADMINISTRATOR;
        let bit = |permission: Permissions| permission.bits().to_string();
        let threads = bit(Permissions::CREATE_PUBLIC_THREADS);
        let react = bit(Permissions::ADD_REACTIONS);
        let none = "0";
        let cases = [
            ("everything", all, json!([])),
            ("nothing", Permissions::empty(), json!([])),
            ("administrator", Permissions::ADMINISTRATOR, json!([])),
            (
                "denied to everyone",
                all,
                json!([{"id": "1", "type": 0, "allow": none, "deny": threads}]),
            ),
            (
                "denied to everyone, allowed to a role of the bot",
                all,
                json!([
                    {"id": "3", "type": 0, "allow": threads, "deny": none},
                    {"id": "1", "type": 0, "allow": none, "deny": threads},
                ]),
            ),
            (
                "allowed to a role, denied to the bot itself",
                all,
                json!([
                    {"id": "7", "type": 1, "allow": none, "deny": react},
                    {"id": "3", "type": 0, "allow": react, "deny": none},
                ]),
            ),
            (
                "denied to somebody else",
                all,
                json!([{"id": "4", "type": 0, "allow": none, "deny": threads}]),
            ),
        ];
        let mut shown = String::new();
        for (name, everyone, overwrites) in cases {
            let directory = directory(everyone, &overwrites);
            for channel in [10, 11, 12] {
                let place = directory
                    .place(id(channel), None)
                    .unwrap_or_else(|| channel_place(id(channel)));
                let can = directory.capabilities(&place);
                writeln!(
                    shown,
                    "{name}: {place}: threads {:?}, typing {}, status {}",
                    can.threads, can.typing, can.status
                )
                .unwrap();
            }
        }
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn without_knowledge_everything_is_assumed() {
        let directory = Directory::new(&BTreeSet::new());
        let can = directory.capabilities(&channel_place(id(5)));
        assert_eq!(can.threads, Threads::FromMessage);
        assert!(can.typing && can.status);
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
