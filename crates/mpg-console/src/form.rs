//! A form that is filled in line by line.

use mpg_core::control::{Field, Form};
use mpg_core::interaction::Action;

/// The line that leaves a form.
pub(crate) const CANCEL: &str = "/cancel";

/// A form on its way.
#[derive(Debug)]
pub(crate) struct Filling {
    form: Form,
    filled: Vec<(String, String)>,
}

/// What follows on a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// This is asked next.
    Ask(String),
    /// The form is sent.
    Send(Action),
    /// It is left.
    Cancelled,
}

impl Filling {
    /// Begins a form, and tells what is asked first.
    pub(crate) fn begin(form: Form) -> (Self, Step) {
        let filling = Self {
            form,
            filled: Vec::new(),
        };
        let step = filling.step();
        (filling, step)
    }

    /// Takes the next line; a blank one leaves a field out, if it may be.
    pub(crate) fn line(&mut self, line: &str) -> Step {
        if line == CANCEL {
            return Step::Cancelled;
        }
        if let Some(field) = self.field()
            && !(field.required && line.trim().is_empty())
        {
            let filled = (field.name.clone(), line.to_owned());
            self.filled.push(filled);
        }
        self.step()
    }

    fn field(&self) -> Option<&Field> {
        self.form.fields.get(self.filled.len())
    }

    fn step(&self) -> Step {
        match self.field() {
            Some(field) if field.required => Step::Ask(format!("{}: ", field.label)),
            Some(field) => Step::Ask(format!("{} (may be empty): ", field.label)),
            None => Step::Send(Action::Submit {
                id: self.form.id.clone(),
                fields: self.filled.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use mpg_core::interaction::ActionId;

    use super::*;

    fn form() -> Form {
        let field = |name: &str, required| Field {
            name: name.to_owned(),
            label: format!("The {name}"),
            long: false,
            required,
        };
        Form {
            id: ActionId::parse("f").unwrap(),
            title: "Form".to_owned(),
            fields: vec![field("name", true), field("age", false)],
        }
    }

    fn ask(text: &str) -> Step {
        Step::Ask(text.to_owned())
    }

    #[test]
    fn fields_are_asked_one_after_the_other() {
        let (mut filling, first) = Filling::begin(form());
        assert_eq!(first, ask("The name: "));
        assert_eq!(filling.line(" "), ask("The name: "), "it is required");
        assert_eq!(filling.line("Ann"), ask("The age (may be empty): "));
        let fields = [("name", "Ann"), ("age", "")];
        let fields = fields.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let sent = Action::Submit {
            id: form().id,
            fields: fields.into(),
        };
        assert_eq!(filling.line(""), Step::Send(sent));
    }

    #[test]
    fn a_form_can_be_left() {
        let (mut filling, _) = Filling::begin(form());
        assert_eq!(filling.line(CANCEL), Step::Cancelled);
    }
}
