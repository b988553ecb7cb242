//! Forms as Discord's modals: what a button says of the one that it opens, and how one is shown.
//!
//! A modal has to be the first answer to the press, so the adapter shows it by itself. It knows the
//! forms of the posts that it made; of others, such as those from before a restart, it knows what
//! stands in the button. Its custom id holds the form's id and the names of its fields, from which a
//! form is made that is titled as the button is, and has the names as labels. Where even that does not
//! fit, the modal asks for all fields in one text.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mpg_core::control::{Control, Field, Form, MAX_FIELDS};
use mpg_core::interaction::ActionId;
use serde_json::{Value, json};

use super::{CUSTOM_ID, named};

/// How many forms are remembered; the oldest are forgotten first.
const REMEMBERED: usize = 1024;

/// The longest title of a modal, and the longest label of a field, in characters.
const TITLE: usize = 45;

/// The longest text of a field, in characters: the most that Discord takes.
const TEXT: u16 = 4000;

/// The types of components, and the styles of text inputs.
const LABEL: u8 = 18;
const TEXT_INPUT: u8 = 4;
const SHORT: u8 = 1;
const PARAGRAPH: u8 = 2;

/// What the custom id of a button that opens a form begins with.
const OPENER: char = '>';
/// What stands for fields that did not fit.
const FOLDED: &str = "*";
/// What stands behind the fields.
const END: char = '|';

/// The forms of the posts that this process made, by the custom ids of their buttons.
#[derive(Debug, Default)]
pub(crate) struct Forms(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    forms: BTreeMap<String, Form>,
    order: VecDeque<String>,
}

impl Forms {
    /// Remembers the forms that these controls open.
    pub(crate) fn learn(&self, controls: &[Control]) {
        for control in controls {
            if let Control::Button(button) = control
                && let Some(form) = &button.opens
                && let Ok(custom_id) = opener(form)
            {
                self.lock().insert(custom_id, form.clone());
            }
        }
    }

    fn get(&self, custom_id: &str) -> Option<Form> {
        self.lock().forms.get(custom_id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn insert(&mut self, custom_id: String, form: Form) {
        if self.forms.insert(custom_id.clone(), form).is_none() {
            self.order.push_back(custom_id);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.forms.remove(&oldest);
        }
    }
}

/// The custom id of a button that opens a form.
///
/// # Errors
///
/// Why there is none.
pub(super) fn opener(form: &Form) -> Result<String, &'static str> {
    if !(1..=MAX_FIELDS).contains(&form.fields.len()) {
        return Err("a form has between one and five fields");
    }
    let id = form.id.as_str();
    let whole = names(&form.fields).map(|names| format!("{OPENER}{names}{END}{id}"));
    let whole = whole.filter(|whole| whole.chars().count() <= CUSTOM_ID);
    let opener = whole.unwrap_or_else(|| format!("{OPENER}{FOLDED}{END}{id}"));
    if opener.chars().count() > CUSTOM_ID {
        return Err("the id of a form is too long");
    }
    Ok(opener)
}

/// The names of fields, each behind one letter: `l` one that takes several lines, `s` another; large
/// if it must not be left empty. `None` of names that cannot be told apart then.
fn names(fields: &[Field]) -> Option<String> {
    let mut names = String::new();
    for field in fields {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if field.name.is_empty() || !field.name.chars().all(plain) {
            return None;
        }
        if !names.is_empty() {
            names.push(',');
        }
        names.push(match (field.long, field.required) {
            (true, true) => 'L',
            (true, false) => 'l',
            (false, true) => 'S',
            (false, false) => 's',
        });
        names.push_str(&field.name);
    }
    Some(names)
}

/// Whether a button with this custom id opens a form, so that pressing it is nothing by itself.
pub(crate) fn is_opener(custom_id: &str) -> bool {
    custom_id.starts_with(OPENER)
}

/// The modal that a press on a button opens, on a message with these components; `None` of a button
/// that opens none.
pub(crate) fn modal(forms: &Forms, custom_id: &str, message: &Value) -> Option<Value> {
    let form = forms
        .get(custom_id)
        .or_else(|| derived(custom_id, message))?;
    let field = |field: &Field| {
        json!({
            "type": LABEL,
            "label": named(&field.label, TITLE),
            "component": {
                "type": TEXT_INPUT,
                "custom_id": field.name,
                "style": if field.long { PARAGRAPH } else { SHORT },
                "required": field.required,
                "max_length": TEXT,
            },
        })
    };
    let folded = Field {
        name: FOLDED.to_owned(),
        label: "one line for each: its name, colon, text".to_owned(),
        long: true,
        required: true,
    };
    let fields: Vec<Value> = match form.fields.as_slice() {
        [] => vec![field(&folded)],
        fields => fields.iter().map(field).collect(),
    };
    Some(json!({
        "custom_id": form.id.as_str(),
        "title": named(&form.title, TITLE),
        "components": fields,
    }))
}

/// The form as far as a button tells of it; without fields if it tells of none.
fn derived(custom_id: &str, message: &Value) -> Option<Form> {
    let (names, id) = custom_id.strip_prefix(OPENER)?.split_once(END)?;
    let field = |name: &str| {
        let mut letters = name.chars();
        let kind = letters.next()?;
        let name = letters.as_str().to_owned();
        Some(Field {
            label: name.replace(['_', '-'], " "),
            name,
            long: kind.eq_ignore_ascii_case(&'l'),
            required: kind.is_ascii_uppercase(),
        })
    };
    let fields: Option<Vec<Field>> = if names == FOLDED {
        Some(Vec::new())
    } else {
        names.split(',').map(field).collect()
    };
    Some(Form {
        id: ActionId::parse(id)?,
        title: label(message, custom_id).unwrap_or_default().to_owned(),
        fields: fields?.into_iter().take(MAX_FIELDS).collect(),
    })
}

/// What the button with this custom id says.
fn label<'a>(message: &'a Value, custom_id: &str) -> Option<&'a str> {
    let rows = message["components"].as_array()?;
    let mut buttons = rows
        .iter()
        .flat_map(|row| row["components"].as_array().into_iter().flatten());
    buttons.find(|button| button["custom_id"] == custom_id)?["label"].as_str()
}

/// What was filled in: of a modal that asked for all fields in one text, the lines of that.
pub(crate) fn sent(fields: Vec<(String, String)>) -> Vec<(String, String)> {
    match fields.as_slice() {
        [(name, text)] if name == FOLDED => text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, text)| (name.trim().to_owned(), text.trim().to_owned()))
            .filter(|(name, text)| !name.is_empty() && !text.is_empty())
            .collect(),
        _ => fields,
    }
}

#[cfg(test)]
mod tests {
    use mpg_core::control::{Button, ButtonStyle};

    use super::*;

    fn form(id: &str, fields: &[(&str, bool, bool)]) -> Form {
        Form {
            id: ActionId::parse(id).unwrap(),
            title: format!("Title of {id}"),
            fields: fields
                .iter()
                .map(|&(name, long, required)| Field {
                    name: name.to_owned(),
                    label: format!("What is {name}?"),
                    long,
                    required,
                })
                .collect(),
        }
    }

    fn message(form: &Form) -> Value {
        let button = Button {
            opens: Some(form.clone()),
            ..Button::new(
                ActionId::parse("b").unwrap(),
                "Press here",
                ButtonStyle::Plain,
            )
        };
        json!({"components": super::super::rows(&[Control::Button(button)]).unwrap()})
    }

    fn shown(form: &Form, forms: &Forms) -> (String, Value) {
        let custom_id = opener(form).unwrap();
        let modal = modal(forms, &custom_id, &message(form)).unwrap();
        (custom_id, modal)
    }

    #[test]
    fn a_form_is_shown_as_it_was_posted() {
        let form = form("ask:1", &[("reason", true, true), ("more", false, false)]);
        let forms = Forms::default();
        forms.learn(&[Control::Button(Button {
            opens: Some(form.clone()),
            ..Button::new(ActionId::parse("b").unwrap(), "B", ButtonStyle::Plain)
        })]);
        let (custom_id, modal) = shown(&form, &forms);
        insta::assert_snapshot!(format!("{custom_id}\n{modal:#}"));
    }

    #[test]
    fn a_form_of_another_process_is_derived_from_its_button() {
        let uuid = "0f0e0d0c-0b0a-4908-8706-050403020100";
        let id = format!("ask:{uuid}:12");
        let forms = Forms::default();
        let plain = form(&id, &[("reason", true, true), ("more_text", false, false)]);
        let long = "n".repeat(50);
        let much = form(&id, &[(&long, false, true), ("more", false, true)]);
        let odd = form(&id, &[("a, b|c", false, true)]);
        let all = [plain, much, odd].map(|form| shown(&form, &forms));
        for (custom_id, _) in &all {
            assert!(custom_id.len() <= CUSTOM_ID && is_opener(custom_id));
        }
        let all = all.map(|(custom_id, modal)| format!("{custom_id}\n{modal:#}"));
        insta::assert_snapshot!(all.join("\n\n"));
    }

    #[test]
    fn what_opens_nothing_shows_nothing() {
        let forms = Forms::default();
        for custom_id in ["ask:1", "", ">", ">Sx", ">|id", ">Sx|", ">é,|"] {
            assert_eq!(modal(&forms, custom_id, &Value::Null), None, "{custom_id}");
        }
        assert!(opener(&form("a", &[])).is_err());
        assert!(opener(&form(&"a".repeat(98), &[("x", true, true)])).is_err());
    }

    #[test]
    fn lines_of_one_text_are_fields() {
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let text = "name: Ann\nlink : https://a.b\nempty:\nno field\n: x";
        let lines = sent(vec![pair("*", text)]);
        assert_eq!(lines, [pair("name", "Ann"), pair("link", "https://a.b")]);
        let whole = vec![pair("name", "a: b")];
        assert_eq!(sent(whole.clone()), whole);
    }

    #[test]
    fn the_oldest_forms_are_forgotten() {
        let forms = Forms::default();
        for number in 0..=REMEMBERED {
            let form = form(&format!("f:{number}"), &[("x", true, true)]);
            forms.lock().insert(opener(&form).unwrap(), form);
        }
        assert!(forms.get(">Lx|f:0").is_none());
        assert!(forms.get(">Lx|f:1").is_some());
        assert_eq!(forms.lock().order.len(), REMEMBERED);
    }
}
