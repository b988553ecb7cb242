//! What a value looks like, for editors: less than what is checked when a file is read.

use serde_json::{Value, json};

/// The durations that there are.
pub(super) const DURATION: &str = "^[0-9]+(ms|s|m|h|d)$";

/// The sizes that there are.
pub(super) const SIZE: &str = "^[0-9]+[KkMmGg][Bb]$";

/// The amounts of a day that there are.
const PER_DAY: &str = r"^[0-9]+(\.[0-9]{1,6})? USD/day$";

/// What a value looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A string with something in it.
    Text,
    /// A list of those.
    Texts,
    /// One of those, or a list of them.
    TextOrTexts,
    /// A whole number from the first to the second.
    Count(u32, u32),
    /// Any number that is not negative.
    Amount,
    /// An amount of money for a day.
    PerDay,
    /// `true` or `false`.
    Switch,
    /// One of a few words.
    Words(Vec<&'static str>),
    /// A duration.
    Duration,
    /// A size.
    Size,
    /// A string, or `false`.
    TextOrOff,
    /// Tables or names of agents, which are described on their own.
    Agents,
}

impl Shape {
    /// The shape as a JSON Schema.
    pub(crate) fn schema(&self) -> Value {
        let text = json!({"type": "string", "minLength": 1});
        match self {
            Self::Text => text,
            Self::Texts => json!({"type": "array", "items": text}),
            Self::TextOrTexts => json!({"oneOf": [text, {"type": "array", "items": text}]}),
            Self::Count(least, most) => {
                json!({"type": "integer", "minimum": least, "maximum": most})
            }
            Self::Amount => json!({"type": "number", "minimum": 0}),
            Self::PerDay => json!({"type": "string", "pattern": PER_DAY}),
            Self::Switch => json!({"type": "boolean"}),
            Self::Words(words) => json!({"enum": words}),
            Self::Duration => json!({"type": "string", "pattern": DURATION}),
            Self::Size => json!({"type": "string", "pattern": SIZE}),
            Self::TextOrOff => json!({"oneOf": [text, {"const": false}]}),
            Self::Agents => json!({"type": ["array", "object"]}),
        }
    }
}
