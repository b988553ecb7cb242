//! What sorts of value there are, and how each is read.

use std::net::SocketAddr;

use toml::Spanned;
use toml::de::DeValue;

use super::shape::Shape;
use crate::problem::{Problem, Problems};
use crate::span::At;
use crate::suggestion::{closest, listed, quoted};

/// The longest list of strings; longer ones are refused.
const LIST_LIMIT: usize = 1000;

/// A sort of value.
pub(crate) trait Kind {
    /// What is read.
    type Value;

    /// Reads a value of the key `name`, or reports why it is none.
    fn read(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<Self::Value>;

    /// Names the sort of value, to go on with "takes …".
    fn takes(&self) -> String;

    /// Says what its values look like.
    fn shape(&self) -> Shape;
}

/// A string with something in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text;

/// A list of strings, each with something in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts;

/// A whole number from the first to the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count(pub(crate) u32, pub(crate) u32);

/// One of a few words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice<T: 'static>(pub(crate) &'static [(&'static str, T)]);

/// Agents: presets by name, or a table of tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agents;

/// An address and port to listen on, or `false` for none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listen;

impl Kind for Text {
    type Value = At<String>;

    fn read(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<At<String>> {
        let text = string(name, &self.takes(), value, problems)?;
        if text.trim().is_empty() {
            problems.error(Problem::new(value.span(), format!("`{name}` is empty")));
            return None;
        }
        Some(At::new(text.to_owned(), value.span()))
    }

    fn takes(&self) -> String {
        "a string".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Text
    }
}

impl Kind for Texts {
    type Value = At<Vec<At<String>>>;

    fn read(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<Self::Value> {
        let Some(items) = value.get_ref().as_array() else {
            let problem = wrong_type(name, &self.takes(), value);
            problems.error(match value.get_ref().as_str() {
                Some(text) => problem.with_help(format!(
                    "put it in brackets: [\"{}\"]",
                    quoted(text).trim_matches('`')
                )),
                None => problem,
            });
            return None;
        };
        if items.len() > LIST_LIMIT {
            problems.error(Problem::new(
                value.span(),
                format!("`{name}` has more than {LIST_LIMIT} entries"),
            ));
            return None;
        }
        let mut texts = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            texts.extend(Text.read(&format!("{name}[{at}]"), item, problems));
        }
        Some(At::new(texts, value.span()))
    }

    fn takes(&self) -> String {
        "a list of strings".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Texts
    }
}

impl Kind for Count {
    type Value = u32;

    fn read(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<u32> {
        let Some(integer) = value.get_ref().as_integer() else {
            problems.error(wrong_type(name, &self.takes(), value));
            return None;
        };
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| (self.0..=self.1).contains(number));
        if number.is_none() {
            problems.error(out_of_range(name, &self.takes(), value));
        }
        number
    }

    fn takes(&self) -> String {
        format!("a whole number from {} to {}", self.0, self.1)
    }

    fn shape(&self) -> Shape {
        Shape::Count(self.0, self.1)
    }
}

impl<T: Copy> Kind for Choice<T> {
    type Value = At<T>;

    fn read(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<At<T>> {
        let text = string(name, &self.takes(), value, problems)?;
        if let Some((_, choice)) = self.0.iter().find(|(word, _)| *word == text) {
            return Some(At::new(*choice, value.span()));
        }
        let words = self.0.iter().map(|(word, _)| *word);
        let help = match closest(text, words.clone()) {
            Some(word) => format!("did you mean `{word}`? It takes {}", listed(words)),
            None => format!("it takes {}", listed(words)),
        };
        problems.error(
            Problem::new(
                value.span(),
                format!("{} is no value of `{name}`", quoted(text)),
            )
            .with_help(help),
        );
        None
    }

    fn takes(&self) -> String {
        let words = self.0.iter();
        let words: Vec<String> = words.map(|(word, _)| format!("\"{word}\"")).collect();
        format!("one of {}", words.join(", "))
    }

    fn shape(&self) -> Shape {
        Shape::Words(self.0.iter().map(|(word, _)| *word).collect())
    }
}

impl Kind for Agents {
    /// Nothing: what is in it is read table by table.
    type Value = ();

    fn read(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<()> {
        if value.get_ref().is_array() || value.get_ref().is_table() {
            return Some(());
        }
        problems.error(
            wrong_type(name, &self.takes(), value)
                .with_help("write agents = [\"pm\", \"engineer\"], or a table for each agent"),
        );
        None
    }

    fn takes(&self) -> String {
        "a list of presets, or a table for each agent".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Agents
    }
}

impl Kind for Listen {
    type Value = Option<SocketAddr>;

    fn read(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems,
    ) -> Option<Option<SocketAddr>> {
        if value.get_ref().as_bool() == Some(false) {
            return Some(None);
        }
        let address = string(name, &self.takes(), value, problems)?;
        let parsed = address.parse().ok();
        if parsed.is_none() {
            problems.error(
                Problem::new(
                    value.span(),
                    format!("{} is no address with a port", quoted(address)),
                )
                .with_help("write it as \"127.0.0.1:3100\" or \"[::1]:3100\", or `false` for none"),
            );
        }
        parsed.map(Some)
    }

    fn takes(&self) -> String {
        "an address with a port, or `false`".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::TextOrOff
    }
}

/// What a value looks like when it is of the wrong type.
pub(crate) fn wrong_type(name: &str, takes: &str, value: &Spanned<DeValue<'_>>) -> Problem {
    let value_type = value.get_ref().type_str();
    let article = if value_type.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    Problem::new(
        value.span(),
        format!("`{name}` takes {takes}, not {article} {value_type}"),
    )
}

pub(super) fn out_of_range(name: &str, takes: &str, value: &Spanned<DeValue<'_>>) -> Problem {
    let shown = match value.get_ref() {
        DeValue::String(text) => quoted(text),
        DeValue::Integer(integer) => quoted(&integer.to_string()),
        DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => "this".to_owned(),
    };
    Problem::new(value.span(), format!("{shown} is out of range"))
        .with_help(format!("`{name}` takes {takes}"))
}

fn string<'v>(
    name: &str,
    takes: &str,
    value: &'v Spanned<DeValue<'_>>,
    problems: &mut Problems,
) -> Option<&'v str> {
    let text = value.get_ref().as_str();
    if text.is_none() {
        let problem = wrong_type(name, takes, value);
        problems.error(match value.get_ref() {
            DeValue::Integer(integer) if integer.radix() == 10 => problem.with_help(format!(
                "write it in quotes: \"{}\"",
                quoted(integer.as_str()).trim_matches('`')
            )),
            DeValue::Integer(_)
            | DeValue::String(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => problem,
        });
    }
    text
}
