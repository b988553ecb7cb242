//! A bot on twilight, as the tests need it.

use std::future::IntoFuture as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mpg_testkit::discord::{Discord, DiscordBuilder, Snowflake};
use serde_json::{Value, json};
use twilight_gateway::queue::InMemoryQueue;
use twilight_gateway::{
    ConfigBuilder, Event, EventTypeFlags, Intents, Session, Shard, ShardId, StreamExt as _,
};
use twilight_http::Client;
use twilight_http::error::{Error, ErrorType};
use twilight_model::id::Id;

/// What a bot needs to answer what people write.
pub(crate) const INTENTS: Intents = Intents::GUILDS
    .union(Intents::GUILD_MESSAGES)
    .union(Intents::GUILD_MESSAGE_REACTIONS)
    .union(Intents::MESSAGE_CONTENT);

/// A server with one guild, channel and person.
pub(crate) struct Scene {
    pub(crate) discord: Discord,
    pub(crate) guild: Snowflake,
    pub(crate) channel: Snowflake,
    pub(crate) user: Snowflake,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(Discord::builder()).await
    }

    pub(crate) async fn with(builder: DiscordBuilder) -> Self {
        let discord = builder.start().await;
        let guild = discord.add_guild("guild");
        let channel = discord.add_channel(guild, "general");
        let user = discord.add_user("alice");
        Self {
            discord,
            guild,
            channel,
            user,
        }
    }

    pub(crate) fn http(&self) -> Client {
        self.http_as(self.discord.token())
    }

    pub(crate) fn http_as(&self, token: &str) -> Client {
        install_tls();
        let address = self.discord.origin().replace("http://", "");
        Client::builder()
            .token(token.to_owned())
            .proxy(address, true)
            .build()
    }

    /// A connection that has to identify.
    pub(crate) fn shard(&self) -> Shard {
        self.shard_with(self.discord.token(), INTENTS, None)
    }

    pub(crate) fn shard_with(
        &self,
        token: &str,
        intents: Intents,
        session: Option<Session>,
    ) -> Shard {
        install_tls();
        // Without a limit of its own, or a second session would begin 5 s after the first.
        let queue = InMemoryQueue::new(0, 1000, Duration::from_hours(24), 1000);
        let mut config = ConfigBuilder::new(token.to_owned(), intents)
            .proxy_url(self.discord.gateway_url())
            .queue(queue);
        if let Some(session) = session {
            config = config.session(session);
        }
        Shard::with_config(ShardId::ONE, config.build())
    }

    /// A connection that has identified and read its guild.
    pub(crate) async fn connected(&self) -> Shard {
        let mut shard = self.shard();
        next(&mut shard, event!(Event::GuildCreate(_) => ())).await;
        shard
    }
}

fn install_tls() {
    // Another test of this process may have been first.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Picks one sort of event: `event!(Event::Resumed => ())`.
macro_rules! event {
    ($wanted:pat $(if $guard:expr)? => $found:expr) => {
        |event| match event {
            $wanted $(if $guard)? => Some($found),
            _ => None,
        }
    };
}
pub(crate) use event;

/// The next event that is wanted; others are read over.
pub(crate) async fn next<R>(shard: &mut Shard, wanted: impl Fn(Event) -> Option<R>) -> R {
    loop {
        match shard.next_event(EventTypeFlags::all()).await {
            Some(Ok(event)) => {
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
            Some(Err(_)) => {}
            None => panic!("the gateway has closed for good"),
        }
    }
}

/// The next message's text.
pub(crate) async fn next_text(shard: &mut Shard) -> String {
    next(
        shard,
        event!(Event::MessageCreate(message) => message.content.clone()),
    )
    .await
}

pub(crate) fn id<T>(id: Snowflake) -> Id<T> {
    Id::new(id.get())
}

/// Posts with a nonce that is enforced, and tells the message's id.
pub(crate) async fn post(
    http: &Client,
    channel: Snowflake,
    text: &str,
    nonce: &str,
) -> Result<Snowflake, Error> {
    let body = json!({
        "content": text,
        "nonce": nonce,
        "enforce_nonce": true,
        "allowed_mentions": {"parse": []},
    });
    let body = serde_json::to_vec(&body).expect("JSON is serialisable");
    let mut request = http
        .create_message(id(channel))
        .payload_json(&body)
        .into_future();
    // Where a 429 teaches the client nothing it would repeat at once and for ever.
    let attempts = AtomicU32::new(0);
    request.set_pre_flight(move || attempts.fetch_add(1, Ordering::SeqCst) < 3);
    let message = request.await?.model().await.expect("a whole message");
    Ok(Snowflake(message.id.get()))
}

/// The status and Discord's code of a refusal.
pub(crate) fn refusal(error: &Error) -> (u16, u64) {
    let ErrorType::Response { body, status, .. } = error.kind() else {
        panic!("no refusal: {error:?}");
    };
    let body: Value = serde_json::from_slice(body).expect("an error object");
    (status.get(), body["code"].as_u64().expect("a code"))
}
