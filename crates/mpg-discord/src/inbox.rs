//! What comes in: events, translated in the order in which they came.

use async_trait::async_trait;
use mpg_core::id::Position;
use mpg_core::message::Inbound;
use mpg_core::port;
use tokio::sync::mpsc;

use crate::directory::channel_place;
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
                    (self.translate_one(&event), Some(position))
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

    fn translate_one(&self, event: &Event) -> Vec<Inbound> {
        self.directory.change(|directory| {
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
        })
    }
}

fn changes_capabilities(event: &Event) -> bool {
    match event {
        Event::GuildCreated(_)
        | Event::ChannelChanged(_)
        | Event::RoleChanged(..)
        | Event::RoleDeleted(..) => true,
        Event::Ready { .. }
        | Event::Resumed
        | Event::GuildDeleted(_)
        | Event::ChannelDeleted(_)
        | Event::ThreadsSeen(_)
        | Event::ThreadChanged(_)
        | Event::ThreadDeleted(_)
        | Event::MessageCreated(_)
        | Event::MessageUpdated(_)
        | Event::MessagesDeleted(..) => false,
    }
}
