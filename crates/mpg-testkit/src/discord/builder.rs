//! How a loopback Discord is set up.

use std::time::Duration;

use super::Discord;
use super::gateway::intent;
use super::limit::RateLimits;
use super::permission::Permission;
use super::world::NONCE_WINDOW;

/// Sets up a [`Discord`].
#[derive(Clone, Debug)]
#[must_use]
pub struct DiscordBuilder {
    settings: Settings,
}

/// What a server runs with.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) token: String,
    pub(super) intents_off: u64,
    pub(super) threads_forbidden: bool,
    pub(super) permissions: Vec<Permission>,
    pub(super) rate_limits: RateLimits,
    pub(super) nonce_window: Duration,
    pub(super) interaction_deadline: Duration,
    pub(super) heartbeat_interval: Duration,
    pub(super) max_concurrency: u16,
}

impl Settings {
    /// Whether the application may read what people write.
    pub(super) fn content_allowed(&self) -> bool {
        self.intents_off & intent::MESSAGE_CONTENT == 0
    }

    /// The application's flags: the limited forms of the privileged intents, as an unverified bot
    /// has them.
    pub(super) fn application_flags(&self) -> u64 {
        [
            (intent::GUILD_PRESENCES, 1 << 13),
            (intent::GUILD_MEMBERS, 1 << 15),
            (intent::MESSAGE_CONTENT, 1 << 19),
        ]
        .iter()
        .filter(|(intent, _)| self.intents_off & intent == 0)
        .fold(0, |flags, (_, flag)| flags | flag)
    }
}

impl Default for DiscordBuilder {
    fn default() -> Self {
        Self {
            settings: Settings {
                token: "loopback-token".to_owned(),
                intents_off: 0,
                threads_forbidden: false,
                permissions: Permission::BOT.to_vec(),
                rate_limits: RateLimits::generous(),
                nonce_window: NONCE_WINDOW,
                interaction_deadline: Duration::from_secs(3),
                heartbeat_interval: Duration::from_millis(41_250),
                max_concurrency: 1,
            },
        }
    }
}

impl DiscordBuilder {
    /// The token that the bot has to show.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.settings.token = token.into();
        self
    }

    /// Turns privileged intents off for the application, by their bits: identifying with one of
    /// them is refused with 4014, and without message content REST shows no texts either.
    pub fn intents_off(mut self, bits: u64) -> Self {
        self.settings.intents_off |= bits;
        self
    }

    /// Turns the message content intent off for the application.
    pub fn message_content_off(self) -> Self {
        self.intents_off(intent::MESSAGE_CONTENT)
    }

    /// Forbids the bot to open threads.
    pub fn threads_forbidden(mut self) -> Self {
        self.settings.threads_forbidden = true;
        self
    }

    /// What the bot may do, [`Permission::BOT`] by default.
    pub fn permissions(mut self, permissions: &[Permission]) -> Self {
        self.settings.permissions = permissions.to_vec();
        self
    }

    /// The rate limits, [`RateLimits::generous`] by default.
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.settings.rate_limits = limits;
        self
    }

    /// How long a nonce is remembered, five minutes by default.
    pub fn nonce_window(mut self, window: Duration) -> Self {
        self.settings.nonce_window = window;
        self
    }

    /// How long an interaction takes its first answer, three seconds by default.
    pub fn interaction_deadline(mut self, deadline: Duration) -> Self {
        self.settings.interaction_deadline = deadline;
        self
    }

    /// The interval that HELLO asks for, 41.25 s by default.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.settings.heartbeat_interval = interval;
        self
    }

    /// The `max_concurrency` that `GET /gateway/bot` tells, 1 by default.
    pub fn max_concurrency(mut self, sessions: u16) -> Self {
        self.settings.max_concurrency = sessions;
        self
    }

    /// Starts the server.
    ///
    /// # Panics
    ///
    /// When no port or thread is to be had.
    pub async fn start(self) -> Discord {
        Discord::launch(self.settings).await
    }
}
