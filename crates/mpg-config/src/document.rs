//! From text to a document whose values know where they stand.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use crate::problem::{Problem, Problems};

/// The longest file that is read, in bytes.
pub const MAX_FILE_LENGTH: usize = 1024 * 1024;

/// The longest file in which every syntax error is looked for instead of the first one only: each
/// byte may be an error, and all are gathered before the first is seen.
const RECOVERY_LENGTH: usize = 64 * 1024;

/// How many syntax errors are told one by one; those that follow are mostly echoes of the first.
const SYNTAX_ERRORS: usize = 10;

/// Parses the text. Where it is no TOML, says so and gives nothing back, because what could be
/// guessed from it would only lead to more errors.
pub(crate) fn parse<'i>(text: &'i str, problems: &mut Problems) -> Option<Spanned<DeTable<'i>>> {
    if text.len() > MAX_FILE_LENGTH {
        let problem = Problem::of_file(format!(
            "the file has {} bytes, more than the {MAX_FILE_LENGTH} that are read",
            text.len()
        ));
        problems.error(problem.with_help("is this the right file?"));
        return None;
    }
    let error = match DeTable::parse(text) {
        Ok(document) => return Some(document),
        Err(error) => error,
    };
    let errors = if text.len() <= RECOVERY_LENGTH {
        DeTable::parse_recoverable(text).1
    } else {
        vec![error]
    };
    let mut last_line = None;
    for error in errors.iter().take(SYNTAX_ERRORS) {
        let span = error.span().unwrap_or(text.len()..text.len());
        let line = text
            .bytes()
            .take(span.start)
            .filter(|b| *b == b'\n')
            .count();
        if last_line == Some(line) {
            continue;
        }
        last_line = Some(line);
        problems.error(syntax_problem(error, span));
    }
    None
}

fn syntax_problem(error: &toml::de::Error, span: Range<usize>) -> Problem {
    let problem = Problem::new(span, format!("this is not TOML: {}", error.message()));
    if error.message() == "duplicate key" {
        problem.with_help("a key or table can be given once; put its entries together")
    } else {
        problem
    }
}
