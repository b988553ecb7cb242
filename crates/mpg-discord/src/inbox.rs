//! What comes in: events, translated in the order in which they came.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::id::Position;
use mpg_core::message::Inbound;
use mpg_core::port;
use tokio::sync::mpsc;
use tokio::time::sleep;
use twilight_http::routing::Route;

use crate::backoff::Backoff;
use crate::directory::channel_place;
use crate::event::{Channel, Event, Role};
use crate::gateway::Item;
use crate::rest::Rest;
use crate::shared::Shared;
use crate::translate::{Missing, missing, translate};

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
    pub(crate) rest: Arc<Rest>,
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
                    self.complete(&event).await;
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

    /// Looks up what an event needs. Events stay in order: those behind it wait, and what cannot be
    /// reached now is asked for again.
    async fn complete(&self, event: &Event) {
        let mut tried = Vec::new();
        while let Some(missing) = self.directory.read(|directory| missing(event, directory)) {
            if tried.contains(&missing) {
                return;
            }
            tried.push(missing);
            self.look_up(missing).await;
        }
    }

    async fn look_up(&self, missing: Missing) {
        let mut backoff = Backoff::default();
        loop {
            let failure = match missing {
                Missing::Channel(id) => {
                    let route = Route::GetChannel {
                        channel_id: id.get(),
                    };
                    match self.rest.get::<Channel>(&route).await {
                        Ok(channel) => {
                            return self
                                .directory
                                .change(|directory| directory.add_channel(&channel, None));
                        }
                        Err(failure) => failure,
                    }
                }
                Missing::Roles(guild) => {
                    let route = Route::GetGuildRoles {
                        guild_id: guild.get(),
                    };
                    match self.rest.get::<Vec<Role>>(&route).await {
                        Ok(roles) => {
                            return self
                                .directory
                                .change(|directory| directory.add_roles(guild, &roles));
                        }
                        Err(failure) => failure,
                    }
                }
            };
            if !failure.is_passing() {
                tracing::info!(?missing, ?failure, "Discord does not tell");
                return self.directory.change(|directory| match missing {
                    Missing::Channel(id) => directory.give_up(id),
                    Missing::Roles(guild) => directory.add_roles(guild, &[]),
                });
            }
            let wait = backoff.failed().max(Duration::from_millis(500));
            tracing::warn!(?missing, ?failure, "a look-up failed and is repeated");
            sleep(wait).await;
        }
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
