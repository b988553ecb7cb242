//! What the adapter is set up with.

use std::time::Duration;

use thiserror::Error;

/// The longest name of a bot, in bytes.
const LONGEST_NAME: usize = 32;

/// What the adapter is set up with, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub(crate) name: String,
    pub(crate) answer_limit: Duration,
}

/// Why a configuration is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The bot cannot be called that.
    #[error("the bot cannot be called {0:?}; use 1 to 32 bytes without spaces")]
    Name(String),
    /// No answer is ever that fast.
    #[error("the server needs some time to answer; leave `answer-limit` away for 10 seconds")]
    AnswerLimit,
}

impl Config {
    /// Checks the bot's name. The server has 10 seconds for each answer.
    pub fn new(name: &str) -> Result<Self, ConfigError> {
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_whitespace) {
            return Err(ConfigError::Name(name.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            answer_limit: Duration::from_secs(10),
        })
    }

    /// How long the server may take to answer.
    pub fn answer_limit(mut self, limit: Duration) -> Result<Self, ConfigError> {
        if limit.is_zero() {
            return Err(ConfigError::AnswerLimit);
        }
        self.answer_limit = limit;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let long = "x".repeat(LONGEST_NAME + 1);
        for name in ["", "two words", "a\tb", &long] {
            assert_eq!(Config::new(name), Err(ConfigError::Name(name.to_owned())));
        }
        let config = Config::new(&long[1..]).unwrap();
        assert_eq!(config.answer_limit, Duration::from_secs(10));
        assert_eq!(
            config.answer_limit(Duration::ZERO),
            Err(ConfigError::AnswerLimit)
        );
    }
}
