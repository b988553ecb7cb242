//! What a server of tools wants to be told: its schema as a form, and the form's texts as its values.
//!
//! Source: the schema of elicitation requests of the Model Context Protocol, a flat object of texts,
//! numbers, truth values and choices.

use std::collections::BTreeSet;

use mpg_core::control::{Field, MAX_FIELDS};
use mpg_core::request::About;
use serde_json::{Map, Number, Value, json};

use crate::stream::{clip, list, text};

/// How long the texts of a form may be, in characters.
const FROM: usize = 100;
const MESSAGE: usize = 2_000;
const LABEL: usize = 45;
const NAME: usize = 100;

/// What is kept of it until it is answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Elicitation {
    /// The properties of what it wants, by their names.
    properties: Map<String, Value>,
    /// Whether there is something that has to be said.
    requires: bool,
}

/// Reads an `elicitation` request; `None` of one that has more to be filled in than a form has room
/// for.
pub(super) fn elicited(request: &Value) -> Option<(About, Elicitation)> {
    let schema = &request["requested_schema"];
    let properties = schema["properties"].as_object().cloned();
    let properties = properties.unwrap_or_default();
    let required: BTreeSet<&str> = list(&schema["required"])
        .filter_map(Value::as_str)
        .filter(|name| properties.contains_key(*name))
        .collect();
    let fits = |name: &str| (1..=NAME).contains(&name.chars().count());
    if required.len() > MAX_FIELDS || !required.iter().all(|name| fits(name)) {
        return None;
    }
    // What may be left out is, where there is no room.
    let mut optional = MAX_FIELDS - required.len();
    let mut message = vec![text(request, "message").to_owned()];
    let mut fields = Vec::new();
    for (name, property) in &properties {
        let is_required = required.contains(name.as_str());
        if !is_required {
            if optional == 0 || !fits(name) {
                continue;
            }
            optional -= 1;
        }
        let label = label(name, property);
        let hint = hint(property);
        if !hint.is_empty() {
            message.push(format!("- {label}: {hint}"));
        }
        fields.push(Field {
            name: name.clone(),
            label,
            long: false,
            required: is_required,
        });
    }
    if text(request, "mode") == "url" {
        message.push(text(request, "url").to_owned());
    }
    let about = About::Form {
        from: clip(text(request, "mcp_server_name"), FROM),
        message: clip(&message.join("\n"), MESSAGE),
        fields,
    };
    let kept = Elicitation {
        requires: !required.is_empty(),
        properties,
    };
    Some((about, kept))
}

fn label(name: &str, property: &Value) -> String {
    let title = text(property, "title").trim();
    clip(if title.is_empty() { name } else { title }, LABEL)
}

/// What helps to fill in a property.
fn hint(property: &Value) -> String {
    let mut hints = Vec::new();
    let description = text(property, "description").trim();
    if !description.is_empty() {
        hints.push(clip(description, 300));
    }
    let choices: Vec<&str> = choices(property).map(|(_, name)| name).collect();
    if !choices.is_empty() {
        let many = text(property, "type") == "array";
        let how = if many { "any of" } else { "one of" };
        hints.push(clip(&format!("{how} {}", choices.join(", ")), 500));
    }
    match text(property, "type") {
        "boolean" => hints.push("yes or no".to_owned()),
        "number" | "integer" => hints.push("a number".to_owned()),
        _ => {}
    }
    hints.join("; ")
}

/// What can be chosen, each value with its title.
fn choices(property: &Value) -> impl Iterator<Item = (&str, &str)> {
    let of = |schema: &Value| !schema["enum"].is_null() || !schema["oneOf"].is_null();
    let schema = if of(property) {
        property
    } else {
        &property["items"]
    };
    let names: Vec<&str> = list(&property["enumNames"])
        .filter_map(Value::as_str)
        .collect();
    let plain = list(&schema["enum"])
        .filter_map(Value::as_str)
        .enumerate()
        .map(move |(at, value)| (value, names.get(at).copied().unwrap_or(value)));
    let titled = list(&schema["oneOf"]).chain(list(&schema["anyOf"]));
    let titled = titled.map(|choice| {
        let value = text(choice, "const");
        let title = text(choice, "title");
        (value, if title.is_empty() { value } else { title })
    });
    plain.chain(titled)
}

impl Elicitation {
    /// How much is kept, in bytes of JSON.
    pub(super) fn length(&self) -> usize {
        let names = self.properties.iter();
        names
            .map(|(name, property)| name.len() + property.to_string().len())
            .sum()
    }

    /// What the server is told: the values, or that there are none.
    pub(super) fn accept(&self, filled: &[(String, String)]) -> Value {
        let content: Map<String, Value> = filled
            .iter()
            .filter(|(_, said)| !said.trim().is_empty())
            .filter_map(|(name, said)| {
                let property = self.properties.get(name)?;
                Some((name.clone(), value(property, said.trim())))
            })
            .collect();
        if content.is_empty() && self.requires {
            return json!({ "action": "decline" });
        }
        if self.properties.is_empty() {
            return json!({ "action": "accept" });
        }
        json!({ "action": "accept", "content": content })
    }
}

/// A text as the value of a property; as it is where it does not seem to be one, which the server
/// then says.
fn value(property: &Value, said: &str) -> Value {
    let typed = match text(property, "type") {
        "boolean" => truth(said).map(Value::from),
        "integer" => said.parse::<i64>().ok().map(Value::from),
        "number" => number(said).map(Value::from),
        "array" => {
            let parts = said.split(',').map(str::trim);
            let parts = parts.filter(|part| !part.is_empty());
            Some(parts.map(|part| chosen(property, part)).collect())
        }
        _ => None,
    };
    typed.unwrap_or_else(|| chosen(property, said))
}

fn truth(said: &str) -> Option<bool> {
    match said.to_lowercase().as_str() {
        "yes" | "y" | "true" | "on" | "1" => Some(true),
        "no" | "n" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn number(said: &str) -> Option<Number> {
    let whole = said.parse::<i64>().ok().map(Number::from);
    whole.or_else(|| said.parse().ok().and_then(Number::from_f64))
}

/// The choice that a text names by its value or its title, or the text itself.
fn chosen(property: &Value, said: &str) -> Value {
    let mut choices = choices(property);
    let same = |text: &str| text.eq_ignore_ascii_case(said);
    let known = choices.find(|(value, title)| same(value) || same(title));
    known.map_or(said, |(value, _)| value).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(properties: &Value, required: &Value) -> Value {
        json!({
            "subtype": "elicitation",
            "mcp_server_name": "forms",
            "message": "Who and when?",
            "mode": "form",
            "requested_schema": {
                "type": "object", "properties": properties, "required": required,
            },
        })
    }

    #[test]
    fn a_schema_is_a_form_and_its_texts_are_values() {
        let properties = json!({
            "age": { "type": "integer" },
            "name": { "type": "string", "title": "Name", "description": "as in the passport" },
            "size": { "type": "string", "oneOf": [
                { "const": "s", "title": "Small" }, { "const": "m", "title": "Medium" },
            ] },
            "tags": { "type": "array", "items": { "type": "string", "enum": ["a", "b"] } },
            "vip": { "type": "boolean" },
        });
        let (about, elicitation) = elicited(&request(&properties, &json!(["name"]))).unwrap();
        let said = [
            ("age", "41"),
            ("name", " Ann "),
            ("size", "small"),
            ("tags", "B, c"),
            ("vip", "Yes"),
            ("other", "x"),
        ];
        let said = said.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let accepted = elicitation.accept(&said);
        let odd = [("age", "old"), ("vip", "maybe"), ("size", "")];
        let odd = odd.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let told = elicitation.accept(&odd);
        assert_eq!(elicitation.accept(&[])["action"], "decline");
        insta::assert_snapshot!(format!("{about:#?}\n{accepted:#}\n{told:#}"));
    }

    #[test]
    fn what_no_form_has_room_for_is_left_out_or_not_shown() {
        let many: Map<String, Value> = (0..8)
            .map(|number| (format!("p{number}"), json!({ "type": "string" })))
            .collect();
        let many = Value::from(many);
        let (about, _) = elicited(&request(&many, &json!(["p6", "p7", "absent"]))).unwrap();
        let About::Form { fields, .. } = about else {
            panic!("it is a form");
        };
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["p0", "p1", "p2", "p6", "p7"]);
        let required = json!(["p0", "p1", "p2", "p3", "p4", "p5"]);
        assert_eq!(elicited(&request(&many, &required)), None);
    }

    #[test]
    fn an_address_is_only_to_be_opened() {
        let request = json!({
            "subtype": "elicitation", "message": "Sign in", "mode": "url", "url": "https://a.b/c",
        });
        let (about, elicitation) = elicited(&request).unwrap();
        let expected = About::Form {
            from: String::new(),
            message: "Sign in\nhttps://a.b/c".to_owned(),
            fields: Vec::new(),
        };
        assert_eq!(about, expected);
        assert_eq!(elicitation.accept(&[]), json!({ "action": "accept" }));
    }
}
