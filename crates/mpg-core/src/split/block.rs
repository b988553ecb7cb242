//! What a line is part of, as far as a cut must know.

use super::Budget;
use super::fence::{Fence, Step};
use super::table;

/// What the end of a line is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block<'t> {
    Text,
    /// Directly behind a heading, which belongs to what follows.
    Heading,
    /// Behind a line that is a table's header if a delimiter row follows; it starts here.
    Row {
        start: usize,
    },
    /// In a table with this header row and delimiter row.
    Table {
        header: &'t str,
    },
    Fence(Fence<'t>),
}

/// How good a line end is for a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// It must hold together with the next line if at all possible.
    Bound,
    Line,
    /// A new block begins behind it.
    Block,
}

impl<'t> Block<'t> {
    /// What the end of the line `text[start..end]` is inside of, if its beginning was in `self`.
    pub(super) fn after(self, text: &'t str, start: usize, end: usize, budget: Budget) -> Self {
        let line = &text[start..end];
        if let Self::Fence(fence) = self {
            match fence.step(line) {
                Step::Inside => return self,
                Step::Closes => return Self::Text,
                Step::Leaves => {}
            }
        }
        if let Some(fence) = Self::opened(line, budget) {
            return Self::Fence(fence);
        }
        match self {
            Self::Row { start: header }
                if table::delimits(line, text[header..start].trim_end()) =>
            {
                Self::Table {
                    header: &text[header..end],
                }
            }
            Self::Table { .. } if table::is_row(line) => self,
            Self::Text | Self::Heading | Self::Row { .. } | Self::Table { .. } | Self::Fence(_) => {
                if is_heading(line) {
                    Self::Heading
                } else if table::is_row(line) {
                    Self::Row { start }
                } else {
                    Self::Text
                }
            }
        }
    }

    /// What `line` is inside of if it follows in `self`: outside a fence's quote, not in the fence.
    pub(super) fn around(self, line: &str) -> Self {
        let left = matches!(self, Self::Fence(fence) if fence.is_left_by(line));
        if left { Self::Text } else { self }
    }

    /// The fence that `line` opens outside fences. One whose closing line would be too long for a
    /// piece is none.
    pub(super) fn opened(line: &'t str, budget: Budget) -> Option<Fence<'t>> {
        // It is ASCII, where all units are alike.
        Fence::open(line, budget.fence_line())
    }

    /// How good the end of a line is for a cut: `before` it was `before`, now it is `self`, and
    /// `next` follows.
    pub(super) fn line_end(
        self,
        before: Self,
        line: &str,
        next: &'t str,
        budget: Budget,
    ) -> LineEnd {
        match self {
            Self::Fence(fence) => match (before, fence.step(next)) {
                (_, Step::Leaves) => LineEnd::Block,
                (Self::Fence(_), Step::Inside) => LineEnd::Line,
                // An opening line says nothing without code, nor does a closing line.
                (_, Step::Inside | Step::Closes) => LineEnd::Bound,
            },
            Self::Heading => LineEnd::Bound,
            Self::Row { .. } if table::delimits(next, line) => LineEnd::Bound,
            Self::Table { .. } if matches!(before, Self::Row { .. }) => LineEnd::Bound,
            Self::Text | Self::Row { .. } | Self::Table { .. } => {
                let new_block = matches!(before, Self::Fence(_))
                    || next.trim().is_empty()
                    || Self::opened(next, budget).is_some();
                if new_block {
                    LineEnd::Block
                } else {
                    LineEnd::Line
                }
            }
        }
    }

    /// What goes on behind a cut after which `next` is the first line that is not blank.
    pub(super) fn continued(self, next: &'t str, blank_between: bool, budget: Budget) -> Self {
        match self {
            Self::Fence(fence) => {
                let left = fence.is_left_by(next) || blank_between && fence.is_left_by("");
                if left { Self::Text } else { self }
            }
            Self::Table { header }
                if !blank_between
                    && table::is_row(next)
                    && Self::opened(next, budget).is_none()
                    && budget.fits(header, budget.table_header()) =>
            {
                self
            }
            Self::Text | Self::Heading | Self::Row { .. } | Self::Table { .. } => Self::Text,
        }
    }

    /// The lines that a piece begins with if it goes on in `self`.
    pub(super) fn head(self, budget: Budget) -> String {
        let mut head = match self {
            Self::Text | Self::Heading | Self::Row { .. } => return String::new(),
            Self::Table { header } => header.to_owned(),
            Self::Fence(fence) => {
                let mut line = fence.closing_line();
                let room = budget.fence_line().saturating_sub(budget.count(&line));
                if budget.fits(fence.info(), room) {
                    line.push_str(fence.info());
                }
                line
            }
        };
        head.push('\n');
        head
    }

    /// What a piece ends with if it ends in `self`.
    pub(super) fn tail(self) -> String {
        match self {
            Self::Text | Self::Heading | Self::Row { .. } | Self::Table { .. } => String::new(),
            Self::Fence(fence) => format!("\n{}", fence.closing_line()),
        }
    }
}

fn is_heading(line: &str) -> bool {
    let line = line.trim_start();
    let behind = line.trim_start_matches('#');
    (1..=6).contains(&(line.len() - behind.len())) && behind.starts_with([' ', '\t'])
}
