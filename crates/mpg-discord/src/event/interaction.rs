//! What is sent when somebody uses a command, a component or a form.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use twilight_model::id::Id;
use twilight_model::id::marker::{
    ApplicationMarker, ChannelMarker, GuildMarker, InteractionMarker,
};

use super::{Channel, Member, User};
use crate::settings::Token;

/// The types of interactions.
///
/// Source: the page on receiving interactions of Discord's documentation.
pub(crate) const COMMAND: u8 = 2;
pub(crate) const COMPONENT: u8 = 3;
pub(crate) const COMPLETION: u8 = 4;
pub(crate) const FORM: u8 = 5;

/// Somebody used a command, a component or a form, or types a command.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Interaction {
    pub(crate) id: Id<InteractionMarker>,
    pub(crate) application_id: Id<ApplicationMarker>,
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    /// What answers are sent with, for a quarter of an hour.
    #[serde(deserialize_with = "token")]
    pub(crate) token: Token,
    pub(crate) channel_id: Option<Id<ChannelMarker>>,
    pub(crate) channel: Option<Channel>,
    pub(crate) guild_id: Option<Id<GuildMarker>>,
    /// Who it was, in a guild.
    pub(crate) member: Option<Member>,
    /// Who it was, elsewhere.
    pub(crate) user: Option<User>,
    /// The message with the component.
    pub(crate) message: Option<Value>,
    #[serde(default)]
    pub(crate) data: Data,
}

/// What was used, and how.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Data {
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) options: Vec<CommandOption>,
    pub(crate) custom_id: Option<String>,
    #[serde(default)]
    pub(crate) values: Vec<String>,
    #[serde(default)]
    pub(crate) components: Vec<Part>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CommandOption {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) value: Value,
    #[serde(default)]
    pub(crate) focused: bool,
}

/// A part of a form: a field, or what holds fields.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Part {
    pub(crate) custom_id: Option<String>,
    pub(crate) value: Option<String>,
    #[serde(default)]
    pub(crate) components: Vec<Self>,
    pub(crate) component: Option<Box<Self>>,
}

impl Interaction {
    /// Who it was.
    pub(crate) fn author(&self) -> Option<&User> {
        let member = self.member.as_ref().and_then(|member| member.user.as_ref());
        member.or(self.user.as_ref())
    }
}

impl CommandOption {
    /// The value as somebody would type it.
    pub(crate) fn text(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        }
    }
}

impl Part {
    /// The fields in this part, each by its name.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let own = self.custom_id.clone().zip(self.value.clone());
        let inner = self.components.iter().chain(self.component.as_deref());
        own.into_iter()
            .chain(inner.flat_map(Self::fields))
            .collect()
    }
}

fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Token, D::Error> {
    String::deserialize(deserializer).map(|token| Token::new(&token))
}
