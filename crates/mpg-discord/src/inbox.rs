//! What comes in: events, translated in the order in which they came.

use async_trait::async_trait;
use mpg_core::id::Position;
use mpg_core::message::Inbound;
use mpg_core::port;
use tokio::sync::mpsc;

use crate::directory::{Directory, channel_place};
use crate::event::Event;
use crate::gateway::Item;
use crate::lookup::LookUps;
use crate::shared::Shared;
use crate::translate::translate;

/// How many translated events wait for the engine.
pub(crate) const QUEUE: usize = 64;

/// What comes in.
#[derive(Debug)]
pub(crate) struct Inbox {
    translated: mpsc::Receiver<(Inbound, Option<Position>)>,
}

impl Inbox {
    pub(crate) fn new(translated: mpsc::Receiver<(Inbound, Option<Position>)>) -> Self {
        Self { translated }
    }
}

#[async_trait]
impl port::Inbox for Inbox {
    async fn next(&mut self) -> Option<(Inbound, Option<Position>)> {
        self.translated.recv().await
    }
}

/// Translates events, and looks up what is not known.
pub(crate) struct Translator {
    pub(crate) look_ups: LookUps,
    pub(crate) directory: Shared,
    pub(crate) items: mpsc::Receiver<Item>,
    pub(crate) translated: mpsc::Sender<(Inbound, Option<Position>)>,
}

impl Translator {
    /// Runs until the gateway ends or nobody listens any more.
    pub(crate) async fn run(mut self) {
        let translated = self.translated.clone();
        tokio::select! {
            () = translated.closed() => {}
            () = self.translate_all() => {}
        }
    }

    async fn translate_all(&mut self) {
        while let Some(item) = self.items.recv().await {
            let (inbounds, position) = match item {
                Item::Link(link) => (vec![Inbound::Link(link)], None),
                Item::Event(event, position) => {
                    self.look_ups.complete(&event).await;
                    let inbounds = self.directory.change(|directory| learn(directory, &event));
                    (inbounds, Some(position))
                }
            };
            let last = inbounds.len().saturating_sub(1);
            for (index, inbound) in inbounds.into_iter().enumerate() {
                // What comes before the last would be lost if the position were stored with it.
                let position = position.clone().filter(|_| index == last);
                if self.translated.send((inbound, position)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// What the core hears of an event, which the directory learns from.
fn learn(directory: &mut Directory, event: &Event) -> Vec<Inbound> {
    let mut inbounds = translate(event, directory);
    if !changes_capabilities(event) {
        directory.apply(event);
        return inbounds;
    }
    let mapped: Vec<_> = directory.mapped().map(channel_place).collect();
    let before: Vec<_> = mapped
        .iter()
        .map(|place| directory.capabilities(place))
        .collect();
    directory.apply(event);
    for (place, before) in mapped.into_iter().zip(before) {
        if directory.capabilities(&place) != before {
            inbounds.push(Inbound::CapabilitiesChanged(place));
        }
    }
    inbounds
}

fn changes_capabilities(event: &Event) -> bool {
    match event {
        Event::GuildCreated(_)
        | Event::ChannelChanged(_)
        | Event::RoleChanged(..)
        | Event::RoleDeleted(..)
        | Event::MemberChanged(_) => true,
        Event::Ready { .. }
        | Event::Resumed
        | Event::GuildDeleted(_)
        | Event::ChannelDeleted(_)
        | Event::ThreadsSeen(_)
        | Event::ThreadChanged(_)
        | Event::ThreadDeleted(_)
        | Event::MessageCreated(_)
        | Event::MessageUpdated(_)
        | Event::MessagesDeleted(..)
        | Event::InteractionCreated(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use mpg_core::capability::Threads;
    use mpg_core::id::ChannelId;
    use serde_json::{Value, json};
    use twilight_model::guild::Permissions;
    use twilight_model::id::Id;

    use super::*;
    use crate::event::parse;
    use crate::translate::missing;

    fn hear(directory: &mut Directory, name: &str, data: &Value) -> Vec<Inbound> {
        let frame = json!({"op": 0, "s": 1, "t": name, "d": data});
        let event = parse(&frame.to_string()).unwrap().unwrap();
        learn(directory, &event)
    }

    #[test]
    fn a_direct_conversation_is_told_from_channels_and_needs_no_look_up() {
        let mut directory = Directory::new(&[ChannelId::new("10")]);
        let message = |channel: &str, guild: Option<&str>| {
            json!({
                "id": "5", "channel_id": channel, "guild_id": guild, "type": 0, "content": "hi",
                "author": {"id": "8", "username": "ann"},
            })
        };
        // One that is mapped is a project's channel, and direct all the same.
        for channel in ["20", "10"] {
            let data = message(channel, None);
            let frame = json!({"op": 0, "s": 1, "t": "MESSAGE_CREATE", "d": data});
            let event = parse(&frame.to_string()).unwrap().unwrap();
            assert_eq!(missing(&event, &directory), None);
            let heard = learn(&mut directory, &event);
            let [Inbound::Message(message)] = heard.as_slice() else {
                panic!("{heard:?}");
            };
            let place = channel_place(Id::new(channel.parse().unwrap()));
            assert_eq!(message.place, place);
            let can = directory.capabilities(&place);
            assert!(can.direct && can.typing, "{can:?}");
            assert_eq!(can.threads, Threads::None);
        }
        hear(&mut directory, "MESSAGE_CREATE", &message("30", Some("1")));
        let place = channel_place(Id::new(30));
        assert!(!directory.capabilities(&place).direct);
    }

    #[test]
    fn a_role_that_the_bot_loses_changes_what_channels_can_do() {
        let mut directory = Directory::new(&[ChannelId::new("10")]);
        hear(&mut directory, "READY", &json!({"user": {"id": "7"}}));
        let guild = json!({
            "id": "1",
            "owner_id": "2",
            "roles": [
                {"id": "1", "name": "@everyone", "permissions": "0"},
                {"id": "3", "name": "bots", "permissions": Permissions::all().bits().to_string()},
            ],
            "channels": [{"id": "10", "type": 0}],
            "members": [{"user": {"id": "7"}, "roles": ["3"]}],
        });
        hear(&mut directory, "GUILD_CREATE", &guild);
        let place = channel_place(Id::new(10));
        let changed = [Inbound::CapabilitiesChanged(place.clone())];
        let member = |guild: &str, user: &str, roles: &[&str]| json!({"guild_id": guild, "user": {"id": user}, "roles": roles});
        let cases: [(Value, &[Inbound], Threads); 5] = [
            (member("1", "8", &[]), &[], Threads::FromMessage),
            (member("5", "7", &[]), &[], Threads::FromMessage),
            (member("1", "7", &[]), &changed, Threads::None),
            (member("1", "7", &[]), &[], Threads::None),
            (member("1", "7", &["3"]), &changed, Threads::FromMessage),
        ];
        for (data, heard, threads) in cases {
            let inbounds = hear(&mut directory, "GUILD_MEMBER_UPDATE", &data);
            assert_eq!(inbounds, heard, "{data}");
            assert_eq!(directory.capabilities(&place).threads, threads, "{data}");
        }
    }
}
