//! What people did with buttons and commands, and what they saw of the answers.

use std::time::Instant;

use serde_json::Value;

use crate::discord::snowflake::Snowflake;

/// An interaction that was sent to the bot.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    /// Discord's number for its type: 2 a command, 3 a component, 4 a command that is being typed,
    /// 5 a form.
    pub kind: u8,
    /// Where it happened.
    pub channel: Snowflake,
    /// Who did it.
    pub user: Snowflake,
    /// The message with the component that was used.
    pub message: Option<Snowflake>,
    /// The token that answers carry.
    pub token: String,
    /// The callback that answered it; `None` until then.
    pub answer: Option<Value>,
    /// The message that the callback or a later edit posted, for everybody.
    pub reply: Option<Snowflake>,
    /// What its user alone sees, oldest first. The first one is empty while it is waited for.
    pub private: Vec<PrivateMessage>,
    pub(in crate::discord) deferral: Option<Deferral>,
    pub(in crate::discord) sent: Instant,
    pub(in crate::discord) expired: bool,
}

/// A message that one person sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateMessage {
    /// The message.
    pub id: Snowflake,
    /// Its text.
    pub content: String,
}

/// A reply that was announced and has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::discord) enum Deferral {
    /// Everybody sees that it is waited for.
    Public,
    /// Its user alone does.
    Private,
}

impl Interaction {
    /// What its user alone sees of the answer.
    pub fn private_texts(&self) -> Vec<&str> {
        let texts = self.private.iter().map(|message| message.content.as_str());
        texts.filter(|text| !text.is_empty()).collect()
    }

    /// The suggestions that answered what was being typed.
    pub fn choices(&self) -> Option<Vec<&str>> {
        let choices = self.answer.as_ref()?["data"]["choices"].as_array()?;
        choices
            .iter()
            .map(|choice| choice["value"].as_str())
            .collect()
    }
}
