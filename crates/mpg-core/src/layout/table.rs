//! One table, and how it is shown.

use std::ops::Range;

use pulldown_cmark::{Alignment, Event, Tag, TagEnd};
use unicode_width::UnicodeWidthStr as _;

use crate::capability::TextLimit;
use crate::split::table::cells;

/// What stands between two columns.
const GAP: &str = "  ";

/// How much the names of columns may add to a text where they are repeated, in bytes: a table that
/// needs more is left as it is.
const MOST_REPEATED: usize = 64 * 1024;

/// What stands for a value that is not there.
const NOTHING: &str = "–";

/// A table, cell by cell.
#[derive(Debug, Default)]
pub(super) struct Table {
    alignments: Vec<Alignment>,
    header: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
#[derive(Clone, Debug, Default)]
struct Cell {
    /// As it reads.
    plain: String,
    /// As it was written.
    source: String,
    /// Whether there is something in it to follow.
    linked: bool,
}

impl Table {
    /// The lines that show it, at most `columns` wide where they are a block; `None` where they would
    /// be far longer than the table.
    pub(super) fn lines(&self, columns: usize, limit: TextLimit) -> Option<Vec<String>> {
        if let Some(block) = self.block(columns, limit) {
            return Some(block);
        }
        let names: usize = self.header.iter().map(|cell| cell.source.len() + 10).sum();
        (names.saturating_mul(self.rows.len()) <= MOST_REPEATED).then(|| self.records())
    }

    /// Aligned columns in fences; `None` where a block cannot show it.
    fn block(&self, columns: usize, limit: TextLimit) -> Option<Vec<String>> {
        let every = || self.rows.iter().chain([&self.header]);
        let showable = |cell: &Cell| !cell.linked && !cell.plain.contains("```");
        if !every().flatten().all(showable) {
            return None;
        }
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| {
                let cells = every().filter_map(|row| row.get(column));
                cells.map(|cell| cell.plain.width()).max().unwrap_or(0)
            })
            .collect();
        let gaps = widths.len().saturating_sub(1) * GAP.len();
        if widths.iter().sum::<usize>() + gaps > columns {
            return None;
        }
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        let head = [self.row(&self.header, &widths), rule.join(GAP)];
        let rows: Vec<String> = self.rows.iter().map(|row| self.row(row, &widths)).collect();
        // The width of a whole line can differ from that of its parts.
        if head.iter().chain(&rows).any(|line| line.width() > columns) {
            return None;
        }

        let count = |line: &String| limit.unit.count(line) + 1;
        let most = limit.max.max(TextLimit::SMALLEST) * 3 / 4;
        let fixed = head.iter().map(count).sum::<usize>() + 8;
        let mut lines = Vec::new();
        let mut taken = 0;
        for (index, row) in rows.into_iter().enumerate() {
            let length = count(&row);
            if index == 0 || taken + length > most {
                if index > 0 {
                    lines.push("```".to_owned());
                }
                lines.push("```".to_owned());
                lines.extend(head.iter().cloned());
                taken = fixed;
            }
            taken += length;
            lines.push(row);
        }
        if lines.is_empty() {
            lines.push("```".to_owned());
            lines.extend(head);
        }
        lines.push("```".to_owned());
        Some(lines)
    }

    fn row(&self, row: &[Cell], widths: &[usize]) -> String {
        let mut line = String::new();
        for (column, width) in widths.iter().enumerate() {
            if column > 0 {
                line.push_str(GAP);
            }
            let cell = row.get(column).map_or("", |cell| cell.plain.as_str());
            let room = width.saturating_sub(cell.width());
            let before = match self.alignments.get(column) {
                Some(Alignment::Right) => room,
                Some(Alignment::Center) => room / 2,
                Some(Alignment::Left | Alignment::None) | None => 0,
            };
            line.push_str(&" ".repeat(before));
            line.push_str(cell);
            line.push_str(&" ".repeat(room - before));
        }
        line.truncate(line.trim_end_matches(' ').len());
        line
    }

    /// One record a row: a line for each cell, with the name of its column.
    fn records(&self) -> Vec<String> {
        if self.rows.is_empty() {
            let names = self.header.iter().map(Cell::name);
            return vec![names.collect::<Vec<_>>().join(" · ")];
        }
        let mut lines = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            if index > 0 {
                lines.push(String::new());
            }
            for (column, name) in self.header.iter().enumerate() {
                let value = row.get(column).map_or("", |cell| cell.source.as_str());
                let value = if value.is_empty() { NOTHING } else { value };
                let line = match name.name().as_str() {
                    "" => value.to_owned(),
                    name => format!("{name}: {value}"),
                };
                lines.extend(line.split('\n').map(str::to_owned));
            }
        }
        lines
    }
}

impl Cell {
    /// As the name of a value.
    fn name(&self) -> String {
        if self.source.is_empty() || self.source.contains('*') {
            return self.source.clone();
        }
        format!("**{}**", self.source)
    }
}

/// Takes in a table as a parser reports it.
#[derive(Debug)]
pub(super) struct TableReader {
    table: Table,
    row: Vec<Cell>,
    cell: Cell,
}

impl TableReader {
    pub(super) fn new(alignments: Vec<Alignment>) -> Self {
        Self {
            table: Table {
                alignments,
                ..Table::default()
            },
            row: Vec::new(),
            cell: Cell::default(),
        }
    }

    /// Takes in what stands at `range` inside the table.
    pub(super) fn read(&mut self, text: &str, event: &Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::TableCell) => {
                self.cell = Cell {
                    source: written(text[range].trim().trim_matches('|').trim()),
                    ..Cell::default()
                };
            }
            Event::End(TagEnd::TableCell) => {
                let cell = std::mem::take(&mut self.cell);
                self.row.push(Cell {
                    plain: cell.plain.trim().to_owned(),
                    ..cell
                });
            }
            Event::End(TagEnd::TableHead) => self.table.header = std::mem::take(&mut self.row),
            Event::End(TagEnd::TableRow) => {
                let mut row = std::mem::take(&mut self.row);
                self.keep_the_rest(&text[range], &mut row);
                self.table.rows.push(row);
            }
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => self.cell.linked = true,
            Event::InlineHtml(part) if is_break(part) => self.say(" "),
            Event::Text(part) | Event::Code(part) | Event::InlineHtml(part) | Event::Html(part) => {
                self.say(part);
            }
            Event::SoftBreak | Event::HardBreak => self.say(" "),
            Event::Start(_)
            | Event::End(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::Rule
            | Event::TaskListMarker(_) => {}
        }
    }

    pub(super) fn finish(self) -> Table {
        self.table
    }

    fn say(&mut self, part: &str) {
        self.cell.linked |= part.contains("://");
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        self.cell.plain.extend(part.chars().map(visible));
    }

    /// Puts what a row has beyond the columns of its table into its last cell.
    fn keep_the_rest(&self, source: &str, row: &mut [Cell]) {
        let beyond: Vec<&str> = cells(source.trim()).skip(self.table.header.len()).collect();
        if let (false, Some(last)) = (beyond.is_empty(), row.last_mut()) {
            let rest = written(beyond.join("|").trim());
            for text in [&mut last.plain, &mut last.source] {
                text.push_str(" | ");
                text.push_str(&rest);
            }
            last.linked |= rest.contains("://");
        }
    }
}

/// The source of a cell as it is written outside a table.
fn written(source: &str) -> String {
    let mut source = source.replace("\\|", "|");
    for mark in ["<br>", "<br/>", "<br />"] {
        source = source.replace(mark, "\n");
    }
    source
}

fn is_break(html: &str) -> bool {
    matches!(html, "<br>" | "<br/>" | "<br />")
}
