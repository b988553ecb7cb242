//! The controls that a post carries besides its text: buttons, choices, and the forms that buttons open.
//!
//! They are data: an adapter shows them as its platform does, and reports what somebody does with one
//! as an [`Action`](crate::interaction::Action) with the control's id. Where a channel has none
//! ([`Controls`](crate::capability::Controls)), the text says what to write
//! instead.

use crate::interaction::ActionId;

/// How many options a choice has at most.
pub const MAX_OPTIONS: usize = 25;

/// How long a label is at most, in code points.
pub const LONGEST_LABEL: usize = 80;

/// How many fields a form has at most.
pub const MAX_FIELDS: usize = 5;

/// Something on a post that people can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// A button.
    Button(Button),
    /// A list to choose from.
    Choice(Choice),
}

impl Control {
    /// What it is called when somebody acts on it.
    pub fn id(&self) -> &ActionId {
        match self {
            Self::Button(button) => &button.id,
            Self::Choice(choice) => &choice.id,
        }
    }
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What it is called when it is pressed.
    pub id: ActionId,
    /// What it says, at most [`LONGEST_LABEL`] code points.
    pub label: String,
    /// How much it stands out.
    pub style: ButtonStyle,
    /// The form that it opens: then not the press is reported, but the form when it is sent.
    pub opens: Option<Form>,
}

impl Button {
    /// A button that stands out as its style says, and opens nothing.
    pub fn new(id: ActionId, label: impl Into<String>, style: ButtonStyle) -> Self {
        Self {
            id,
            label: label.into(),
            style,
            opens: None,
        }
    }
}

/// How much a button stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ButtonStyle {
    /// What most people want.
    Primary,
    /// One of several.
    Plain,
    /// It ends or refuses something.
    Danger,
}

impl ButtonStyle {
    /// All styles.
    pub const ALL: [Self; 3] = [Self::Primary, Self::Plain, Self::Danger];

    /// One word for stores and transcripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Plain => "plain",
            Self::Danger => "danger",
        }
    }
}

/// A list to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What it is called when something is chosen.
    pub id: ActionId,
    /// What it says while nothing is chosen.
    pub prompt: String,
    /// What there is to choose from, at most [`MAX_OPTIONS`].
    pub options: Vec<ChoiceOption>,
    /// How many of them may be chosen at once; at least one is.
    pub most: usize,
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceOption {
    /// What is reported when it is chosen, at most 100 characters.
    pub value: String,
    /// What it says, at most [`LONGEST_LABEL`] code points.
    pub label: String,
    /// More about it, if there is more, at most 100 code points.
    pub description: Option<String>,
}

/// A form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// What it is called when it is sent.
    pub id: ActionId,
    /// Its title, at most 45 code points.
    pub title: String,
    /// What is asked, at most [`MAX_FIELDS`].
    pub fields: Vec<Field>,
}

/// A text that a form asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is called in what is sent.
    pub name: String,
    /// What it says, at most 45 code points.
    pub label: String,
    /// Whether it takes several lines.
    pub long: bool,
    /// Whether it must not be left empty.
    pub required: bool,
}
