//! The table of all keys as a JSON Schema, which editors complete and check files by.

use serde_json::{Map, Value, json};

use crate::schema::{KeyInfo, Section, Shape, keys};

/// The dialect that it is written in.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A key of the table of a platform, which its adapter checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformKey {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub shape: Shape,
}

/// Describes the file as a JSON Schema, with the tables of these platforms.
///
/// A file that the schema refuses is refused when it is read, too; not the other way round, as the
/// schema knows nothing of what keys mean together.
pub fn json_schema(platforms: &[(&str, Vec<PlatformKey>)]) -> Value {
    let keys = keys();
    let mut sections = Map::new();
    for section in [
        Section::Gateway,
        Section::Log,
        Section::Http,
        Section::Audit,
        Section::Claude,
        Section::Defaults,
    ] {
        sections.insert(section.name().to_owned(), table(&keys, section));
    }
    for (name, keys) in platforms {
        let properties: Map<String, Value> = keys
            .iter()
            .map(|key| (key.name.to_owned(), key.shape.schema()))
            .collect();
        sections.insert(
            (*name).to_owned(),
            json!({"type": "object", "additionalProperties": false, "properties": properties}),
        );
    }
    let mut project = table(&keys, Section::Project);
    let agent = table(&keys, Section::Agent);
    project["properties"]["agents"] = json!({
        "description": "the agents of the project: presets by name, or a table for each",
        "oneOf": [
            {"type": "array", "items": Shape::Text.schema()},
            {"type": "object", "additionalProperties": agent},
        ],
    });
    sections.insert(
        "projects".to_owned(),
        json!({"type": "object", "additionalProperties": project}),
    );
    json!({
        "$schema": DIALECT,
        "title": "mpg.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    })
}

fn table(keys: &[KeyInfo], section: Section) -> Value {
    let of_section = keys.iter().filter(|key| key.sections.contains(&section));
    let properties: Map<String, Value> = of_section
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn property(key: &KeyInfo) -> Value {
    let mut schema = key.shape.schema();
    let mut description = format!("takes {}", key.takes);
    if let Some(default) = key.default {
        description.push_str("; default: ");
        description.push_str(default);
    }
    schema["description"] = description.into();
    // A default stands for the key that is not set anywhere, and not for one of a later section.
    if let Some(default) = key.default.and_then(value) {
        schema["default"] = default;
    }
    schema
}

/// A value of TOML as JSON.
fn value(toml: &str) -> Option<Value> {
    let document: toml::Table = toml::from_str(&format!("value = {toml}")).ok()?;
    serde_json::to_value(document.get("value")?).ok()
}
