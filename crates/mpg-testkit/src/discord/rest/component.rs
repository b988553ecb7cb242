//! Components of messages and modals: what is checked before they are shown.
//!
//! Source: the component reference of Discord's documentation.

use std::collections::BTreeSet;

use serde_json::Value;

use super::form;
use crate::discord::refusal::Refusal;

const ROWS: usize = 5;
const ROW: usize = 5;
const CUSTOM_ID: usize = 100;
const BUTTON_LABEL: usize = 80;
const OPTIONS: usize = 25;
const OPTION: usize = 100;
const PLACEHOLDER: usize = 150;
const TITLE: usize = 45;
const FIELDS: usize = 5;
const FIELD_LABEL: usize = 45;
const TEXT: u64 = 4000;

/// The types of components.
const ACTION_ROW: u64 = 1;
const BUTTON: u64 = 2;
const STRING_SELECT: u64 = 3;
const TEXT_INPUT: u64 = 4;
const LABEL: u64 = 18;

/// The rows of a message.
pub(super) fn rows(body: &Value) -> Result<Option<Vec<Value>>, Refusal> {
    let Some(rows) = form::objects(body, "components", ROWS)? else {
        return Ok(None);
    };
    let mut ids = BTreeSet::new();
    for (at, row) in rows.iter().enumerate() {
        let path = format!("components.{at}");
        if row["type"] != ACTION_ROW {
            return Err(choices(&format!("{path}.type"), "(1,)"));
        }
        let inner = form::objects(row, "components", ROW)?.unwrap_or_default();
        if inner.is_empty() {
            return Err(length(&format!("{path}.components"), 1, ROW));
        }
        for (number, component) in inner.iter().enumerate() {
            let path = format!("{path}.components.{number}");
            match component["type"].as_u64() {
                Some(BUTTON) => button(&path, component, &mut ids)?,
                Some(STRING_SELECT) if inner.len() > 1 => {
                    let message = "A select menu takes the whole row";
                    return Err(Refusal::form(
                        &path,
                        "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
                        message,
                    ));
                }
                Some(STRING_SELECT) => select(&path, component, &mut ids)?,
                Some(_) | None => {
                    return Err(choices(&format!("{path}.type"), "(2, 3, 5, 6, 7, 8)"));
                }
            }
        }
    }
    Ok(Some(rows))
}

fn button(path: &str, button: &Value, ids: &mut BTreeSet<String>) -> Result<(), Refusal> {
    let label = button["label"].as_str().unwrap_or_default();
    form::check_length(&format!("{path}.label"), label, BUTTON_LABEL)?;
    if label.trim().is_empty() && button["emoji"].is_null() {
        return Err(missing(&format!("{path}.label")));
    }
    match button["style"].as_u64() {
        Some(1..=4) => custom_id(path, button, ids),
        Some(5) if button["url"].is_string() => Ok(()),
        Some(5) => Err(missing(&format!("{path}.url"))),
        Some(_) | None => Err(choices(&format!("{path}.style"), "(1, 2, 3, 4, 5, 6)")),
    }
}

fn select(path: &str, select: &Value, ids: &mut BTreeSet<String>) -> Result<(), Refusal> {
    custom_id(path, select, ids)?;
    let placeholder = select["placeholder"].as_str().unwrap_or_default();
    form::check_length(&format!("{path}.placeholder"), placeholder, PLACEHOLDER)?;
    let options = form::objects(select, "options", OPTIONS)?.unwrap_or_default();
    if options.is_empty() {
        return Err(length(&format!("{path}.options"), 1, OPTIONS));
    }
    let mut values = BTreeSet::new();
    for (at, option) in options.iter().enumerate() {
        let path = format!("{path}.options.{at}");
        for field in ["label", "value"] {
            let text = option[field].as_str().unwrap_or_default();
            if !(1..=OPTION).contains(&text.chars().count()) {
                return Err(length(&format!("{path}.{field}"), 1, OPTION));
            }
        }
        let description = option["description"].as_str().unwrap_or_default();
        form::check_length(&format!("{path}.description"), description, OPTION)?;
        if !values.insert(option["value"].as_str()) {
            let message = "The specified option value is already used";
            let path = format!("{path}.value");
            return Err(Refusal::form(
                &path,
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                message,
            ));
        }
    }
    let least = select["min_values"].as_u64().unwrap_or(1);
    let most = select["max_values"].as_u64().unwrap_or(1);
    let count = options.len() as u64;
    if !(1..=count).contains(&most) || least > most {
        let message = format!("Must be between {least} and {count}.");
        let path = format!("{path}.max_values");
        return Err(Refusal::form(&path, "NUMBER_TYPE_MAX", message));
    }
    Ok(())
}

/// The modal of an answer.
pub(super) fn modal(data: &Value) -> Result<(), Refusal> {
    form::required(data, "custom_id", 1, CUSTOM_ID)?;
    form::required(data, "title", 1, TITLE)?;
    let fields = form::objects(data, "components", FIELDS)?.unwrap_or_default();
    if fields.is_empty() {
        return Err(length("components", 1, FIELDS));
    }
    let mut ids = BTreeSet::new();
    for (at, field) in fields.iter().enumerate() {
        let path = format!("components.{at}");
        let (input, label) = match field["type"].as_u64() {
            Some(LABEL) => (&field["component"], &field["label"]),
            Some(ACTION_ROW) => (&field["components"][0], &field["components"][0]["label"]),
            Some(_) | None => return Err(choices(&format!("{path}.type"), "(1, 18)")),
        };
        let length_of_label = label.as_str().unwrap_or_default().chars().count();
        if !(1..=FIELD_LABEL).contains(&length_of_label) {
            return Err(length(&format!("{path}.label"), 1, FIELD_LABEL));
        }
        if input["type"] != TEXT_INPUT {
            return Err(choices(&format!("{path}.component.type"), "(4,)"));
        }
        custom_id(&path, input, &mut ids)?;
        if !matches!(input["style"].as_u64(), Some(1 | 2)) {
            return Err(choices(&format!("{path}.component.style"), "(1, 2)"));
        }
        if input["max_length"]
            .as_u64()
            .is_some_and(|most| !(1..=TEXT).contains(&most))
        {
            let message = format!("int value should be less than or equal to {TEXT}.");
            let path = format!("{path}.component.max_length");
            return Err(Refusal::form(&path, "NUMBER_TYPE_MAX", message));
        }
    }
    Ok(())
}

fn custom_id(path: &str, of: &Value, ids: &mut BTreeSet<String>) -> Result<(), Refusal> {
    let path = format!("{path}.custom_id");
    let Some(id) = of["custom_id"].as_str() else {
        return Err(missing(&path));
    };
    if !(1..=CUSTOM_ID).contains(&id.chars().count()) {
        return Err(length(&path, 1, CUSTOM_ID));
    }
    if !ids.insert(id.to_owned()) {
        let message = "Component custom id cannot be duplicated";
        return Err(Refusal::form(
            &path,
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            message,
        ));
    }
    Ok(())
}

fn missing(path: &str) -> Refusal {
    Refusal::form(path, "BASE_TYPE_REQUIRED", "This field is required")
}

fn length(path: &str, least: usize, most: usize) -> Refusal {
    let message = format!("Must be between {least} and {most} in length.");
    Refusal::form(path, "BASE_TYPE_BAD_LENGTH", message)
}

fn choices(path: &str, of: &str) -> Refusal {
    Refusal::form(
        path,
        "BASE_TYPE_CHOICES",
        format!("Value must be one of {of}."),
    )
}
