//! The form of an application command.
//!
//! Source: the page on application commands of Discord's documentation.

use std::collections::BTreeSet;

use serde_json::Value;

use super::form;
use crate::discord::refusal::Refusal;

/// How many options a command takes, and how many choices an option.
const OPTIONS: usize = 25;
const CHOICES: usize = 25;

/// The type of an option that is a text.
const TEXT: u64 = 3;

/// Checks a command that is typed, and gives back its name.
pub(super) fn check(command: &Value, at: usize) -> Result<String, Refusal> {
    let name = form::required(command, "name", 1, 32)?;
    check_name(&name, &format!("{at}.name"))?;
    form::required(command, "description", 1, 100)?;
    let mut names = BTreeSet::new();
    let mut optional = false;
    for (number, option) in options(command)?.iter().enumerate() {
        let path = format!("{at}.options.{number}");
        let name = form::required(option, "name", 1, 32)?;
        check_name(&name, &format!("{path}.name"))?;
        form::required(option, "description", 1, 100)?;
        check_choices(option, &path)?;
        if !names.insert(name) {
            return Err(Refusal::form(
                &path,
                "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
                "Option name already exists",
            ));
        }
        let required = form::boolean(option, "required")?.unwrap_or(false);
        if required && optional {
            return Err(Refusal::form(
                &path,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            ));
        }
        optional |= !required;
    }
    Ok(name)
}

fn options(command: &Value) -> Result<Vec<Value>, Refusal> {
    Ok(form::objects(command, "options", OPTIONS)?.unwrap_or_default())
}

fn check_name(name: &str, path: &str) -> Result<(), Refusal> {
    let lower = !name.chars().any(char::is_uppercase);
    let words = name
        .chars()
        .all(|letter| letter.is_alphanumeric() || "-_'".contains(letter));
    if lower && words {
        return Ok(());
    }
    Err(Refusal::form(
        path,
        "APPLICATION_COMMAND_INVALID_NAME",
        "Command name is invalid",
    ))
}

fn check_choices(option: &Value, path: &str) -> Result<(), Refusal> {
    if !matches!(option["type"].as_u64(), Some(1..=11)) {
        let message = "Value must be one of {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}.";
        return Err(Refusal::form(
            &format!("{path}.type"),
            "BASE_TYPE_CHOICES",
            message,
        ));
    }
    let choices = form::objects(option, "choices", CHOICES)?;
    let completed = form::boolean(option, "autocomplete")?.unwrap_or(false);
    if completed && (choices.is_some() || !matches!(option["type"].as_u64(), Some(3 | 4 | 10))) {
        return Err(Refusal::form(
            path,
            "APPLICATION_COMMAND_AUTOCOMPLETE_INVALID",
            "Only options of texts and numbers without choices can be completed",
        ));
    }
    for choice in choices.unwrap_or_default() {
        form::required(&choice, "name", 1, 100)?;
        if option["type"].as_u64() == Some(TEXT) {
            form::required(&choice, "value", 1, 100)?;
        }
    }
    Ok(())
}
