//! What the bot may do, and what a place can do by that.

use mpg_core::capability::{Capabilities, Controls, Reconcile, Threads};
use mpg_core::id::Place;
use twilight_model::channel::ChannelType;
use twilight_model::channel::permission_overwrite::{PermissionOverwrite, PermissionOverwriteType};
use twilight_model::guild::Permissions;
use twilight_model::id::Id;
use twilight_model::id::marker::{ChannelMarker, RoleMarker};

use super::{Directory, KnownChannel};
use crate::render::{EDIT_PACE, EMBED_LIMIT, FILE_LIMITS, POST_LIMIT, PersonaForm, snowflake};

impl Directory {
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
            direct: known.is_some_and(|channel| channel.kind == ChannelType::Private),
            threads: if !in_thread && grows_threads && allowed.contains(opens) {
                Threads::FromMessage
            } else {
                Threads::None
            },
            post_limit: POST_LIMIT,
            persona_limit: allowed
                .contains(Permissions::EMBED_LINKS)
                .then_some(EMBED_LIMIT),
            typing: allowed.contains(Permissions::VIEW_CHANNEL | posts),
            status: allowed
                .contains(Permissions::ADD_REACTIONS | Permissions::READ_MESSAGE_HISTORY),
            live: None,
            edits: Some(EDIT_PACE),
            pins: allowed.contains(Permissions::PIN_MESSAGES),
            spoilers: true,
            controls: Controls::Forms,
            files: allowed
                .contains(Permissions::ATTACH_FILES)
                .then_some(FILE_LIMITS),
            reconcile: Reconcile::Nonce,
        }
    }

    /// How a place shows whom a post speaks for. Discord refuses embeds without the permission for
    /// them, in words that sound as if nothing could be posted.
    pub(crate) fn persona_form(&self, place: &Place) -> PersonaForm {
        match self.capabilities(place).persona_limit {
            Some(_) => PersonaForm::Embed,
            None => PersonaForm::Lines,
        }
    }

    /// Whether what stands in a place can be read back: without the permission, Discord shows an
    /// empty place instead of refusing.
    pub(crate) fn shows_history(&self, place: &Place) -> bool {
        let channel = snowflake(place.channel.channel.as_str()).and_then(Id::new_checked);
        let known = channel.and_then(|id| self.channels.get(&id));
        known
            .and_then(|channel| self.permissions(channel))
            .is_none_or(|allowed| allowed.contains(Permissions::READ_MESSAGE_HISTORY))
    }

    /// What the bot may do in a channel that is known; `None` if that is not known.
    pub(crate) fn allowed(&self, channel: Id<ChannelMarker>) -> Option<Permissions> {
        self.permissions(self.channels.get(&channel)?)
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
}

fn is_role(entry: &PermissionOverwrite) -> bool {
    entry.kind == PermissionOverwriteType::Role
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use serde_json::json;

    use super::super::channel_place;
    use super::super::tests::{directory, id};
    use super::*;

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
                    "{name}: {place}: threads {:?}, typing {}, status {}, embeds {}",
                    can.threads,
                    can.typing,
                    can.status,
                    can.persona_limit.is_some()
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
}
