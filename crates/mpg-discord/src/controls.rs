//! Controls as the components of Discord's messages.

mod form;

use mpg_core::control::{Button, ButtonStyle, Choice, Control};
use serde_json::{Value, json};

pub(crate) use self::form::{Forms, is_opener, modal, sent};

/// How many rows of components a message has at most, and how many buttons a row.
///
/// Source: the page on components of Discord's documentation, as for the other limits here.
const ROWS: usize = 5;
const ROW: usize = 5;

/// The longest custom id, in characters.
const CUSTOM_ID: usize = 100;

const LABEL: usize = 80;
const OPTIONS: usize = 25;
const OPTION: usize = 100;
const PLACEHOLDER: usize = 150;

/// The types of components.
const ACTION_ROW: u8 = 1;
const BUTTON: u8 = 2;
const STRING_SELECT: u8 = 3;

/// The components of a message with these controls, in their order: buttons in rows of five, each
/// choice in a row of its own.
///
/// # Errors
///
/// Why no message holds them.
pub(crate) fn rows(controls: &[Control]) -> Result<Vec<Value>, &'static str> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    let mut open = false;
    for control in controls {
        match control {
            Control::Button(shown) => {
                let component = button(shown)?;
                match rows.last_mut().filter(|row| open && row.len() < ROW) {
                    Some(row) => row.push(component),
                    None => rows.push(vec![component]),
                }
                open = true;
            }
            Control::Choice(shown) => {
                rows.push(vec![choice(shown)?]);
                open = false;
            }
        }
    }
    if rows.len() > ROWS {
        return Err("a message has room for five rows of buttons and choices");
    }
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| json!({"type": ACTION_ROW, "components": row}))
        .collect())
}

fn button(button: &Button) -> Result<Value, &'static str> {
    let custom_id = match &button.opens {
        Some(opened) => form::opener(opened)?,
        None => button.id.as_str().to_owned(),
    };
    Ok(json!({
        "type": BUTTON,
        "style": match button.style {
            ButtonStyle::Primary => 1,
            ButtonStyle::Plain => 2,
            ButtonStyle::Danger => 4,
        },
        "label": named(&button.label, LABEL),
        "custom_id": custom_id,
    }))
}

fn choice(choice: &Choice) -> Result<Value, &'static str> {
    let count = choice.options.len();
    if !(1..=OPTIONS).contains(&count) {
        return Err("a choice has between one and 25 options");
    }
    let options = choice.options.iter().map(|option| {
        let mut shown = json!({"label": named(&option.label, OPTION), "value": option.value});
        let description = option.description.as_deref().unwrap_or_default().trim();
        if !description.is_empty() {
            shown["description"] = clipped(description, OPTION).into();
        }
        shown
    });
    let mut select = json!({
        "type": STRING_SELECT,
        "custom_id": choice.id.as_str(),
        "options": options.collect::<Vec<_>>(),
        "min_values": 1,
        "max_values": choice.most.clamp(1, count),
    });
    if !choice.prompt.trim().is_empty() {
        select["placeholder"] = clipped(&choice.prompt, PLACEHOLDER).into();
    }
    Ok(select)
}

/// A text that has to say something.
fn named(text: &str, limit: usize) -> String {
    if text.trim().is_empty() {
        return "…".to_owned();
    }
    clipped(text, limit)
}

fn clipped(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut clipped: String = text.chars().take(limit - 1).collect();
    clipped.push('…');
    clipped
}

#[cfg(test)]
mod tests {
    use mpg_core::control::ChoiceOption;
    use mpg_core::interaction::ActionId;

    use super::*;

    fn id(text: &str) -> ActionId {
        ActionId::parse(text).unwrap()
    }

    fn press(number: usize) -> Control {
        let style = ButtonStyle::ALL[number % 3];
        let label = "é".repeat(number * 20);
        Control::Button(Button::new(id(&format!("b:{number}")), label, style))
    }

    fn select(options: usize) -> Control {
        Control::Choice(Choice {
            id: id("c:1"),
            prompt: "p".repeat(200),
            options: (0..options)
                .map(|number| ChoiceOption {
                    value: number.to_string(),
                    label: "l".repeat(80),
                    description: (number > 0).then(|| "d".repeat(number * 90)),
                })
                .collect(),
            most: 9,
        })
    }

    #[test]
    fn buttons_share_rows_and_choices_do_not() {
        let controls: Vec<Control> = (0..6).map(press).chain([select(3), press(7)]).collect();
        let rows = Value::from(rows(&controls).unwrap());
        insta::assert_snapshot!(format!("{rows:#}"));
    }

    #[test]
    fn what_no_message_holds_is_refused() {
        let full: Vec<Control> = (0..20).map(press).chain([select(1)]).collect();
        assert_eq!(rows(&full).unwrap().len(), ROWS);
        let more: Vec<Control> = (0..21).map(press).chain([select(1)]).collect();
        for controls in [more.as_slice(), &[select(0)], &[select(26)]] {
            assert!(rows(controls).is_err());
        }
    }
}
