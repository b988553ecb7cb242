//! JSON whose values know where they stand.
//!
//! `serde_json` reads it; that its raw values borrow from the text gives their places.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::{Problem, Problems};
use crate::span::At;
use crate::suggestion::quoted;

/// How deep values may be nested: deeper than any file that means something, and far from where the
/// stack ends.
const DEPTH: usize = 16;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node<'t> {
    pub(crate) value: Json<'t>,
    pub(crate) span: Range<usize>,
}

/// A value. Numbers are kept as they are written.
#[derive(Clone, Debug)]
pub(crate) enum Json<'t> {
    Null,
    Bool(bool),
    Number(&'t str),
    Text(String),
    List(Vec<Node<'t>>),
    Object(Vec<(At<String>, Node<'t>)>),
}

impl Node<'_> {
    /// What sort of value it is, to go on with "not …".
    pub(crate) fn sort(&self) -> &'static str {
        match &self.value {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::Text(_) => "a string",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }
}

/// Parses the text. Where it is no JSON, says so and gives nothing back. Of a key that is there
/// twice the last one counts, which is said.
pub(crate) fn parse<'t>(text: &'t str, problems: &mut Problems) -> Option<Node<'t>> {
    match serde_json::from_str::<&'t RawValue>(text) {
        Ok(raw) => Reader { text }.node(raw, 0, problems),
        Err(error) => {
            let at = offset(text, error.line(), error.column());
            let said = error.to_string();
            let what = said.split(" at line ").next().unwrap_or_default();
            problems.error(Problem::new(at..at, format!("this is not JSON: {what}")));
            None
        }
    }
}

struct Reader<'t> {
    text: &'t str,
}

impl<'t> Reader<'t> {
    fn node(&self, raw: &'t RawValue, depth: usize, problems: &mut Problems) -> Option<Node<'t>> {
        let span = self.span(raw);
        if depth > DEPTH {
            let message = format!("values are nested more than {DEPTH} deep");
            problems.error(Problem::new(span, message));
            return None;
        }
        let written = raw.get();
        let value = match written.as_bytes().first() {
            Some(b'{') => self.object(written, depth, problems)?,
            Some(b'[') => {
                let items: Vec<&'t RawValue> = self.read(written, problems)?;
                let mut nodes = Vec::with_capacity(items.len());
                for item in items {
                    nodes.push(self.node(item, depth + 1, problems)?);
                }
                Json::List(nodes)
            }
            Some(b'"') => Json::Text(self.read(written, problems)?),
            Some(b't') => Json::Bool(true),
            Some(b'f') => Json::Bool(false),
            Some(b'n') => Json::Null,
            Some(_) | None => Json::Number(written),
        };
        Some(Node { value, span })
    }

    fn object(&self, written: &'t str, depth: usize, problems: &mut Problems) -> Option<Json<'t>> {
        let Entries(entries) = self.read(written, problems)?;
        let mut object: Vec<(At<String>, Node<'t>)> = Vec::with_capacity(entries.len());
        let mut places = BTreeMap::new();
        for (key, value) in entries {
            let name: String = self.read(key.get(), problems)?;
            let node = self.node(value, depth + 1, problems)?;
            let key = At::new(name, self.span(key));
            if let Some(place) = places.get(&key.value) {
                let message = format!("{} is there twice", quoted(&key.value));
                problems.warning(
                    Problem::new(key.span.clone(), message).with_help("the last one counts"),
                );
                let place: usize = *place;
                if let Some(entry) = object.get_mut(place) {
                    *entry = (key, node);
                }
                continue;
            }
            places.insert(key.value.clone(), object.len());
            object.push((key, node));
        }
        Some(Json::Object(object))
    }

    /// Reads what was found to be JSON before; what is refused even so (half a surrogate pair) is
    /// said.
    fn read<T: Deserialize<'t>>(&self, written: &'t str, problems: &mut Problems) -> Option<T> {
        match serde_json::from_str(written) {
            Ok(value) => Some(value),
            Err(error) => {
                let said = error.to_string();
                let what = said.split(" at line ").next().unwrap_or_default();
                let message = format!("this is not JSON: {what}");
                problems.error(Problem::new(self.place(written), message));
                None
            }
        }
    }

    fn span(&self, raw: &'t RawValue) -> Range<usize> {
        self.place(raw.get())
    }

    /// Where a part of the text stands in it.
    fn place(&self, part: &'t str) -> Range<usize> {
        let start = part
            .as_ptr()
            .addr()
            .saturating_sub(self.text.as_ptr().addr());
        start..start + part.len()
    }
}

/// An object's entries, in their order, whatever their keys.
struct Entries<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Gather;

        impl<'de> Visitor<'de> for Gather {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Gather)
    }
}

/// The byte at a line and column as `serde_json` counts them: from 1, the column in bytes.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let lines = text.split_inclusive('\n').take(line.saturating_sub(1));
    let before: usize = lines.map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(Range<usize>, String)> {
        let mut problems = Problems::default();
        drop(parse(text, &mut problems));
        let Problems { errors, warnings } = problems;
        let all = errors.kept.into_iter().chain(warnings.kept);
        all.map(|problem| (problem.labels[0].span.clone(), problem.message))
            .collect()
    }

    #[test]
    fn values_know_where_they_stand() {
        let text = r#" {"a\u0062": [1, "zwei", {"c" : null}], "d": true}"#;
        let mut problems = Problems::default();
        let node = parse(text, &mut problems).unwrap();
        let Json::Object(entries) = &node.value else {
            panic!("{node:?}");
        };
        let (key, list) = &entries[0];
        assert_eq!(
            (key.value.as_str(), &text[key.span.clone()]),
            ("ab", r#""a\u0062""#)
        );
        let Json::List(items) = &list.value else {
            panic!("{list:?}");
        };
        let parts: Vec<&str> = items.iter().map(|item| &text[item.span.clone()]).collect();
        assert_eq!(parts, ["1", "\"zwei\"", "{\"c\" : null}"]);
        let sorts: Vec<&str> = items.iter().map(Node::sort).collect();
        assert_eq!(sorts, ["a number", "a string", "an object"]);
        assert!(problems.errors.kept.is_empty());
    }

    #[test]
    fn what_is_no_json_is_said_in_its_place() {
        assert_eq!(told("{\"a\": 1,}")[0].0.start, 8);
        assert_eq!(told("{\n  \"a\" 1\n}")[0].0.start, 8);
        assert_eq!(told("").len(), 1);
        assert_eq!(told("{} x").len(), 1);
        assert_eq!(told(r#"{"a": "\ud800"}"#).len(), 1);
        let twice = told(r#"{"a": 1, "b": 2, "a": 3}"#);
        assert_eq!(twice, [(17..20, "`a` is there twice".to_owned())]);
    }

    #[test]
    fn no_nesting_is_too_deep_for_the_stack() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let text = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            assert_eq!(told(&text).len(), 1);
        }
    }
}
