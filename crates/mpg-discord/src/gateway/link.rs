//! What is told of the connection, and where it leads.

use std::error::Error as _;
use std::time::Duration;

use mpg_core::message::Link;
use serde::Deserialize;
use twilight_http::routing::Route;

use crate::rest::{Failure, Rest};

/// The longest wait for new sessions before it is asked again.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// How many undecodable events are logged each; of the later ones, every hundredth is.
const LOGGED: u64 = 10;

/// What *get gateway bot* answers.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    url: String,
    session_start_limit: Option<SessionStartLimit>,
}

#[derive(Debug, Deserialize)]
struct SessionStartLimit {
    remaining: u64,
    /// Milliseconds.
    reset_after: u64,
}

impl Found {
    pub(super) fn url(self) -> String {
        self.url
    }

    /// How long to wait until a session may be started; a session that is resumed is not started.
    pub(super) fn wait(&self, resuming: bool) -> Option<Duration> {
        let limit = self.session_start_limit.as_ref()?;
        (limit.remaining == 0 && !resuming)
            .then(|| Duration::from_millis(limit.reset_after).min(LONGEST_WAIT))
    }
}

/// Why the gateway's address is not known.
#[derive(Debug)]
pub(super) enum NotFound {
    TokenRefused,
    Failed(String),
}

/// Asks where the gateway is.
pub(super) async fn find(rest: &Rest) -> Result<Found, NotFound> {
    rest.get(&Route::GetGatewayBot)
        .await
        .map_err(|failure| match failure {
            Failure::Refused { status: 401, .. } => NotFound::TokenRefused,
            Failure::Refused {
                status, message, ..
            } => NotFound::Failed(format!(
                "asked where the gateway is, Discord answered {status}: {message}"
            )),
            Failure::Limited { message, .. }
            | Failure::NotSent(message)
            | Failure::Unknown(message) => {
                NotFound::Failed(format!("Discord cannot be reached: {message}"))
            }
        })
}

/// Says each outage once, and undecodable events not too often.
#[derive(Debug, Default)]
pub(super) struct Log {
    degraded: bool,
    undecodable: u64,
}

impl Log {
    /// What to tell of an outage; `None` if it was told already.
    pub(super) fn degraded(&mut self, reason: String) -> Option<Link> {
        (!std::mem::replace(&mut self.degraded, true)).then_some(Link::Degraded { reason })
    }

    /// Ends the outage.
    pub(super) fn recovered(&mut self) {
        self.degraded = false;
    }

    /// Counts an event that could not be read.
    pub(super) fn undecodable(&mut self, what: &str) {
        self.undecodable += 1;
        if self.undecodable <= LOGGED || self.undecodable.is_multiple_of(100) {
            let count = self.undecodable;
            tracing::warn!(
                count,
                what,
                "an event could not be read and was passed over"
            );
        }
    }
}

/// What happened, when a connection was closed.
pub(super) fn closed(code: Option<u16>) -> String {
    match code {
        Some(code) => format!("the connection was closed with code {code}"),
        None => "the connection was lost".to_owned(),
    }
}

/// What happened and what to do, when Discord does not want the bot to connect again.
///
/// Source: the close codes on the page on opcodes and status codes of Discord's documentation.
pub(super) fn fatal(code: Option<u16>) -> String {
    match code {
        Some(4004) => "the token is wrong: Discord did not accept it; copy a new one from the \
                       Discord Developer Portal (your application, Bot, Reset Token) and restart"
            .to_owned(),
        Some(4014) => "the Message Content Intent is switched off: switch it on in the Discord \
                       Developer Portal (your application, Bot, Privileged Gateway Intents, \
                       Message Content Intent) and restart"
            .to_owned(),
        Some(4011) => "the bot is in so many servers that Discord wants it sharded, which this \
                       gateway does not do"
            .to_owned(),
        Some(code @ (4010 | 4012 | 4013)) => {
            format!(
                "Discord refused the connection with code {code}: this version is too old for it"
            )
        }
        Some(code) => format!("Discord closed the connection for good with code {code}"),
        None => "Discord closed the connection for good".to_owned(),
    }
}

/// An error with its causes, without the text of any event.
pub(super) fn describe(error: &twilight_gateway::error::ReceiveMessageError) -> String {
    use twilight_gateway::error::ReceiveMessageErrorType;

    let mut text = match error.kind() {
        ReceiveMessageErrorType::Compression => "the stream could not be decompressed".to_owned(),
        ReceiveMessageErrorType::Reconnect => "the gateway cannot be reached".to_owned(),
        // Its causes would repeat what people wrote.
        ReceiveMessageErrorType::Deserializing { .. } | _ => {
            return "a frame that is no event".to_owned();
        }
    };
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once() {
        let mut log = Log::default();
        assert!(log.degraded("first".to_owned()).is_some());
        assert!(log.degraded("second".to_owned()).is_none());
        log.recovered();
        assert!(log.degraded("third".to_owned()).is_some());
    }

    #[test]
    fn sessions_run_out() {
        let found = |remaining| Found {
            url: "wss://gateway.example".to_owned(),
            session_start_limit: Some(SessionStartLimit {
                remaining,
                reset_after: 5000,
            }),
        };
        assert_eq!(found(1).wait(false), None);
        assert_eq!(found(0).wait(false), Some(Duration::from_secs(5)));
        assert_eq!(found(0).wait(true), None);
    }

    #[test]
    fn fatal_codes_say_what_to_do() {
        let shown: Vec<String> = [
            None,
            Some(4004),
            Some(4011),
            Some(4013),
            Some(4014),
            Some(4099),
        ]
        .into_iter()
        .map(|code| format!("{code:?}: {}", fatal(code)))
        .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }
}
