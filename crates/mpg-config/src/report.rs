//! All problems of a file, and how they are shown to a person.

mod excerpt;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode,
};
use thiserror::Error;

use self::excerpt::{Excerpt, position};
use crate::problem::{Bounded, Problem};

/// How many problems of one sort a report holds one by one; the others are counted.
pub const MAX_PROBLEMS: usize = 50;

/// The longest message, help or label that is printed, in characters.
const TEXT_LIMIT: usize = 600;

/// Why a file cannot be used: everything that is wrong with it.
///
/// Its `Display` is one line; [`Report::render`] shows each problem in its place.
#[derive(Clone, Debug, Error)]
#[error("{0}")]
pub struct ConfigError(Box<Report>);

impl ConfigError {
    /// Makes an error of problems that were found after the file was loaded.
    pub fn new(source_name: &str, text: &str, problems: Vec<Problem>) -> Self {
        let mut bounded = Bounded::default();
        for problem in problems {
            bounded.push(problem);
        }
        Self::of_report(Report::new(Severity::Error, source_name, text, bounded))
    }

    pub(crate) fn of_report(report: Report) -> Self {
        Self(Box::new(report))
    }

    /// What is wrong, place by place.
    pub fn report(&self) -> &Report {
        &self.0
    }
}

/// How a report is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without colours: for files, pipes and tests.
    Plain,
    /// With colours: for a terminal.
    Colored,
}

/// Problems of one file, in the order of their places; at most [`MAX_PROBLEMS`].
#[derive(Clone)]
pub struct Report {
    severity: Severity,
    source_name: String,
    text: Arc<str>,
    problems: Vec<Problem>,
    omitted: usize,
}

impl Report {
    pub(crate) fn new(
        severity: Severity,
        source_name: &str,
        text: &str,
        problems: Bounded,
    ) -> Self {
        let Bounded { mut kept, omitted } = problems;
        kept.sort_by_key(|problem| problem.labels.first().map(|label| label.span.start));
        Self {
            severity,
            source_name: source_name.to_owned(),
            text: Arc::from(text),
            problems: kept,
            omitted,
        }
    }

    /// The problems, in the order of their places.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The line and column of a problem's first place, counted from 1, the column in characters.
    pub fn position(&self, problem: &Problem) -> Option<(usize, usize)> {
        let label = problem.labels.first()?;
        let (line, column) = position(&self.text, label.span.start);
        Some((line + 1, column + 1))
    }

    /// Draws each problem with the lines that it concerns.
    ///
    /// The output is bounded whatever the file holds: long lines are cut around the place in
    /// question, control characters are replaced, and problems beyond the limit are only counted.
    pub fn render(&self, style: Style) -> String {
        let theme = match style {
            Style::Plain => GraphicalTheme::unicode_nocolor(),
            Style::Colored => GraphicalTheme::unicode(),
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_wrap_lines(false);
        let mut output = String::new();
        for problem in &self.problems {
            let shown = Shown::new(self, problem);
            if handler.render_report(&mut output, &shown).is_err() {
                output.push_str(&shown.message);
            }
            output.push('\n');
        }
        if self.omitted > 0 {
            let more = format!("and {} more\n", self.omitted);
            output.push_str(&more);
        }
        output
    }

    fn total(&self) -> usize {
        self.problems.len().saturating_add(self.omitted)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = match self.severity {
            Severity::Error => "problem",
            Severity::Warning | Severity::Advice => "warning",
        };
        let total = self.total();
        let plural = if total == 1 { "" } else { "s" };
        write!(f, "{} has {total} {noun}{plural}", self.source_name)?;
        let Some(first) = self.problems.first() else {
            return Ok(());
        };
        match self.position(first) {
            Some((line, column)) => write!(f, ", the first at {line}:{column}: ")?,
            None => f.write_str(": ")?,
        }
        f.write_str(&clean(&first.message))
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("source_name", &self.source_name)
            .field("problems", &self.problems)
            .field("omitted", &self.omitted)
            .finish_non_exhaustive()
    }
}

/// One problem as `miette` draws it.
#[derive(Debug)]
struct Shown {
    severity: Severity,
    message: String,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    excerpt: Excerpt,
}

impl Shown {
    fn new(report: &Report, problem: &Problem) -> Self {
        let spans = problem.labels.iter().map(|label| label.span.clone());
        let spans: Vec<_> = spans.collect();
        let (excerpt, spans) = Excerpt::new(&report.source_name, &report.text, &spans);
        let labels = problem.labels.iter().zip(spans).enumerate();
        let labels = labels.map(|(at, (label, span))| {
            let text = (!label.text.is_empty()).then(|| clean(&label.text));
            if at == 0 {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            }
        });
        Self {
            severity: report.severity,
            message: if problem.labels.is_empty() {
                format!("{}: {}", report.source_name, clean(&problem.message))
            } else {
                clean(&problem.message)
            },
            help: problem.help.as_deref().map(clean),
            labels: labels.collect(),
            excerpt,
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Shown {}

impl Diagnostic for Shown {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.labels.is_empty()).then_some(&self.excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = _>>)
    }
}

fn clean(text: &str) -> String {
    let mut cleaned: String = text
        .chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .take(TEXT_LIMIT)
        .collect();
    if text.chars().nth(TEXT_LIMIT).is_some() {
        cleaned.push('…');
    }
    cleaned
}
