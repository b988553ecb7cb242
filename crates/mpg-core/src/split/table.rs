//! Tables: the two lines that make one.

/// Whether `line` can be a row of a table.
pub(super) fn is_row(line: &str) -> bool {
    line.contains('|')
}

/// Whether `line` is the delimiter row that makes `header` the header of a table.
pub(super) fn delimits(line: &str, header: &str) -> bool {
    let line = unquoted(line);
    is_row(line)
        && line
            .chars()
            .all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
        && cells(line).all(is_delimiter)
        && cells(line).count() == cells(unquoted(header)).count()
}

fn unquoted(line: &str) -> &str {
    line.trim_start_matches(['>', ' ', '\t']).trim_end()
}

fn is_delimiter(cell: &str) -> bool {
    let cell = cell.trim();
    let cell = cell.strip_prefix(':').unwrap_or(cell);
    let dashes = cell.strip_suffix(':').unwrap_or(cell);
    !dashes.is_empty() && dashes.bytes().all(|byte| byte == b'-')
}

/// The cells of a row: a pipe behind a backslash belongs to its cell.
pub(crate) fn cells(row: &str) -> impl Iterator<Item = &str> {
    let row = row.strip_prefix('|').unwrap_or(row);
    let row = match row.strip_suffix('|') {
        Some(inner) if !inner.ends_with('\\') => inner,
        Some(_) | None => row,
    };
    let mut escaped = false;
    row.split(move |character: char| {
        let ends = character == '|' && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_row_has_as_many_cells_as_its_header() {
        let cases = [
            ("| a | b |", "|---|---|", true),
            ("a | b", "--- | :-:", true),
            ("| a |", "|-|", true),
            ("> | a | b |", "> |---|---:|", true),
            (r"| a \| b | c |", "|---|---|", true),
            ("| a | b |", "|---|", false),
            ("| a | b |", "| x | - |", false),
            ("| a | b |", "|   |---|", false),
            ("a", "---", false),
        ];
        for (header, line, expected) in cases {
            assert_eq!(delimits(line, header), expected, "{header} / {line}");
        }
    }
}
