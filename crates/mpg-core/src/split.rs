//! Cutting a long text into posts without breaking its Markdown.

mod block;
mod cut;
pub(crate) mod fence;
pub(crate) mod table;
#[cfg(test)]
mod tests;

use crate::capability::{TextLimit, TextUnit};

use block::Block;
use cut::{Cut, Cutter};

/// Cuts `text` into pieces of at most `limit`, none of them blank.
///
/// A piece ends at the best boundary of its last three quarters: before a new block (a blank line or
/// a code fence), else at the end of a line, of a sentence, of a word, of a grapheme cluster; blank
/// lines and spaces at a cut are dropped. A code fence that is cut is closed at the end of the piece
/// and opened again in the next one, with its info string where the opening line takes at most a
/// quarter of the limit. A table that is cut between rows gets its header again where that takes at
/// most half of the limit.
///
/// A text within the limit is its only piece, without the blank lines around it; a blank text has no
/// pieces. Limits below [`TextLimit::SMALLEST`] are raised to it. A grapheme cluster that is longer
/// than the limit is cut between code points. A run of fence marks that is longer than a quarter of
/// the limit counts as text. Takes time in proportion to the text.
///
/// Fences and tables are meant as [GitHub Flavored Markdown](https://github.github.com/gfm/) has
/// them, except that a fence may open at any indentation, because in a list it stands far to the
/// right.
pub fn split(text: &str, limit: TextLimit) -> Vec<String> {
    pieces(text, limit).iter().map(Piece::render).collect()
}

/// A slice of the text with what makes it readable alone.
#[derive(Debug)]
struct Piece<'t> {
    /// The lines that were repeated for it, each with its line end.
    head: String,
    body: &'t str,
    /// What closes it, with the line end before it.
    tail: String,
}

impl Piece<'_> {
    fn render(&self) -> String {
        [&self.head, self.body, &self.tail].concat()
    }
}

fn pieces(text: &str, limit: TextLimit) -> Vec<Piece<'_>> {
    let budget = Budget::new(limit);
    let text = text.trim_end();
    let Some(mut start) = budget.skip_blank_lines(text, 0) else {
        return Vec::new();
    };
    if budget.fits(&text[start..], budget.max) {
        return vec![Piece {
            head: String::new(),
            body: &text[start..],
            tail: String::new(),
        }];
    }

    let mut pieces = Vec::new();
    let mut cutter = Cutter::new(text, budget);
    let mut block = Block::Text;
    loop {
        let head = block.head(budget);
        let room = budget.max - budget.count(&head);
        let Cut {
            end,
            next,
            closes,
            continues,
        } = cutter.cut(start, block, room);
        pieces.push(Piece {
            head,
            body: &text[start..end],
            tail: closes.tail(),
        });
        match next {
            Some(next) => (start, block) = (next, continues),
            None => return pieces,
        }
    }
}

/// The limit, and the shares of it that may go to what the splitter adds.
#[derive(Clone, Copy, Debug)]
struct Budget {
    max: usize,
    unit: TextUnit,
}

impl Budget {
    fn new(limit: TextLimit) -> Self {
        Self {
            max: limit.max.max(TextLimit::SMALLEST),
            unit: limit.unit,
        }
    }

    /// The longest line that opens or closes a fence.
    fn fence_line(self) -> usize {
        self.max / 4
    }

    /// The longest table header that is repeated.
    fn table_header(self) -> usize {
        self.max / 2
    }

    fn count(self, text: &str) -> usize {
        self.unit.count(text)
    }

    /// Whether `text` is at most `room` long, without counting further than that.
    fn fits(self, text: &str, room: usize) -> bool {
        self.reach(text, 0, room) == text.len()
    }

    /// The offset up to which `text` takes at most `room` from `start` on.
    fn reach(self, text: &str, start: usize, room: usize) -> usize {
        let width = |character: char| match self.unit {
            TextUnit::Bytes => character.len_utf8(),
            TextUnit::CodePoints => 1,
            TextUnit::Utf16 => character.len_utf16(),
        };
        let mut left = room;
        for (offset, character) in text[start..].char_indices() {
            match left.checked_sub(width(character)) {
                Some(rest) => left = rest,
                None => return start + offset,
            }
        }
        text.len()
    }

    /// The start of the first line from `start` on that is not blank. An indentation that would take
    /// more than an eighth of a piece is skipped too.
    fn skip_blank_lines(self, text: &str, start: usize) -> Option<usize> {
        let visible = start + text[start..].find(|c: char| !c.is_whitespace())?;
        let line = text[start..visible]
            .rfind('\n')
            .map_or(start, |end| start + end + 1);
        if self.fits(&text[line..visible], self.max / 8) {
            Some(line)
        } else {
            Some(visible)
        }
    }
}
