//! `mpgd schema`: what a configuration file may say, for editors.

use std::process::ExitCode;

use mpg_config::{PlatformKey, Shape, json_schema};
use mpg_discord::config::{KEYS, Takes};
use serde_json::Value;

use crate::exit;

pub(crate) fn schema() -> ExitCode {
    exit::print(&exit::json(&whole()));
    ExitCode::SUCCESS
}

/// The schema with the tables of the platforms that this program connects.
fn whole() -> Value {
    let keys = KEYS.iter().map(|(name, takes)| PlatformKey {
        name,
        shape: match takes {
            Takes::Text => Shape::Text,
            Takes::Texts => Shape::Texts,
            Takes::TextOrTexts => Shape::TextOrTexts,
            Takes::Count(least, most) => Shape::Count((*least).into(), (*most).into()),
            Takes::Switch => Shape::Switch,
        },
    });
    json_schema(&[(mpg_discord::PLATFORM, keys.collect())])
}

#[cfg(test)]
mod tests {
    use mpg_config::{Section, keys};
    use serde_json::json;

    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/configuration.md");
    const EVERY_KEY: &str = include_str!("../../../crates/mpg-config/tests/every_key.toml");
    const EXAMPLES: [&str; 3] = [
        include_str!("../../../examples/minimal/mpg.toml"),
        include_str!("../../../examples/team/mpg.toml"),
        include_str!("../../../examples/two-projects/mpg.toml"),
    ];

    /// Where a value is not as a schema says, by the parts of JSON Schema that are written here.
    fn wrong(schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (word, rule) in schema.as_object().unwrap() {
            let holds = match word.as_str() {
                "$schema" | "title" | "description" | "default" => true,
                "type" => is_of(rule, value),
                "enum" => rule.as_array().unwrap().contains(value),
                "const" => rule == value,
                "minLength" => value
                    .as_str()
                    .is_none_or(|text| text.len() as u64 >= rule.as_u64().unwrap()),
                "minimum" => value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|n| n <= rule.as_f64().unwrap()),
                "pattern" => value.as_str().is_none_or(|text| is_amount(rule, text)),
                "oneOf" => {
                    let mut rules = rule.as_array().unwrap().iter();
                    let fits = rules
                        .by_ref()
                        .filter(|rule| wrong(rule, value, at).is_empty());
                    fits.count() == 1
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        found.extend(wrong(rule, item, &format!("{at}[{index}]")));
                    }
                    true
                }
                "properties" | "additionalProperties" => {
                    found.extend(wrong_inside(word, schema, value, at));
                    true
                }
                other => panic!("{other} is not understood"),
            };
            if !holds {
                found.push(format!("{at}: {word}"));
            }
        }
        found
    }

    fn wrong_inside(word: &str, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (key, value) in value.as_object().into_iter().flatten() {
            let at = format!("{at}.{key}");
            let known = schema["properties"].get(key);
            match (known, word == "properties") {
                (Some(rule), true) => found.extend(wrong(rule, value, &at)),
                (None, false) if schema[word] == false => found.push(at),
                (None, false) => found.extend(wrong(&schema[word], value, &at)),
                (Some(_), false) | (None, true) => {}
            }
        }
        found
    }

    fn is_of(kind: &Value, value: &Value) -> bool {
        match kind.as_str() {
            None => kind
                .as_array()
                .unwrap()
                .iter()
                .any(|kind| is_of(kind, value)),
            Some("string") => value.is_string(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            Some("integer") => value.is_i64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some(other) => panic!("{other} is not understood"),
        }
    }

    /// All patterns are digits and one of a few units; one of them may have a point among the digits.
    fn is_amount(pattern: &Value, text: &str) -> bool {
        let units: &[&str] = match pattern.as_str().unwrap() {
            r"^[0-9]+(\.[0-9]{1,6})? USD/day$" => {
                let number = text.strip_suffix(" USD/day");
                let (whole, part) =
                    number.map_or(("", ""), |n| n.split_once('.').unwrap_or((n, "0")));
                let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
                let is_short = (1..=6).contains(&part.len());
                return !whole.is_empty() && digits(whole) && digits(part) && is_short;
            }
            "^[0-9]+(ms|s|m|h|d)$" => &["ms", "s", "m", "h", "d"],
            "^[0-9]+[KkMmGg][Bb]$" => &["KB", "MB", "GB"],
            other => panic!("{other} is not understood"),
        };
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
        unit.len() < text.len() && units.iter().any(|known| known.eq_ignore_ascii_case(unit))
    }

    fn problems(text: &str) -> Vec<String> {
        let table: toml::Table = toml::from_str(text).unwrap();
        wrong(&whole(), &serde_json::to_value(table).unwrap(), "")
    }

    #[test]
    fn what_is_in_order_fits() {
        let documented = DOCUMENT.split("```toml\n").skip(1);
        let documented = documented.filter_map(|block| Some(block.split_once("\n```")?.0));
        let documented = documented.filter(|block| block.contains("[projects."));
        let mut count = 0;
        for text in EXAMPLES.into_iter().chain([EVERY_KEY]).chain(documented) {
            assert_eq!(problems(text), [""; 0], "{text}");
            count += 1;
        }
        assert!(count > EXAMPLES.len() + 1, "the document has files");
    }

    #[test]
    fn what_is_not_in_order_is_refused_where_it_is() {
        let cases = [
            ("[gateway]\ncolour = 1", ".gateway.colour"),
            ("[gates]\na = 1", ".gates"),
            ("[defaults]\nhistory = 101", ".defaults.history: maximum"),
            ("[defaults]\nsandbox = \"some\"", ".defaults.sandbox: enum"),
            (
                "[defaults]\nidle-timeout = \"5 m\"",
                ".defaults.idle-timeout: pattern",
            ),
            ("[discord]\ntoken = \"x\"", ".discord.token"),
            ("[http]\nlisten = true", ".http.listen: oneOf"),
            (
                "[projects.a]\nchannels = [1]",
                ".projects.a.channels[0]: type",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(problems(text), [expected], "{text}");
        }
    }

    #[test]
    fn every_documented_key_is_in_it() {
        let schema = whole();
        let project = &schema["properties"]["projects"]["additionalProperties"];
        let agent = &project["properties"]["agents"]["oneOf"][1]["additionalProperties"];
        for key in keys() {
            for section in key.sections {
                let table = match section {
                    Section::Project => project,
                    Section::Agent => agent,
                    Section::Gateway
                    | Section::Log
                    | Section::Http
                    | Section::Audit
                    | Section::Claude
                    | Section::Defaults => &schema["properties"][section.name()],
                };
                assert!(
                    table["properties"][key.name].is_object(),
                    "{section} {}",
                    key.name
                );
            }
        }
        let (_, chapter) = DOCUMENT.split_once("\n## `[discord]`").unwrap();
        let chapter = chapter.split("\n## ").next().unwrap();
        let documented = chapter.split("\n### `").skip(1);
        let documented: Vec<&str> = documented
            .filter_map(|key| Some(key.split_once('`')?.0))
            .collect();
        let mut known: Vec<&str> = KEYS.iter().map(|(name, _)| *name).collect();
        let table = &schema["properties"]["discord"]["properties"];
        assert_eq!(table.as_object().unwrap().len(), known.len());
        known.sort_unstable();
        let mut documented = documented;
        documented.sort_unstable();
        assert_eq!(documented, known);
        assert_eq!(table["native-commands"], json!({"type": "boolean"}));
    }
}
