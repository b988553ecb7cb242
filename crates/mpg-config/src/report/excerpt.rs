//! The lines of a file that a problem concerns, made fit to be printed.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// The longest part of a line that is shown, in characters.
const LINE_LIMIT: usize = 160;

/// How much of a long line is shown before the place in question, in characters.
const LEAD: usize = 40;

/// The lines around some spans, cut where they are long and without control characters.
///
/// Line numbers and columns are those of the file: the columns of its spans are kept aside because
/// a cut line no longer tells them.
#[derive(Debug)]
pub(super) struct Excerpt {
    name: String,
    text: String,
    first_line: usize,
    columns: Vec<(SourceSpan, usize)>,
}

/// A span, clipped to its first line.
struct Mark {
    line: usize,
    start: usize,
    end: usize,
}

impl Excerpt {
    /// Cuts the excerpt out of `text` and gives back where the spans are in it.
    ///
    /// Spans may lie anywhere: outside the text, inside a character, across lines.
    pub(super) fn new(name: &str, text: &str, spans: &[Range<usize>]) -> (Self, Vec<SourceSpan>) {
        let marks: Vec<Mark> = spans.iter().map(|span| Mark::new(text, span)).collect();
        let lines = marks.iter().map(|mark| mark.line);
        let first_line = lines.clone().min().unwrap_or(0).saturating_sub(1);
        let last_line = lines.max().unwrap_or(0).saturating_add(1);
        let mut excerpt = Self {
            name: name.to_owned(),
            text: String::new(),
            first_line,
            columns: Vec::new(),
        };
        let mut placed = vec![SourceSpan::from(0..0); marks.len()];
        let count = last_line - first_line + 1;
        for (number, line) in text.split('\n').enumerate().skip(first_line).take(count) {
            excerpt.push_line(number, line, &marks, &mut placed);
        }
        excerpt.columns = placed
            .iter()
            .zip(&marks)
            .map(|(span, mark)| (*span, mark.start))
            .collect();
        (excerpt, placed)
    }

    fn push_line(&mut self, number: usize, line: &str, marks: &[Mark], placed: &mut [SourceSpan]) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let length = line.chars().count();
        let from = match marks.iter().find(|mark| mark.line == number) {
            Some(mark) if length > LINE_LIMIT && mark.start > LINE_LIMIT / 2 => mark.start - LEAD,
            _ => 0,
        };
        if from > 0 {
            self.text.push('…');
        }
        let window = from..length.min(from + LINE_LIMIT);
        let begin = self.text.len();
        let mut offsets = Vec::with_capacity(window.len() + 1);
        for c in line.chars().skip(from).take(window.len()) {
            offsets.push(self.text.len());
            let shown = if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            };
            self.text.push(shown);
        }
        offsets.push(self.text.len());
        let offset = |column: usize| {
            let within = column.saturating_sub(from).min(offsets.len() - 1);
            offsets.get(within).copied().unwrap_or(begin)
        };
        for (mark, span) in marks.iter().zip(placed) {
            if mark.line == number {
                *span = SourceSpan::from(offset(mark.start)..offset(mark.end));
            }
        }
        if window.end < length {
            self.text.push('…');
        }
        self.text.push('\n');
    }
}

impl Mark {
    fn new(text: &str, span: &Range<usize>) -> Self {
        let (line, start) = position(text, span.start);
        let (end_line, end) = position(text, span.end.max(span.start));
        let end = if end_line == line { end } else { usize::MAX };
        Self { line, start, end }
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        context_lines_before: usize,
        context_lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner =
            self.text
                .as_str()
                .read_span(span, context_lines_before, context_lines_after)?;
        let asks_for_place = context_lines_before == 0 && context_lines_after == 0;
        let column = self
            .columns
            .iter()
            .find(|(known, _)| asks_for_place && known == span)
            .map_or(inner.column(), |(_, column)| *column);
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            *inner.span(),
            inner.line() + self.first_line,
            column,
            inner.line_count(),
        )))
    }
}

/// The line and column of a byte, counted from 0, the column in characters. A byte beyond the end
/// counts as the end.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count();
    let column = before.get(line_start..).unwrap_or_default().chars().count();
    (line, column)
}
