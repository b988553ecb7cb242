//! The gateway connection, in a task of its own.
//!
//! twilight heartbeats only while its shard is polled, so nothing that waits happens here: events go
//! to a bounded queue, and when that is full the connection is dropped and resumed later.

mod link;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use mpg_core::id::Position;
use mpg_core::message::Link;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep, sleep_until};
use twilight_gateway::queue::InMemoryQueue;
use twilight_gateway::{ConfigBuilder, Intents, Message, Shard, ShardId, ShardState};
use twilight_model::id::Id;
use twilight_model::id::marker::ApplicationMarker;

use crate::backoff::Backoff;
use crate::declaration::Declaration;
use crate::event::{self, Event};
use crate::interactions::Interactions;
use crate::position::Resume;
use crate::rest::Rest;
use crate::settings::Token;

/// How many events wait for the translation. Discord itself keeps what does not fit, and replays it.
pub(crate) const QUEUE: usize = 1024;

/// How long a connection may take until its session is there.
const WATCHDOG: Duration = Duration::from_secs(30);

/// How long a session has to last before the failures before it are forgotten.
const STEADY: Duration = Duration::from_mins(1);

/// What the adapter wants to hear of. The content of messages is a privileged intent.
const INTENTS: Intents = Intents::GUILDS
    .union(Intents::GUILD_MESSAGES)
    .union(Intents::DIRECT_MESSAGES)
    .union(Intents::MESSAGE_CONTENT);

/// Something for the translation.
#[derive(Debug)]
pub(crate) enum Item {
    /// An event, and how far has been read with it.
    Event(Event, Position),
    /// The connection changed.
    Link(Link),
}

/// The gateway connection.
pub(crate) struct Gateway {
    pub(crate) token: Token,
    /// Where the gateway is; unset, it is asked for.
    pub(crate) url: Option<String>,
    pub(crate) rest: Arc<Rest>,
    pub(crate) resume: Option<Resume>,
    pub(crate) items: mpsc::Sender<Item>,
    pub(crate) interactions: Arc<Interactions>,
    /// What has to be declared once there is a session.
    pub(crate) declaration: Option<Declaration>,
}

/// How a connection ended.
enum End {
    /// Nobody listens any more.
    Unwanted,
    /// Discord does not want this bot to connect again like this.
    Fatal(Option<u16>),
    /// It was closed or lost.
    Closed(String),
    /// It could not be made.
    Unreachable(String),
    /// It came to no session in time.
    Stuck,
    /// The queue is full.
    Full,
}

impl Gateway {
    /// Stays connected until nobody listens any more or Discord forbids it.
    pub(crate) async fn run(self) {
        let items = self.items.clone();
        tokio::select! {
            () = items.closed() => {}
            () = self.stay_connected() => {}
        }
    }

    async fn stay_connected(mut self) {
        let queue = InMemoryQueue::default();
        let mut backoff = Backoff::default();
        let mut log = link::Log::default();
        let Some(url) = self.find(&mut backoff, &mut log).await else {
            return;
        };
        loop {
            let mut shard = self.open(&url, queue.clone());
            let started = Instant::now();
            let end = self.drive(&mut shard, &mut log).await;
            drop(shard);
            if started.elapsed() > STEADY {
                backoff.reset();
            }
            let reason = match end {
                End::Unwanted => return,
                End::Fatal(code) => {
                    self.tell(Link::Failed {
                        reason: link::fatal(code),
                    })
                    .await;
                    return;
                }
                End::Full => {
                    tracing::warn!("events come faster than they are taken; resuming later");
                    match self.items.reserve_many(QUEUE / 2).await {
                        Ok(_permits) => continue,
                        Err(_closed) => return,
                    }
                }
                End::Stuck => {
                    self.resume = None;
                    format!("no session came within {} s", WATCHDOG.as_secs())
                }
                End::Unreachable(reason) => {
                    // The address of a session may go before the session does.
                    if let Some(resume) = &mut self.resume {
                        resume.url = None;
                    }
                    reason
                }
                End::Closed(reason) => reason,
            };
            tracing::info!(reason, "the gateway connection ended");
            if let Some(link) = log.degraded(reason) {
                self.tell(link).await;
            }
            sleep(backoff.failed()).await;
        }
    }

    /// Where the gateway is; `None` if asking for it is of no use.
    async fn find(&self, backoff: &mut Backoff, log: &mut link::Log) -> Option<String> {
        if let Some(url) = &self.url {
            return Some(url.clone());
        }
        loop {
            let (reason, wait) = match link::find(&self.rest).await {
                Ok(found) => match found.wait(self.resume.is_some()) {
                    None => return Some(found.url()),
                    Some(wait) => ("no more sessions may be started today".to_owned(), wait),
                },
                Err(link::NotFound::TokenRefused) => {
                    self.tell(Link::Failed {
                        reason: link::fatal(Some(4004)),
                    })
                    .await;
                    return None;
                }
                Err(link::NotFound::Failed(reason)) => (reason, backoff.failed()),
            };
            tracing::info!(reason, "the gateway was not found");
            if let Some(link) = log.degraded(reason) {
                self.tell(link).await;
            }
            sleep(wait).await;
        }
    }

    fn open(&self, url: &str, queue: InMemoryQueue) -> Shard {
        let mut config = ConfigBuilder::new(self.token.expose().to_owned(), INTENTS)
            .queue(queue)
            .proxy_url(url.trim_end_matches('/').to_owned());
        if let Some(resume) = &self.resume {
            config = config.session(resume.session());
            if let Some(url) = &resume.url {
                config = config.resume_url(url.clone());
            }
        }
        Shard::with_config(ShardId::ONE, config.build())
    }

    /// Reads one connection to its end.
    async fn drive(&mut self, shard: &mut Shard, log: &mut link::Log) -> End {
        let watchdog = Instant::now() + WATCHDOG;
        let mut live = false;
        loop {
            let item = tokio::select! {
                biased;
                item = shard.next() => item,
                () = sleep_until(watchdog), if !live => return End::Stuck,
            };
            match item {
                None => return End::Fatal(None),
                Some(Err(error)) if shard.session().is_none() && !live => {
                    return End::Unreachable(link::describe(&error));
                }
                Some(Err(error)) => {
                    if let ShardState::Disconnected { .. } = shard.state() {
                        return End::Unreachable(link::describe(&error));
                    }
                    // One frame that twilight could not read; the connection is fine.
                    log.undecodable(&link::describe(&error));
                }
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.as_ref().map(|frame| frame.code);
                    if shard.state() == ShardState::FatallyClosed {
                        return End::Fatal(code);
                    }
                    self.follow(shard);
                    return End::Closed(link::closed(code));
                }
                Some(Ok(Message::Text(text))) => match self.forward(shard, &text, log) {
                    Ok(now_live) => live |= now_live,
                    Err(TrySendError::Full(())) => return End::Full,
                    Err(TrySendError::Closed(())) => return End::Unwanted,
                },
            }
            if let ShardState::Disconnected { .. } = shard.state() {
                self.follow(shard);
                return End::Closed("Discord asked to connect again".to_owned());
            }
        }
    }

    /// Hands an event on; tells whether the session is there with it.
    fn forward(
        &mut self,
        shard: &Shard,
        text: &str,
        log: &mut link::Log,
    ) -> Result<bool, TrySendError<()>> {
        let event = match event::parse(text) {
            Ok(Some(event)) => event,
            Ok(None) => {
                self.follow(shard);
                return Ok(false);
            }
            Err(error) => {
                log.undecodable(&format!("{} at byte {}", error.name, error.at));
                self.follow(shard);
                return Ok(false);
            }
        };
        let before = self.resume.clone();
        self.follow(shard);
        let live = match &event {
            Event::Ready { user, application } => {
                if let Some(resume) = &mut self.resume {
                    resume.user = Some(*user);
                }
                self.declare(*application);
                true
            }
            Event::Resumed => {
                self.declare(None);
                true
            }
            // Its first answer has a deadline, whatever the event waits for.
            Event::InteractionCreated(interaction) => {
                self.interactions.receive(interaction);
                false
            }
            Event::GuildCreated(_)
            | Event::GuildDeleted(_)
            | Event::ChannelChanged(_)
            | Event::ChannelDeleted(_)
            | Event::ThreadsSeen(_)
            | Event::ThreadChanged(_)
            | Event::ThreadDeleted(_)
            | Event::RoleChanged(..)
            | Event::RoleDeleted(..)
            | Event::MemberChanged(_)
            | Event::MessageCreated(_)
            | Event::MessageUpdated(_)
            | Event::MessagesDeleted(..) => false,
        };
        let Some(resume) = &self.resume else {
            // A dispatch without a session cannot be resumed from, and does not come.
            return Ok(live);
        };
        let item = Item::Event(event, resume.position());
        if let Err(error) = self.items.try_send(item) {
            self.resume = before;
            return Err(match error {
                TrySendError::Full(_) => TrySendError::Full(()),
                TrySendError::Closed(_) => TrySendError::Closed(()),
            });
        }
        if live {
            log.recovered();
        }
        Ok(live)
    }

    /// Declares the commands once, beside everything else.
    fn declare(&mut self, application: Option<Id<ApplicationMarker>>) {
        if let Some(declaration) = self.declaration.take() {
            let items = self.items.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = items.closed() => {}
                    () = declaration.declare(application) => {}
                }
            });
        }
    }

    /// Takes over how far the shard has read.
    fn follow(&mut self, shard: &Shard) {
        let user = self.resume.as_ref().and_then(|resume| resume.user);
        self.resume = shard.session().map(|session| Resume {
            session: session.id().to_owned(),
            sequence: session.sequence(),
            url: shard.resume_url().map(str::to_owned),
            user,
        });
    }

    async fn tell(&self, link: Link) {
        // Nobody to tell is nothing to do.
        drop(self.items.send(Item::Link(link)).await);
    }
}
