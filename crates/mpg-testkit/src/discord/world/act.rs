//! What happens in the world, whoever does it; each change is told to the gateway's sessions.

use std::collections::BTreeSet;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CHANNEL_HISTORY, EARLIER_TEXTS, Message, UsedNonce, World};
use crate::discord::gateway::{Event, intent};
use crate::discord::object;
use crate::discord::permission::Permission;
use crate::discord::snowflake::Snowflake;

/// A message that is about to be posted.
#[derive(Clone, Debug, Default)]
pub(in crate::discord) struct Draft {
    pub(in crate::discord) content: String,
    pub(in crate::discord) kind: u8,
    pub(in crate::discord) embeds: Vec<Value>,
    pub(in crate::discord) components: Vec<Value>,
    pub(in crate::discord) attachments: Vec<Value>,
    pub(in crate::discord) flags: u64,
    pub(in crate::discord) reference: Option<Snowflake>,
    pub(in crate::discord) interaction: Option<Snowflake>,
    pub(in crate::discord) nonce: Option<Value>,
    pub(in crate::discord) allowed_mentions: Option<Value>,
    pub(in crate::discord) notified: BTreeSet<Snowflake>,
    pub(in crate::discord) notified_everyone: bool,
}

/// What an edit changes; `None` leaves a part as it is.
#[derive(Clone, Debug, Default)]
pub(in crate::discord) struct Revision {
    pub(in crate::discord) content: Option<String>,
    pub(in crate::discord) embeds: Option<Vec<Value>>,
    pub(in crate::discord) components: Option<Vec<Value>>,
    pub(in crate::discord) flags: Option<u64>,
    pub(in crate::discord) attachments: Option<Vec<Value>>,
}

impl World {
    /// Posts in a channel that is there. An archived thread comes back.
    pub(in crate::discord) fn post(
        &mut self,
        channel: Snowflake,
        author: Snowflake,
        draft: Draft,
    ) -> Snowflake {
        if self.is_archived(channel) {
            self.update_thread(channel, |thread| thread.archived = false);
        }
        let id = self.ids.next();
        if let Some(nonce) = draft.nonce.as_ref().map(number_or_text) {
            let used = UsedNonce {
                at: Instant::now(),
                channel,
                message: id,
            };
            self.remember_nonce(author, &nonce, used);
        }
        let message = Message {
            id,
            channel,
            author,
            content: draft.content,
            kind: draft.kind,
            embeds: draft.embeds,
            components: draft.components,
            attachments: draft.attachments,
            flags: draft.flags,
            reference: draft.reference,
            interaction: draft.interaction,
            nonce: draft.nonce,
            allowed_mentions: draft.allowed_mentions,
            notified: draft.notified,
            notified_everyone: draft.notified_everyone,
            earlier: Vec::new(),
            edited: None,
            reactions: Vec::new(),
        };
        let Some(place) = self.channels.get_mut(&channel) else {
            return id;
        };
        place.last_message = Some(id);
        place.messages.insert(id, message);
        if place.messages.len() > CHANNEL_HISTORY {
            place.messages.pop_first();
        }
        if let Some(thread) = &mut place.thread {
            thread.total_messages += 1;
        }
        let guild = place.guild.and_then(|guild| self.guilds.get_mut(&guild));
        if let Some(guild) = guild {
            guild.members.entry(author).or_default();
        }
        self.tell_message("MESSAGE_CREATE", channel, id);
        id
    }

    /// Tells the sessions about a message as it is now; nothing if it is gone.
    pub(in crate::discord) fn tell_message(
        &mut self,
        name: &'static str,
        channel: Snowflake,
        message: Snowflake,
    ) {
        let Some(found) = self
            .channels
            .get(&channel)
            .and_then(|place| place.messages.get(&message))
        else {
            return;
        };
        let full = object::gateway_message(self, found, name == "MESSAGE_CREATE");
        let guild = self.channels.get(&channel).and_then(|place| place.guild);
        // What is said to the bot alone is never left out.
        let hidden = guild.is_some();
        let without_content =
            (hidden && found.author != self.bot && !found.notified.contains(&self.bot))
                .then(|| object::without_content(full.clone()));
        self.tell(
            channel,
            &Event {
                name,
                intent: intent::of(guild, intent::GUILD_MESSAGES),
                data: full,
                without_content,
            },
        );
    }

    /// Sends an event of a channel to the sessions, if the bot can see the channel.
    pub(in crate::discord) fn tell(&mut self, channel: Snowflake, event: &Event) {
        let visible = self
            .channels
            .get(&channel)
            .is_some_and(|place| self.may(place, Permission::ViewChannel));
        if visible {
            self.hub.dispatch(event);
        }
    }

    /// Edits a message that is there.
    pub(in crate::discord) fn revise(
        &mut self,
        channel: Snowflake,
        message: Snowflake,
        revision: Revision,
    ) {
        let Some(found) = self
            .channels
            .get_mut(&channel)
            .and_then(|place| place.messages.get_mut(&message))
        else {
            return;
        };
        if let Some(content) = revision.content {
            let before = std::mem::replace(&mut found.content, content);
            found.earlier.push(before);
            if found.earlier.len() > EARLIER_TEXTS {
                found.earlier.remove(0);
            }
        }
        if let Some(embeds) = revision.embeds {
            found.embeds = embeds;
        }
        if let Some(components) = revision.components {
            found.components = components;
        }
        if let Some(attachments) = revision.attachments {
            found.attachments = attachments;
        }
        if let Some(flags) = revision.flags {
            found.flags = flags;
        }
        found.edited = Some(Timestamp::now());
        self.tell_message("MESSAGE_UPDATE", channel, message);
    }

    /// Deletes a message; a thread that grew from it stays.
    pub(in crate::discord) fn remove_message(&mut self, channel: Snowflake, message: Snowflake) {
        let Some(place) = self.channels.get_mut(&channel) else {
            return;
        };
        if place.messages.remove(&message).is_none() {
            return;
        }
        let guild = place.guild;
        let mut data = json!({
            "id": message.to_string(),
            "channel_id": channel.to_string(),
        });
        if let Some(guild) = guild {
            data["guild_id"] = guild.to_string().into();
        }
        let intent = intent::of(guild, intent::GUILD_MESSAGES);
        self.tell(channel, &Event::new("MESSAGE_DELETE", intent, data));
    }

    /// Adds or takes back a reaction, and tells whether that changed anything.
    pub(in crate::discord) fn react(
        &mut self,
        channel: Snowflake,
        message: Snowflake,
        user: Snowflake,
        sign: &str,
        on: bool,
    ) -> bool {
        let Some(place) = self.channels.get_mut(&channel) else {
            return false;
        };
        let guild = place.guild;
        let Some(found) = place.messages.get_mut(&message) else {
            return false;
        };
        let author = found.author;
        let at = found.reactions.iter().position(|(known, _)| known == sign);
        let changed = match (at, on) {
            (Some(at), true) => found.reactions[at].1.insert(user),
            (Some(at), false) => found.reactions[at].1.remove(&user),
            (None, true) => {
                let users = BTreeSet::from([user]);
                found.reactions.push((sign.to_owned(), users));
                true
            }
            (None, false) => false,
        };
        found.reactions.retain(|(_, users)| !users.is_empty());
        if !changed {
            return false;
        }
        let mut data = json!({
            "user_id": user.to_string(),
            "channel_id": channel.to_string(),
            "message_id": message.to_string(),
            "emoji": object::emoji(sign),
            "burst": false,
            "burst_colors": [],
            "type": 0,
        });
        if let Some(guild) = guild {
            data["guild_id"] = guild.to_string().into();
        }
        let name = if on {
            data["message_author_id"] = author.to_string().into();
            if let Some(guild) = guild {
                data["member"] = object::member(self, guild, user);
            }
            "MESSAGE_REACTION_ADD"
        } else {
            "MESSAGE_REACTION_REMOVE"
        };
        let intent = intent::of(guild, intent::GUILD_MESSAGE_REACTIONS);
        self.tell(channel, &Event::new(name, intent, data));
        true
    }

    fn is_archived(&self, channel: Snowflake) -> bool {
        self.channels
            .get(&channel)
            .and_then(|place| place.thread.as_ref())
            .is_some_and(|thread| thread.archived)
    }
}

/// A nonce or id as text: Discord takes numbers and strings, and `1` is `"1"`.
pub(in crate::discord) fn number_or_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_)) => other.to_string(),
    }
}
