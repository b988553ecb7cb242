//! Reading the fields of a form, with Discord's words for what is wrong with them.

use serde_json::Value;

use crate::discord::refusal::Refusal;

/// A text between `min` and `max` code points; `None` if it is absent or null.
pub(super) fn text(
    body: &Value,
    field: &str,
    min: usize,
    max: usize,
) -> Result<Option<String>, Refusal> {
    match &body[field] {
        Value::Null => Ok(None),
        Value::String(text) => {
            let length = text.chars().count();
            if min > 0 && !(min..=max).contains(&length) {
                let message = format!("Must be between {min} and {max} in length.");
                return Err(Refusal::form(field, "BASE_TYPE_BAD_LENGTH", message));
            }
            check_length(field, text, max)?;
            Ok(Some(text.clone()))
        }
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            let message = format!("Could not interpret \"{other}\" as string.");
            Err(Refusal::form(field, "STRING_TYPE_CONVERT", message))
        }
    }
}

/// Refuses a text that is longer than `max` code points.
pub(super) fn check_length(path: &str, text: &str, max: usize) -> Result<(), Refusal> {
    if text.chars().count() <= max {
        return Ok(());
    }
    let message = format!("Must be {max} or fewer in length.");
    Err(Refusal::form(path, "BASE_TYPE_MAX_LENGTH", message))
}

/// A text that has to be there.
pub(super) fn required(
    body: &Value,
    field: &str,
    min: usize,
    max: usize,
) -> Result<String, Refusal> {
    text(body, field, min, max)?.ok_or_else(|| missing(field))
}

/// Refuses a form without this field.
pub(super) fn missing(field: &str) -> Refusal {
    Refusal::form(field, "BASE_TYPE_REQUIRED", "This field is required")
}

/// A truth value; `None` if it is absent or null.
pub(super) fn boolean(body: &Value, field: &str) -> Result<Option<bool>, Refusal> {
    match &body[field] {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(*value)),
        Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Refusal::form(
                field,
                "BOOLEAN_TYPE_CONVERT",
                "Must be either true or false.",
            ))
        }
    }
}

/// A list of at most `max` objects; `None` if it is absent or null.
pub(super) fn objects(
    body: &Value,
    field: &str,
    max: usize,
) -> Result<Option<Vec<Value>>, Refusal> {
    match &body[field] {
        Value::Null => Ok(None),
        Value::Array(items) if items.len() > max => {
            let message = format!("Must be {max} or fewer in length.");
            Err(Refusal::form(field, "BASE_TYPE_MAX_LENGTH", message))
        }
        Value::Array(items) => match items.iter().position(|item| !item.is_object()) {
            Some(at) => Err(Refusal::form(
                &format!("{field}.{at}"),
                "MODEL_TYPE_CONVERT",
                "Only dictionaries may be used in a ModelType",
            )),
            None => Ok(Some(items.clone())),
        },
        Value::Bool(_) | Value::String(_) | Value::Number(_) | Value::Object(_) => {
            Err(Refusal::form(
                field,
                "LIST_TYPE_CONVERT",
                "Only iterables may be used in a ListType",
            ))
        }
    }
}

/// The minutes of silence after which a thread is archived.
pub(super) fn auto_archive(body: &Value) -> Result<Option<u64>, Refusal> {
    let value = &body["auto_archive_duration"];
    if value.is_null() {
        return Ok(None);
    }
    match value.as_u64() {
        Some(minutes @ (60 | 1440 | 4320 | 10080)) => Ok(Some(minutes)),
        Some(_) | None => Err(Refusal::form(
            "auto_archive_duration",
            "BASE_TYPE_CHOICES",
            "Value must be one of (60, 1440, 4320, 10080).",
        )),
    }
}
