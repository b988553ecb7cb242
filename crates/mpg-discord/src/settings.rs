//! What the adapter is connected with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mpg_core::native::NativeCommands;

use crate::mapped::MappedChannels;

/// A bot token. It never shows itself: not in logs, errors or debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Wraps a token as the Developer Portal shows it; surrounding white space is dropped.
    pub fn new(secret: &str) -> Self {
        Self(secret.trim().to_owned())
    }

    /// The token itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What the adapter is connected with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bot's token.
    pub token: Token,
    /// The origin of the REST API, without a path; `/api/v10` is added. Unset: Discord's own.
    pub api_url: Option<String>,
    /// The gateway, as `ws://…` or `wss://…`. Unset: what the REST API names.
    pub gateway_url: Option<String>,
    /// The channels that are mapped to projects, with when their threads archive themselves. Their
    /// changes are reported, and a message in one of them is never held up by a look-up of where it
    /// stands.
    pub channels: MappedChannels,
    /// The hosts that files of messages are fetched from, over HTTPS, besides Discord's own and the
    /// REST API's: each a name, or a name and a port.
    pub attachment_hosts: Vec<String>,
    /// How many REST requests are sent in one second, over all routes.
    pub requests_per_second: u16,
    /// How long after one reaction in a channel the next one follows. Discord says what it allows only
    /// in its answers, one of which is a refusal then.
    pub reactions_apart: Duration,
    /// How long one look-up of what an event does not bring may hold up the events behind it: where
    /// an unknown thread is, and what the roles of a guild are called. Then they go on without it.
    pub look_up_limit: Duration,
    /// The commands that are offered natively. Unset, Discord's list of them is not looked at.
    pub native: Option<Arc<NativeCommands>>,
    /// Whether the commands are declared to Discord. If not, those that were are taken back.
    pub declare_commands: bool,
}

impl Settings {
    /// The requests a second that Discord allows every bot.
    ///
    /// Source: the page on rate limits of Discord's documentation.
    pub const REQUESTS_PER_SECOND: u16 = 50;

    /// How far apart the reactions of one channel are that Discord does not refuse: it was seen to
    /// allow one in a quarter of a second.
    pub const REACTIONS_APART: Duration = Duration::from_millis(260);

    /// How long one look-up may take: long enough for a short outage of Discord's.
    pub const LOOK_UP_LIMIT: Duration = Duration::from_mins(1);

    /// Settings for Discord's own servers, with defaults and no mapped channels.
    pub fn new(token: Token) -> Self {
        Self {
            token,
            api_url: None,
            gateway_url: None,
            channels: MappedChannels::default(),
            attachment_hosts: Vec::new(),
            requests_per_second: Self::REQUESTS_PER_SECOND,
            reactions_apart: Self::REACTIONS_APART,
            look_up_limit: Self::LOOK_UP_LIMIT,
            native: None,
            declare_commands: true,
        }
    }
}

/// When a thread without messages archives itself: the four values that Discord takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThreadArchive {
    /// After an hour.
    #[default]
    Hour,
    /// After a day.
    Day,
    /// After three days.
    ThreeDays,
    /// After a week.
    Week,
}

impl ThreadArchive {
    /// The value of that many minutes; `None` if Discord does not take it.
    pub fn from_minutes(minutes: u64) -> Option<Self> {
        match minutes {
            60 => Some(Self::Hour),
            1440 => Some(Self::Day),
            4320 => Some(Self::ThreeDays),
            10080 => Some(Self::Week),
            _ => None,
        }
    }

    /// The value in minutes.
    pub fn minutes(self) -> u16 {
        match self {
            Self::Hour => 60,
            Self::Day => 1440,
            Self::ThreeDays => 4320,
            Self::Week => 10080,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_shows() {
        let settings = Settings::new(Token::new(" hunter2\n"));
        assert_eq!(settings.token.expose(), "hunter2");
        let shown = format!("{settings:?}");
        assert!(shown.contains("[redacted]"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn archive_minutes_read_back() {
        for value in [
            ThreadArchive::Hour,
            ThreadArchive::Day,
            ThreadArchive::ThreeDays,
            ThreadArchive::Week,
        ] {
            let minutes = u64::from(value.minutes());
            assert_eq!(ThreadArchive::from_minutes(minutes), Some(value));
        }
        assert_eq!(ThreadArchive::from_minutes(61), None);
    }
}
