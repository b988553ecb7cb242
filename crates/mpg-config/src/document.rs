//! From text to a document whose values know where they stand.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use crate::problem::{Problem, Problems};
use crate::suggestion::quoted;

/// The longest file that is read, in bytes.
pub const MAX_FILE_LENGTH: usize = 1024 * 1024;

/// The longest file in which every syntax error is looked for instead of the first one only: each
/// byte may be an error, and all are gathered before the first is seen.
const RECOVERY_LENGTH: usize = 64 * 1024;

/// What the parser says of a key or table that was there before.
const DUPLICATE: &str = "duplicate key";

/// How many syntax errors are told one by one; those that follow are mostly echoes of the first.
const SYNTAX_ERRORS: usize = 10;

/// Parses the text. Where it is no TOML, says so and gives nothing back, because what could be
/// guessed from it would only lead to more errors.
pub(crate) fn parse<'i>(text: &'i str, problems: &mut Problems) -> Option<Spanned<DeTable<'i>>> {
    checked_length(text, problems)?;
    let error = match DeTable::parse(text) {
        Ok(document) => return Some(document),
        Err(error) => error,
    };
    let errors = if text.len() <= RECOVERY_LENGTH {
        DeTable::parse_recoverable(text).1
    } else {
        vec![error]
    };
    let mut told = Vec::new();
    for error in &errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        if told.len() == SYNTAX_ERRORS {
            break;
        }
        let line = line_of(text, span.start);
        let echoes = told
            .iter()
            .any(|told: &Range<usize>| told.contains(&line.start));
        if echoes {
            continue;
        }
        if error.message() == DUPLICATE {
            let table = duplicate_table(text, &line);
            problems.error(duplicate(text, &line, span));
            told.push(table.unwrap_or(line));
        } else {
            let message = format!("this is not TOML: {}", error.message());
            problems.error(Problem::new(span, message));
            told.push(line);
        }
    }
    None
}

/// Refuses a file that is longer than any that means something.
pub(crate) fn checked_length(text: &str, problems: &mut Problems) -> Option<()> {
    if text.len() <= MAX_FILE_LENGTH {
        return Some(());
    }
    let problem = Problem::of_file(format!(
        "the file has {} bytes, more than the {MAX_FILE_LENGTH} that are read",
        text.len()
    ));
    problems.error(problem.with_help("is this the right file?"));
    None
}

/// A key or table that was there before; a table's header is shown with the first one of its name.
fn duplicate(text: &str, line: &Range<usize>, span: Range<usize>) -> Problem {
    let name = text.get(span.clone()).unwrap_or_default();
    let header = text.get(line.clone()).unwrap_or_default().trim();
    let problem = if header.starts_with('[') {
        let first = text
            .split_inclusive('\n')
            .scan(0, |start, line| {
                let at = *start;
                *start += line.len();
                Some((at, line))
            })
            .take_while(|(at, _)| *at < line.start)
            .find(|(_, line)| line.trim() == header);
        let problem = Problem::new(
            line.start..line.start + header.len(),
            format!("table {} is there twice", quoted(header)),
        );
        match first {
            Some((at, _)) => problem
                .with_label("and again here")
                .and_at(at..at + header.len(), "first here"),
            None => problem,
        }
    } else {
        Problem::new(span, format!("key {} is there twice", quoted(name)))
    };
    problem.with_help("put what belongs together in one place")
}

/// From a table's header to the next one: what is said of the header holds for all of it.
fn duplicate_table(text: &str, line: &Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(line.start..)?;
    let body = rest.trim_start().strip_prefix('[')?;
    let end = body
        .find("\n[")
        .map_or(text.len(), |next| text.len() - body.len() + next + 1);
    Some(line.start..end)
}

/// The line that holds a byte, without its end.
fn line_of(text: &str, at: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let at = at.min(bytes.len());
    let (before, after) = bytes.split_at(at);
    let start = before
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |n| n + 1);
    let end = after
        .iter()
        .position(|b| *b == b'\n')
        .map_or(bytes.len(), |n| at + n);
    start..end
}
