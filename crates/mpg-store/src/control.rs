//! The controls of posts, as they stand in a column.

use mpg_core::control::{Button, ButtonStyle, Choice, ChoiceOption, Control, Field, Form};
use mpg_core::interaction::ActionId;
use serde::{Deserialize, Serialize};

use crate::failure::UnknownValue;

/// A control, in the names of the column's JSON.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Written {
    Button {
        id: String,
        label: String,
        style: String,
        opens: Option<WrittenForm>,
    },
    Choice {
        id: String,
        prompt: String,
        options: Vec<WrittenOption>,
        most: usize,
    },
}

#[derive(Serialize, Deserialize)]
struct WrittenForm {
    id: String,
    title: String,
    fields: Vec<WrittenField>,
}

#[derive(Serialize, Deserialize)]
struct WrittenField {
    name: String,
    label: String,
    long: bool,
    required: bool,
}

#[derive(Serialize, Deserialize)]
struct WrittenOption {
    value: String,
    label: String,
    description: Option<String>,
}

/// What is written for these controls; nothing for none.
pub(crate) fn written(controls: &[Control]) -> Option<String> {
    if controls.is_empty() {
        return None;
    }
    let written: Vec<Written> = controls.iter().map(Written::from).collect();
    // Texts and numbers are always JSON.
    serde_json::to_string(&written).ok()
}

/// The controls that were written.
pub(crate) fn read(written: Option<&str>) -> Result<Vec<Control>, UnknownValue> {
    let Some(text) = written else {
        return Ok(Vec::new());
    };
    let unknown = || UnknownValue::new("delivery.controls", text);
    let written: Vec<Written> = serde_json::from_str(text).map_err(|_| unknown())?;
    let controls: Option<Vec<Control>> = written.into_iter().map(Written::control).collect();
    controls.ok_or_else(unknown)
}

impl From<&Control> for Written {
    fn from(control: &Control) -> Self {
        match control {
            Control::Button(button) => Self::Button {
                id: button.id.to_string(),
                label: button.label.clone(),
                style: button.style.name().to_owned(),
                opens: button.opens.as_ref().map(WrittenForm::from),
            },
            Control::Choice(choice) => Self::Choice {
                id: choice.id.to_string(),
                prompt: choice.prompt.clone(),
                options: choice.options.iter().map(WrittenOption::from).collect(),
                most: choice.most,
            },
        }
    }
}

impl Written {
    fn control(self) -> Option<Control> {
        match self {
            Self::Button {
                id,
                label,
                style,
                opens,
            } => Some(Control::Button(Button {
                id: ActionId::parse(&id)?,
                label,
                style: ButtonStyle::ALL.into_iter().find(|s| s.name() == style)?,
                opens: match opens {
                    Some(form) => Some(form.form()?),
                    None => None,
                },
            })),
            Self::Choice {
                id,
                prompt,
                options,
                most,
            } => Some(Control::Choice(Choice {
                id: ActionId::parse(&id)?,
                prompt,
                options: options.into_iter().map(WrittenOption::option).collect(),
                most,
            })),
        }
    }
}

impl From<&Form> for WrittenForm {
    fn from(form: &Form) -> Self {
        let fields = form.fields.iter().map(|field| WrittenField {
            name: field.name.clone(),
            label: field.label.clone(),
            long: field.long,
            required: field.required,
        });
        Self {
            id: form.id.to_string(),
            title: form.title.clone(),
            fields: fields.collect(),
        }
    }
}

impl WrittenForm {
    fn form(self) -> Option<Form> {
        let fields = self.fields.into_iter().map(|field| Field {
            name: field.name,
            label: field.label,
            long: field.long,
            required: field.required,
        });
        Some(Form {
            id: ActionId::parse(&self.id)?,
            title: self.title,
            fields: fields.collect(),
        })
    }
}

impl From<&ChoiceOption> for WrittenOption {
    fn from(option: &ChoiceOption) -> Self {
        Self {
            value: option.value.clone(),
            label: option.label.clone(),
            description: option.description.clone(),
        }
    }
}

impl WrittenOption {
    fn option(self) -> ChoiceOption {
        ChoiceOption {
            value: self.value,
            label: self.label,
            description: self.description,
        }
    }
}
