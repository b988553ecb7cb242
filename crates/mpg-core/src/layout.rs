//! Making what a model wrote readable where Markdown is shown in part: tables and diffs.

mod diff;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::capability::TextLimit;
use table::{Table, TableReader};

/// How many columns of a monospace block a phone shows without breaking its lines.
pub const COLUMNS: usize = 55;

/// Lays out what chats do not: each table becomes a block of aligned columns, at most [`COLUMNS`]
/// wide, or one record a row where it is wider or holds links, which a block would not show as such;
/// a block of code that is a diff says so. Everything else is left as it is.
///
/// It comes before [`split`](crate::split::split): a table that is longer than three quarters of
/// `limit` becomes several blocks, each with the header. Width is what a terminal gives a text, as
/// in [UAX #11](https://www.unicode.org/reports/tr11/). Tables are those of
/// [GitHub Flavored Markdown](https://github.github.com/gfm/#tables-extension-), except that what a
/// row has beyond its table's columns stays in its last cell. A table whose records would repeat too
/// much is left as it is.
pub fn lay_out(text: &str, limit: TextLimit) -> Cow<'_, str> {
    if !text.contains('|') && !text.contains("```") && !text.contains("~~~") {
        return Cow::Borrowed(text);
    }
    let changes = changes(text, limit);
    if changes.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut laid_out = String::with_capacity(text.len());
    let mut done = 0;
    for (range, instead) in changes {
        laid_out.push_str(&text[done..range.start]);
        laid_out.push_str(&instead);
        done = range.end;
    }
    laid_out.push_str(&text[done..]);
    Cow::Owned(laid_out)
}

/// What is replaced, in order.
fn changes(text: &str, limit: TextLimit) -> Vec<(Range<usize>, String)> {
    let mut changes = Vec::new();
    let mut reader: Option<TableReader> = None;
    let mut code: Option<(Range<usize>, String)> = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        if let Some(open) = &mut reader {
            if let Event::End(TagEnd::Table) = event {
                if let Some(table) = reader.take() {
                    changes.extend(in_place(text, range, &table.finish(), limit));
                }
            } else {
                open.read(text, &event, range);
            }
        } else if let Some((info, content)) = &mut code {
            if let Event::Text(part) = &event {
                content.push_str(part);
            } else if let Event::End(TagEnd::CodeBlock) = event {
                if diff::is_diff(&text[info.clone()], content) {
                    changes.push((info.clone(), "diff".to_owned()));
                }
                code = None;
            }
        } else if let Event::Start(Tag::Table(alignments)) = event {
            reader = Some(TableReader::new(alignments));
        } else if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) = event {
            code = Some((diff::info(text, range), String::new()));
        }
    }
    changes
}

/// What stands instead of a table: whole lines, inside the same quotes. A list marker before it keeps
/// a line of its own. `None`: the table stays.
fn in_place(
    text: &str,
    range: Range<usize>,
    table: &Table,
    limit: TextLimit,
) -> Option<(Range<usize>, String)> {
    let line = text[..range.start].rfind('\n').map_or(0, |end| end + 1);
    let lead = &text[line..range.start];
    let quotes = "> ".repeat(lead.matches('>').count());
    let alone = lead.chars().all(|c| matches!(c, ' ' | '\t' | '>'));
    let ends_line = text[range.clone()].ends_with('\n');

    let mut shown = String::new();
    if !alone {
        shown.push('\n');
    }
    let lines = table.lines(COLUMNS.saturating_sub(quotes.len()), limit)?;
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            shown.push('\n');
        }
        shown.push_str(&quotes);
        shown.push_str(line);
    }
    if ends_line {
        shown.push('\n');
    }
    let start = if alone { line } else { range.start };
    Some((start..range.end, shown))
}
