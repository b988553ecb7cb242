//! Where a piece ends.

use unicode_segmentation::UnicodeSegmentation as _;

use super::Budget;
use super::block::{Block, LineEnd};
use super::fence::{self, Fence};

/// The end of one piece.
#[derive(Debug)]
pub(super) struct Cut<'t> {
    pub end: usize,
    /// Where the next piece begins; `None` behind the last one.
    pub next: Option<usize>,
    /// What must be closed.
    pub closes: Block<'t>,
    /// What goes on in the next piece.
    pub continues: Block<'t>,
}

/// A line without the white space at its end.
#[derive(Clone, Copy, Debug)]
struct Line {
    start: usize,
    end: usize,
    /// The start of the line behind it, or the end of the text.
    next: usize,
}

/// A line that a piece can be cut in, with what stands before it in the piece.
#[derive(Clone, Copy, Debug)]
struct Opened<'t> {
    line: Line,
    block: Block<'t>,
    spent: usize,
    /// What closing the piece in this line may take.
    reserve: usize,
}

/// A place to cut at.
#[derive(Clone, Copy, Debug)]
struct Place<'t> {
    end: usize,
    next: usize,
    closes: Block<'t>,
    continues: Block<'t>,
}

/// Finds the ends of pieces, from the beginning of a text to its end.
#[derive(Debug)]
pub(super) struct Cutter<'t> {
    text: &'t str,
    budget: Budget,
    /// The line that was read last: a long one is cut many times and measured once.
    last: Option<Line>,
}

impl<'t> Cutter<'t> {
    /// `text` must not end with white space.
    pub(super) fn new(text: &'t str, budget: Budget) -> Self {
        Self {
            text,
            budget,
            last: None,
        }
    }

    /// The end of the piece that begins at `start` in `block` and has `room`.
    pub(super) fn cut(&mut self, start: usize, block: Block<'t>, room: usize) -> Cut<'t> {
        let window = self.budget.reach(self.text, start, room);
        let (mut block_end, mut line_end, mut any_end) = (None, None, None);
        let (mut first, mut last) = (None, None);
        let (mut at, mut before, mut spent) = (start, block, 0);
        while at < self.text.len() {
            let line = self.line(at);
            let block = before.around(&self.text[line.start..line.end]);
            let reserve = self.reserve(block, line);
            let is_blank = line.end == line.start;
            if first.is_none() || !is_blank && spent + reserve < room {
                last = Some(Opened {
                    line,
                    block,
                    spent,
                    reserve,
                });
                first = first.or(last);
            }
            if line.end > window {
                break;
            }
            let after = before.after(self.text, line.start, line.end, self.budget);
            let filled = spent + self.count(line.start, line.end);
            if !is_blank && filled + self.budget.count(&after.tail()) <= room {
                if line.next == self.text.len() {
                    return Cut {
                        end: line.end,
                        next: None,
                        closes: after,
                        continues: Block::Text,
                    };
                }
                let place = Place {
                    end: line.end,
                    next: line.next,
                    closes: after,
                    continues: after,
                };
                any_end = Some(place);
                if filled >= room / 4 {
                    let content = &self.text[line.start..line.end];
                    let next = self.line(line.next);
                    let next = &self.text[next.start..next.end];
                    let kind = after.line_end(before, content, next, self.budget);
                    match kind {
                        LineEnd::Block => block_end = Some(place),
                        LineEnd::Line => line_end = Some(place),
                        LineEnd::Bound => {}
                    }
                }
            }
            spent += self.count(line.start, line.next);
            (at, before) = (line.next, after);
        }

        let place = block_end
            .or(line_end)
            .or_else(|| self.place_inside(last?, room))
            .or(any_end)
            .or_else(|| self.place_inside(first?, room))
            .unwrap_or_else(|| self.place_anywhere(start, first, room));
        self.at(place)
    }

    /// The line that `start` is in, from there on.
    fn line(&mut self, start: usize) -> Line {
        if let Some(last) = self.last
            && (last.start..last.next).contains(&start)
        {
            return Line {
                start,
                end: last.end.max(start),
                next: last.next,
            };
        }
        let next = self.text[start..]
            .find('\n')
            .map_or(self.text.len(), |end| start + end + 1);
        let end = start + self.text[start..next].trim_end().len();
        let line = Line { start, end, next };
        self.last = Some(line);
        line
    }

    fn count(&self, start: usize, end: usize) -> usize {
        self.budget.count(&self.text[start..end])
    }

    /// What closing a piece in `line` may take: a part of a line can open a fence that the whole
    /// line does not.
    fn reserve(&self, block: Block<'t>, line: Line) -> usize {
        let closes = match block {
            Block::Fence(_) => block,
            Block::Text | Block::Heading | Block::Row { .. } | Block::Table { .. } => {
                let line = &self.text[line.start..line.end];
                Fence::begun(line, self.budget.fence_line()).map_or(block, Block::Fence)
            }
        };
        self.budget.count(&closes.tail())
    }

    fn marked(&self, line: Line) -> Option<Fence<'t>> {
        Fence::marked(&self.text[line.start..line.end], self.budget.fence_line())
    }

    /// The best place inside a line: the last end of a sentence, of a word, of a grapheme cluster.
    fn place_inside(&self, opened: Opened<'t>, room: usize) -> Option<Place<'t>> {
        let left = room.checked_sub(opened.spent + opened.reserve)?;
        let start = opened.line.start;
        let limit = self
            .budget
            .reach(self.text, start, left)
            .min(opened.line.end);
        let first = self.first_place(opened);
        let in_fence = matches!(opened.block, Block::Fence(_));
        let (mut sentence, mut word, mut cluster) = (None, None, None);
        let mut spent = opened.spent;
        let mut visible = false;
        let mut behind = Behind::Space;
        for (offset, part) in self.up_to(start, limit).grapheme_indices(true) {
            let at = start + offset;
            if at > limit || at >= opened.line.end {
                break;
            }
            let is_space = part.trim().is_empty() && !part.contains(['\u{a0}', '\u{202f}']);
            let rest = &self.text[at..opened.line.end];
            if visible && at >= first && !fence::begins_with_marks(rest) {
                cluster = Some(at);
                let filled = spent >= room / 4;
                let is_word = is_space
                    && behind != Behind::Space
                    && !fence::begins_with_marks(rest.trim_start());
                if filled && is_word {
                    word = cluster;
                }
                let ends_sentence = match behind {
                    Behind::Stop => is_word,
                    Behind::WideStop => true,
                    Behind::Space | Behind::Word => false,
                };
                if filled && ends_sentence && !in_fence {
                    sentence = cluster;
                }
            }
            visible |= !part.trim().is_empty();
            behind = behind.step(part, is_space);
            spent += self.budget.count(part);
        }
        let at = sentence.or(word).or(cluster)?;
        Some(self.inside(opened, at))
    }

    /// The first place in the line where its beginning does not look like the opening or closing
    /// line of a fence that it is not.
    fn first_place(&self, opened: Opened<'t>) -> usize {
        let line = opened.line;
        let indivisible = match opened.block {
            Block::Fence(fence) => fence.indivisible(&self.text[line.start..line.end]),
            Block::Text | Block::Heading | Block::Row { .. } | Block::Table { .. } => {
                self.marked(line).map_or(0, |fence| {
                    fence
                        .spoiled_at()
                        .map_or(fence.marks_end(), |spoiled| spoiled + 1)
                })
            }
        };
        line.start + indivisible
    }

    /// The text up to `limit` and one character more, which tells whether a cluster ends at `limit`.
    fn up_to(&self, start: usize, limit: usize) -> &'t str {
        let more = self.text[limit..].chars().next().map_or(0, char::len_utf8);
        &self.text[start..limit + more]
    }

    /// A cut between two code points, where nothing better is to be had.
    fn place_anywhere(&self, start: usize, opened: Option<Opened<'t>>, room: usize) -> Place<'t> {
        let Some(opened) = opened else {
            return Place {
                end: self.text.len(),
                next: self.text.len(),
                closes: Block::Text,
                continues: Block::Text,
            };
        };
        let left = room.saturating_sub(opened.spent + opened.reserve);
        let limit = self.budget.reach(self.text, opened.line.start, left);
        let limit = limit.min(opened.line.end);
        let first = self.text[start..].chars().next().map_or(0, char::len_utf8);
        self.inside(opened, limit.max(start + first))
    }

    fn inside(&self, opened: Opened<'t>, at: usize) -> Place<'t> {
        let line = opened.line;
        let head = opened.block.after(self.text, line.start, at, self.budget);
        let continues = match opened.block {
            Block::Fence(_) => head,
            Block::Text | Block::Heading | Block::Row { .. } | Block::Table { .. } => {
                let opens = Block::opened(&self.text[line.start..line.end], self.budget);
                opens.map_or(Block::Text, Block::Fence)
            }
        };
        Place {
            end: at,
            next: at,
            closes: head,
            continues,
        }
    }

    fn at(&mut self, place: Place<'t>) -> Cut<'t> {
        let end = self.text[..place.end].trim_end().len();
        let (next, continues) = if place.next == place.end {
            (self.skip_spaces(place.next), place.continues)
        } else {
            self.skip_blank_lines(place)
        };
        Cut {
            end,
            next,
            closes: place.closes,
            continues,
        }
    }

    /// The first grapheme cluster from `start` on that is not blank: a space that carries a mark is
    /// none.
    fn skip_spaces(&self, start: usize) -> Option<usize> {
        if !self.text[start..].starts_with(char::is_whitespace) {
            return Some(start);
        }
        self.text[start..]
            .grapheme_indices(true)
            .find(|(_, part)| !part.trim().is_empty())
            .map(|(offset, _)| start + offset)
    }

    fn skip_blank_lines(&mut self, place: Place<'t>) -> (Option<usize>, Block<'t>) {
        let Some(next) = self.budget.skip_blank_lines(self.text, place.next) else {
            return (None, Block::Text);
        };
        let line = self.line(next);
        let line = &self.text[line.start..line.end];
        let blank_between = next > place.next;
        let continues = place.continues.continued(line, blank_between, self.budget);
        (Some(next), continues)
    }
}

/// What stands before a place in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    Space,
    Word,
    /// The end of a sentence, if a space follows.
    Stop,
    /// The end of a sentence in a script that puts no space behind it.
    WideStop,
}

impl Behind {
    fn step(self, part: &str, is_space: bool) -> Self {
        match part {
            "." | "!" | "?" | "…" => Self::Stop,
            "。" | "！" | "？" => Self::WideStop,
            ")" | "]" | "\"" | "'" | "”" | "’" | "*" | "_" | "」" | "）" => match self {
                Self::Space => Self::Word,
                Self::Word | Self::Stop | Self::WideStop => self,
            },
            _ if is_space => Self::Space,
            _ => Self::Word,
        }
    }
}
