//! One thing that is wrong with a file, and the list that such things are gathered in.

use std::ops::Range;

use crate::report::MAX_PROBLEMS;

/// One thing that is wrong with a configuration file, or that its author should know.
///
/// The first label is the place that the report names by line and column; a problem without labels
/// concerns the file as a whole. Spans are byte ranges of the file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in one lower-case clause.
    pub message: String,
    /// The places that it concerns.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place in a file and what is to be said there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The bytes that it marks.
    pub span: Range<usize>,
    /// A few words, or none at all.
    pub text: String,
}

impl Problem {
    /// Makes a problem at one place.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            labels: vec![Label {
                span,
                text: String::new(),
            }],
            help: None,
        }
    }

    /// Makes a problem of the file as a whole.
    pub fn of_file(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            labels: Vec::new(),
            help: None,
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Writes a few words beside the first place.
    #[must_use]
    pub fn with_label(mut self, text: impl Into<String>) -> Self {
        if let Some(first) = self.labels.first_mut() {
            first.text = text.into();
        }
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn and_at(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }
}

/// What was found so far; never more than [`MAX_PROBLEMS`] of each sort.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    pub(crate) errors: Bounded,
    pub(crate) warnings: Bounded,
}

impl Problems {
    /// Adds what makes the file unusable.
    pub(crate) fn error(&mut self, problem: Problem) {
        self.errors.push(problem);
    }

    /// Adds what makes the file unusable and costs time to explain: where there is no more room,
    /// it is only counted.
    pub(crate) fn error_with(&mut self, problem: impl FnOnce() -> Problem) {
        if self.errors.kept.len() < MAX_PROBLEMS {
            self.errors.push(problem());
        } else {
            self.errors.omitted = self.errors.omitted.saturating_add(1);
        }
    }

    /// Adds what the file's author should know.
    pub(crate) fn warning(&mut self, problem: Problem) {
        self.warnings.push(problem);
    }
}

/// The first problems one by one, the others as a number.
#[derive(Debug, Default)]
pub(crate) struct Bounded {
    pub(crate) kept: Vec<Problem>,
    pub(crate) omitted: usize,
}

impl Bounded {
    pub(crate) fn push(&mut self, problem: Problem) {
        if self.kept.len() < MAX_PROBLEMS {
            self.kept.push(problem);
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }
}
