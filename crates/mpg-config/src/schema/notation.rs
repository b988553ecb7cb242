//! Values that are written as texts in a form of their own, such as durations and sizes.

use toml::Spanned;
use toml::de::DeValue;

use super::kind::wrong_type;
use crate::problem::{Problem, Problems};
use crate::suggestion::quoted;

/// How the values of a sort are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notation<T> {
    /// What a text in this form is.
    pub(super) what: &'static str,
    /// What the form is.
    pub(super) help: &'static str,
    /// Reads a text in this form.
    pub(super) parse: fn(&str) -> Option<T>,
}

impl<T> Notation<T> {
    /// Reads a value of the key `name`, which `takes` something, or reports why it is none.
    pub(super) fn read(
        &self,
        name: &str,
        takes: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<T> {
        let Some(text) = value.get_ref().as_str() else {
            problems.error(wrong_type(name, takes, value).with_help(self.help));
            return None;
        };
        let parsed = (self.parse)(text);
        if parsed.is_none() {
            let message = format!("{} is no {}", quoted(text), self.what);
            problems.error(Problem::new(value.span(), message).with_help(self.help));
        }
        parsed
    }
}
