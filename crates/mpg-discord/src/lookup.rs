//! Looking up what events do not bring.

mod patience;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use twilight_http::routing::Route;

use self::patience::Patience;
use crate::backoff::Backoff;
use crate::event::{Channel, Event, Role};
use crate::rest::{Failure, Rest};
use crate::shared::Shared;
use crate::translate::{Missing, missing};

/// The shortest time between two attempts.
const SHORTEST_WAIT: Duration = Duration::from_millis(500);

/// The longest time between two attempts, unless Discord asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The code of a channel that is not there.
///
/// Source: the page on opcodes and status codes of Discord's documentation.
const UNKNOWN_CHANNEL: u64 = 10003;

/// The code of a channel that the bot may not see; from the same page.
const MISSING_ACCESS: u64 = 50001;

/// Looks up what events do not bring, and remembers what could not be had.
pub(crate) struct LookUps {
    rest: Arc<Rest>,
    directory: Shared,
    patience: Patience,
}

impl LookUps {
    /// Prepares look-ups of which each takes at most `limit`.
    pub(crate) fn new(rest: Arc<Rest>, directory: Shared, limit: Duration) -> Self {
        Self {
            rest,
            directory,
            patience: Patience::new(limit),
        }
    }

    /// Looks up what an event needs. Events stay in order: those behind it wait as long as the
    /// patience lasts. Then the event goes on with what is known.
    pub(crate) async fn complete(&mut self, event: &Event) {
        let mut tried = Vec::new();
        while let Some(missing) = self.directory.read(|directory| missing(event, directory)) {
            if tried.contains(&missing) {
                return;
            }
            tried.push(missing);
            self.look_up(missing).await;
        }
    }

    async fn look_up(&mut self, missing: Missing) {
        let started = Instant::now();
        let Some(allowance) = self.patience.allowance(missing, started) else {
            return;
        };
        let deadline = started + allowance.time;
        let mut backoff = Backoff::default();
        for attempt in 1..=allowance.attempts {
            let answer = timeout_at(deadline, self.ask(missing)).await;
            let failure = match answer {
                Ok(Ok(())) => return self.patience.found(missing),
                Ok(Err(failure)) => failure,
                Err(_elapsed) => Failure::Unknown("no answer in time".to_owned()),
            };
            let asked = failure.retry_after().unwrap_or_default();
            let wait = backoff
                .failed()
                .clamp(SHORTEST_WAIT, LONGEST_WAIT)
                .max(asked);
            let now = Instant::now();
            let is_last = attempt == allowance.attempts || now + wait > deadline;
            if !failure.is_passing() || is_last {
                return self.give_up(missing, &failure, started);
            }
            tracing::warn!(?missing, ?failure, "a look-up failed and is repeated");
            sleep(wait).await;
        }
    }

    async fn ask(&self, missing: Missing) -> Result<(), Failure> {
        match missing {
            Missing::Channel(id) => {
                let route = Route::GetChannel {
                    channel_id: id.get(),
                };
                let channel = self.rest.get::<Channel>(&route).await?;
                self.directory
                    .change(|directory| directory.add_channel(&channel, None));
            }
            Missing::Roles(guild) => {
                let route = Route::GetGuildRoles {
                    guild_id: guild.get(),
                };
                let roles = self.rest.get::<Vec<Role>>(&route).await?;
                self.directory
                    .change(|directory| directory.add_roles(guild, &roles));
            }
        }
        Ok(())
    }

    fn give_up(&mut self, missing: Missing, failure: &Failure, started: Instant) {
        if let (Missing::Channel(id), Some(UNKNOWN_CHANNEL | MISSING_ACCESS)) =
            (missing, failure.code())
        {
            tracing::info!(?id, ?failure, "Discord does not tell where a channel is");
            self.patience.found(missing);
            return self.directory.change(|directory| directory.give_up(id));
        }
        if !self.patience.failed(missing, failure, started) {
            tracing::debug!(?missing, ?failure, "a look-up failed once more");
            return;
        }
        match missing {
            Missing::Channel(id) => tracing::warn!(
                ?id,
                ?failure,
                "where a channel is could not be found out; what is said there now counts as said \
                 outside of every thread, and later messages ask again"
            ),
            Missing::Roles(guild) => tracing::warn!(
                ?guild,
                ?failure,
                "the names of a guild's roles could not be found out; roles are known by their ids \
                 alone, and later messages ask again"
            ),
        }
    }
}
