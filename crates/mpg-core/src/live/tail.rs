//! The end of a text that is being written, of bounded length, with its Markdown kept whole.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::capability::TextLimit;
use crate::split::fence::{Fence, Step};

/// How much of the text is kept, in bytes: more than any platform shows in one message.
const KEPT: usize = 16 * 1024;

/// How many lines are kept.
const MAX_LINES: usize = 1_000;

/// How long one line is kept, in bytes; of longer ones, the end.
const LONGEST_LINE: usize = 4 * 1024;

/// The longest opening line of a fence that is understood, in bytes.
const LONGEST_OPENING: usize = 100;

/// How far back a word is looked for that is not complete, in bytes.
const LONGEST_WORD: usize = 60;

/// What stands where something before it is not shown.
const LEFT_OUT: &str = "…";

/// The end of a text. Adding to it costs what is added.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// The last lines; the last one is being written.
    lines: VecDeque<Line>,
    bytes: usize,
    /// Whether lines before these were dropped.
    dropped: bool,
}

/// One line, without its end.
#[derive(Debug, Default)]
struct Line {
    text: String,
    /// The line that opened the fence that this one is in.
    fence: Option<Arc<str>>,
    /// Whether its beginning was dropped.
    cut: bool,
}

impl Tail {
    /// Whether there is nothing to see.
    pub(super) fn is_blank(&self) -> bool {
        self.lines.iter().all(|line| line.text.trim().is_empty())
    }

    /// Adds to the text.
    pub(super) fn push(&mut self, text: &str) {
        let mut parts = text.split('\n');
        if let Some(first) = parts.next() {
            self.extend(first);
        }
        for part in parts {
            self.end_line();
            self.extend(part);
        }
        while self.lines.len() > MAX_LINES || self.bytes > KEPT {
            let gone = self.lines.pop_front();
            self.bytes -= gone.map_or(0, |line| line.text.len());
            self.dropped = true;
        }
    }

    /// Begins a new paragraph, and ends a fence that was left open.
    pub(super) fn end_paragraph(&mut self) {
        if self.is_blank() {
            return;
        }
        self.end_line();
        self.end_line();
        if let Some(line) = self.lines.back_mut() {
            line.fence = None;
        }
    }

    fn extend(&mut self, text: &str) {
        if self.lines.is_empty() {
            self.lines.push_back(Line::default());
        }
        let Some(line) = self.lines.back_mut() else {
            return;
        };
        self.bytes -= line.text.len();
        if text.len() > LONGEST_LINE {
            line.text.clear();
            let from = text.ceil_char_boundary(text.len() - LONGEST_LINE);
            line.text.push_str(&text[from..]);
            line.cut = true;
        } else {
            line.text.push_str(text);
            // Only now and then, so that a long line costs no more than a short one.
            if line.text.len() > 2 * LONGEST_LINE {
                let from = line.text.len() - LONGEST_LINE;
                line.text.drain(..line.text.ceil_char_boundary(from));
                line.cut = true;
            }
        }
        self.bytes += line.text.len();
    }

    fn end_line(&mut self) {
        let fence = self.lines.back().and_then(Line::fence_behind);
        self.lines.push_back(Line {
            fence,
            ..Line::default()
        });
    }

    /// As much of the end as fits, without a word that may not be complete; empty where nothing does.
    pub(super) fn shown(&self, limit: TextLimit) -> String {
        let mut first = self.lines.len();
        let mut taken = 0;
        while let Some(line) = first.checked_sub(1).and_then(|at| self.lines.get(at)) {
            taken += limit.unit.count(&line.text) + 1;
            // Of a last line that is too long alone, the end is shown.
            if taken > limit.max && first < self.lines.len() {
                break;
            }
            first -= 1;
        }
        // What is added around the lines may take room that they have not left.
        let fitting = (first..self.lines.len())
            .map(|first| self.from(first, limit))
            .find(|text| limit.unit.count(text) <= limit.max);
        fitting.unwrap_or_default()
    }

    fn from(&self, first: usize, limit: TextLimit) -> String {
        let mut lines = self.lines.iter().skip(first);
        let mut text = String::new();
        let Some(line) = self.lines.get(first) else {
            return text;
        };
        let is_last = first + 1 == self.lines.len();
        let whole = if is_last { line.complete() } else { &line.text };
        // One line alone may be too long: its end is shown.
        let room = limit.max.saturating_sub(2 * LONGEST_OPENING);
        let cut = is_last && limit.unit.count(whole) + 2 * LONGEST_OPENING > limit.max;
        let end = if cut {
            end_of(whole, limit, room)
        } else {
            whole
        };
        if first > 0 || self.dropped || line.cut || end.len() < whole.len() {
            text.push_str(LEFT_OUT);
            text.push('\n');
        }
        if let Some(opening) = &line.fence {
            text.push_str(opening);
            text.push('\n');
        }
        text.push_str(end);
        lines.next();
        let rest = self.lines.len() - first - 1;
        for (index, line) in (1..).zip(lines) {
            text.push('\n');
            text.push_str(if index == rest {
                line.complete()
            } else {
                &line.text
            });
        }
        let open = self.lines.back().and_then(Line::fence_behind);
        let closed = open.and_then(|opening| {
            let fence = Fence::open(&opening, LONGEST_OPENING)?;
            Some(fence.closing_line())
        });
        if let Some(closing) = closed {
            if !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&closing);
        } else {
            text.truncate(text.trim_end().len());
        }
        text
    }
}

impl Line {
    /// The opening line of the fence that what follows this line is in.
    fn fence_behind(&self) -> Option<Arc<str>> {
        match &self.fence {
            Some(opening) => match Fence::open(opening, LONGEST_OPENING)?.step(&self.text) {
                Step::Inside => Some(Arc::clone(opening)),
                Step::Closes => None,
                Step::Leaves => opening_of(&self.text),
            },
            None => opening_of(&self.text),
        }
    }

    /// The line without what may go on in a way that changes what it means.
    fn complete(&self) -> &str {
        if is_marks(&self.text) {
            return "";
        }
        if self.fence.is_some() || self.text.ends_with(char::is_whitespace) {
            return &self.text;
        }
        let from = self.text.len().saturating_sub(LONGEST_WORD);
        let from = self.text.ceil_char_boundary(from);
        match self.text[from..].rfind(char::is_whitespace) {
            Some(at) => &self.text[..from + at],
            None => &self.text,
        }
    }
}

/// Whether a line may become one that opens or closes a fence.
fn is_marks(line: &str) -> bool {
    let marks = line.trim();
    !marks.is_empty() && marks.len() < 3 && marks.chars().all(|c| matches!(c, '`' | '~'))
}

fn opening_of(line: &str) -> Option<Arc<str>> {
    let fits = line.len() <= LONGEST_OPENING;
    let fence = fits.then(|| Fence::open(line, LONGEST_OPENING)).flatten();
    fence.map(|_| Arc::from(line))
}

/// The end of a line, of at most `room` units, from the beginning of a word on if one is near.
fn end_of(line: &str, limit: TextLimit, room: usize) -> &str {
    let mut from = line.len();
    let mut taken = 0;
    for (at, c) in line.char_indices().rev() {
        let mut buffer = [0; 4];
        taken += limit.unit.count(c.encode_utf8(&mut buffer));
        if taken > room {
            break;
        }
        from = at;
    }
    let end = &line[from..];
    match end.find(char::is_whitespace) {
        Some(at) if at < LONGEST_WORD => end[at..].trim_start(),
        Some(_) | None => end,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;
    use crate::capability::TextUnit;

    fn limit(max: usize) -> TextLimit {
        TextLimit {
            max,
            unit: TextUnit::CodePoints,
        }
    }

    fn tail(text: &str) -> Tail {
        let mut tail = Tail::default();
        tail.push(text);
        tail
    }

    #[test]
    fn words_and_fences_are_kept_whole() {
        let cases = [
            ("Hello wor", "Hello"),
            ("Hello world ", "Hello world"),
            ("Hello\n\nwor", "Hello\n\nwor"),
            ("Unbroken", "Unbroken"),
            ("Look:\n```rs\nlet x", "Look:\n```rs\nlet x\n```"),
            (
                "Look:\n```rs\nlet x;\n```\nDone now",
                "Look:\n```rs\nlet x;\n```\nDone",
            ),
            ("Look:\n``", "Look:"),
            ("Look:\n~~~~\na\n``` \nb", "Look:\n~~~~\na\n``` \nb\n~~~~"),
        ];
        for (text, shown) in cases {
            assert_eq!(tail(text).shown(limit(400)), shown, "{text:?}");
        }
    }

    #[test]
    fn the_end_is_shown_with_the_fence_that_it_is_in() {
        let mut text = "Before it.\n```rs\n".to_owned();
        for number in 0..100 {
            writeln!(text, "let x{number} = {number};").unwrap();
        }
        let shown = tail(&text).shown(limit(80));
        insta::assert_snapshot!(shown, @r"
        …
        ```rs
        let x96 = 96;
        let x97 = 97;
        let x98 = 98;
        let x99 = 99;
        ```
        ");
        let long = "word ".repeat(1_000);
        let shown = tail(&long).shown(limit(300));
        assert!(shown.starts_with("…\nword word"), "{shown}");
        assert!(shown.chars().count() <= 300, "{shown}");
    }

    #[test]
    fn a_paragraph_ends_what_was_left_open() {
        let mut tail = tail("one\n```\ncode");
        tail.end_paragraph();
        tail.push("two words ");
        assert!(
            tail.shown(limit(200)).ends_with("\n\ntwo words"),
            "{tail:?}"
        );
        let mut blank = Tail::default();
        blank.end_paragraph();
        assert!(blank.is_blank());
        assert_eq!(blank.shown(limit(200)), "");
    }

    #[test]
    fn memory_is_bounded() {
        let mut one_line = Tail::default();
        let mut many_lines = Tail::default();
        for _ in 0..10_000 {
            one_line.push("é word");
            many_lines.push("a\nb\n");
        }
        one_line.push(&"x".repeat(1 << 20));
        for tail in [&one_line, &many_lines] {
            let kept: usize = tail.lines.iter().map(|line| line.text.len()).sum();
            assert_eq!(kept, tail.bytes);
            assert!(kept <= 16_384 && tail.lines.len() <= MAX_LINES);
        }
        let mut lines = Tail::default();
        lines.push(&format!("{}\n", "x".repeat(127)).repeat(500));
        assert!(lines.bytes > 16_000, "{}", lines.bytes);
        let mut line = Tail::default();
        line.push(&"x".repeat(8_192));
        assert_eq!(line.bytes, 4_096);
    }

    proptest! {
        #[test]
        fn any_text_fits_and_leaves_no_fence_open(
            pieces in proptest::collection::vec("[a` ~\\n>é]{0,30}|```rs\n|```\n|\\PC{0,20}", 0..20),
            max in 64_usize..500,
        ) {
            let mut tail = Tail::default();
            for piece in &pieces {
                tail.push(piece);
                let shown = tail.shown(limit(max));
                prop_assert!(shown.chars().count() <= max, "{shown:?}");
            }
        }
    }

    #[test]
    fn so_many_lines_and_bytes_are_kept_and_no_more() {
        let mut tail = Tail::default();
        tail.push(&"\n".repeat(MAX_LINES - 1));
        assert_eq!((tail.lines.len(), tail.dropped), (MAX_LINES, false));
        tail.push("\n");
        assert_eq!((tail.lines.len(), tail.dropped), (MAX_LINES, true));

        let line = "x".repeat(LONGEST_LINE);
        let mut tail = Tail::default();
        for _ in 0..KEPT / LONGEST_LINE {
            tail.push(&line);
            tail.push("\n");
        }
        assert_eq!((tail.bytes, tail.dropped), (KEPT, false));
        tail.push("x");
        assert_eq!((tail.bytes, tail.dropped), (KEPT - LONGEST_LINE + 1, true));
    }

    #[test]
    fn a_line_is_cut_where_it_is_too_long() {
        let line = |tail: &Tail| {
            tail.lines
                .back()
                .map(|line| (line.text.len(), line.cut))
                .unwrap()
        };
        let most = "x".repeat(LONGEST_LINE);
        let mut tail = Tail::default();
        tail.push(&most);
        assert_eq!(line(&tail), (LONGEST_LINE, false));
        tail.push(&most);
        assert_eq!(line(&tail), (2 * LONGEST_LINE, false));
        tail.push("y");
        assert_eq!(line(&tail), (LONGEST_LINE, true));
        assert_eq!(tail.bytes, LONGEST_LINE);

        let mut tail = Tail::default();
        tail.push(&format!("é{}", &most[1..]));
        assert_eq!(line(&tail), (LONGEST_LINE - 1, true));
        assert_eq!(tail.bytes, LONGEST_LINE - 1);

        let mut tail = Tail::default();
        tail.push(&"x".repeat(3 * LONGEST_LINE));
        assert_eq!(line(&tail), (LONGEST_LINE, true));
    }

    #[test]
    fn lines_are_shown_as_far_as_there_is_room() {
        let tail = tail("aaaa\nbbbb\ncccc ");
        assert_eq!(tail.shown(limit(16)), "aaaa\nbbbb\ncccc");
        assert_eq!(tail.shown(limit(15)), "…\nbbbb\ncccc");
        assert_eq!(tail.shown(limit(11)), "…\nbbbb\ncccc");
    }

    #[test]
    fn what_may_become_a_fence_is_no_line_yet() {
        for (line, marks) in [
            ("`", true),
            ("~~", true),
            (" `` ", true),
            ("```", false),
            ("", false),
            (" ", false),
            ("`a", false),
            ("ab", false),
        ] {
            assert_eq!(is_marks(line), marks, "{line:?}");
        }
    }

    #[test]
    fn the_end_of_a_line_begins_with_a_word_where_one_is_near() {
        let limit = TextLimit {
            unit: TextUnit::Utf16,
            ..limit(0)
        };
        assert_eq!(end_of("one two three", limit, 13), "two three");
        assert_eq!(end_of("one two three", limit, 7), "three");
        assert_eq!(end_of("one👍three", limit, 6), "three");
        assert_eq!(end_of("one👍three", limit, 7), "👍three");
        assert_eq!(end_of("one two three", limit, 0), "");
        for (word, near) in [(LONGEST_WORD - 1, true), (LONGEST_WORD, false)] {
            let word = "x".repeat(word);
            let end = format!("{word} end");
            let shown = end_of(&end, limit, end.len());
            assert_eq!(shown, if near { "end" } else { end.as_str() });
        }
    }

    #[test]
    fn a_last_line_that_is_too_long_leaves_room_for_a_fence_around_it() {
        let room = 2 * LONGEST_OPENING;
        let twenty = tail("one two three four5 ");
        assert_eq!(twenty.shown(limit(room + 20)), "one two three four5");
        assert_eq!(twenty.shown(limit(room + 19)), "…\ntwo three four5");
        let unbroken = tail(&"x".repeat(21));
        let end = |length| format!("…\n{}", "x".repeat(length));
        assert_eq!(unbroken.shown(limit(room + 20)), end(20));
        assert_eq!(unbroken.shown(limit(room + 1)), end(1));
    }

    #[test]
    fn an_incomplete_word_is_left_out_behind_lines_that_are_left_out() {
        let tail = tail("aaaa\nbbbb\nccc ddd");
        assert_eq!(tail.shown(limit(18)), "aaaa\nbbbb\nccc");
        assert_eq!(tail.shown(limit(13)), "…\nbbbb\nccc");
    }

    #[test]
    fn an_opening_line_that_was_cut_opens_nothing() {
        let mut tail = tail("```");
        tail.push(&"x".repeat(3 * LONGEST_LINE));
        tail.push("\ncode ");
        assert_eq!(tail.shown(limit(300)), "…\ncode");
    }
}
