//! What happens to channels and threads as a whole.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::{Channel, Draft, ThreadState, World};
use crate::discord::gateway::{Event, intent};
use crate::discord::object;
use crate::discord::snowflake::Snowflake;

/// The flag of a message that a thread grew from.
const HAS_THREAD: u64 = 1 << 5;

impl World {
    /// Adds a channel without messages.
    pub(in crate::discord) fn insert_channel(
        &mut self,
        id: Snowflake,
        guild: Option<Snowflake>,
        name: &str,
        kind: u8,
        thread: Option<ThreadState>,
    ) {
        let channel = Channel {
            id,
            guild,
            name: name.to_owned(),
            kind,
            recipient: None,
            thread,
            messages: BTreeMap::new(),
            last_message: None,
            typing: 0,
            pinned: Vec::new(),
            topic: None,
            denied: 0,
        };
        self.channels.insert(id, channel);
    }

    /// Opens a thread: from a message, whose id it gets, or on its own.
    pub(in crate::discord) fn open_thread(
        &mut self,
        parent: Snowflake,
        from: Option<Snowflake>,
        owner: Snowflake,
        name: &str,
        kind: u8,
        auto_archive_minutes: u64,
    ) -> Snowflake {
        let id = from.unwrap_or_else(|| self.ids.next());
        let Some(guild) = self.channels.get(&parent).map(|place| place.guild) else {
            return id;
        };
        let state = ThreadState {
            parent,
            owner,
            archived: false,
            locked: false,
            auto_archive_minutes,
            total_messages: 0,
            archived_at: Timestamp::now(),
        };
        self.insert_channel(id, guild, name, kind, Some(state));
        let mut data = object::channel(self, &self.channels[&id]);
        data["newly_created"] = true.into();
        self.tell(id, &Event::new("THREAD_CREATE", intent::GUILDS, data));
        match from {
            Some(message) => {
                if let Some(found) = self
                    .channels
                    .get_mut(&parent)
                    .and_then(|place| place.messages.get_mut(&message))
                {
                    found.flags |= HAS_THREAD;
                }
                self.tell_message("MESSAGE_UPDATE", parent, message);
                let starter = Draft {
                    kind: 21,
                    reference: Some(message),
                    ..Draft::default()
                };
                self.post(id, owner, starter);
                self.update_silently(id, |thread| thread.total_messages = 0);
            }
            None if kind == 11 => {
                let mark = Draft {
                    content: name.to_owned(),
                    kind: 18,
                    ..Draft::default()
                };
                self.post(parent, owner, mark);
            }
            None => {}
        }
        id
    }

    /// Changes the state of a thread, and tells it.
    pub(in crate::discord) fn update_thread(
        &mut self,
        thread: Snowflake,
        change: impl FnOnce(&mut ThreadState),
    ) {
        self.update_silently(thread, |state| {
            let before = state.archived;
            change(state);
            if before != state.archived {
                state.archived_at = Timestamp::now();
            }
        });
        self.tell_channel("THREAD_UPDATE", "CHANNEL_UPDATE", thread);
    }

    fn update_silently(&mut self, thread: Snowflake, change: impl FnOnce(&mut ThreadState)) {
        if let Some(state) = self
            .channels
            .get_mut(&thread)
            .and_then(|place| place.thread.as_mut())
        {
            change(state);
        }
    }

    /// Tells the sessions about a channel as it is now.
    pub(in crate::discord) fn tell_channel(
        &mut self,
        of_thread: &'static str,
        of_channel: &'static str,
        channel: Snowflake,
    ) {
        if let Some(found) = self.channels.get(&channel) {
            let name = match found.thread {
                Some(_) => of_thread,
                None => of_channel,
            };
            let data = object::channel(self, found);
            self.hub.dispatch(&Event::new(name, intent::GUILDS, data));
        }
    }

    /// Removes a channel with its threads.
    pub(in crate::discord) fn remove_channel(&mut self, channel: Snowflake) {
        let threads: Vec<Snowflake> = self.threads_of(channel).map(|place| place.id).collect();
        for thread in threads {
            self.channels.remove(&thread);
        }
        let Some(found) = self.channels.get(&channel) else {
            return;
        };
        let event = match &found.thread {
            Some(thread) => Event::new(
                "THREAD_DELETE",
                intent::GUILDS,
                json!({
                    "id": channel.to_string(),
                    "guild_id": found.guild.map(|guild| guild.to_string()),
                    "parent_id": thread.parent.to_string(),
                    "type": found.kind,
                }),
            ),
            None => Event::new(
                "CHANNEL_DELETE",
                intent::GUILDS,
                object::channel(self, found),
            ),
        };
        self.tell(channel, &event);
        self.channels.remove(&channel);
    }

    /// The threads that belong to a channel.
    pub(in crate::discord) fn threads_of(
        &self,
        channel: Snowflake,
    ) -> impl Iterator<Item = &Channel> {
        self.channels.values().filter(move |place| {
            place
                .thread
                .as_ref()
                .is_some_and(|thread| thread.parent == channel)
        })
    }
}
