//! What an agent answers, on its way to posts.

use std::borrow::Cow;

use mpg_core::capability::{TextLimit, TextUnit};
use mpg_core::layout::lay_out;

use crate::text;

const UNITS: [TextUnit; 3] = [TextUnit::Bytes, TextUnit::CodePoints, TextUnit::Utf16];

/// Lays out and cuts what stands behind the first two bytes, which say the limit: each piece is
/// within it and not blank, no fence is left open, and all that is not white space is there, in
/// order.
///
/// # Panics
///
/// Where that does not hold.
pub fn split(data: &[u8]) {
    let Some((&[max, unit], answer)) = data.split_first_chunk() else {
        return;
    };
    let limit = TextLimit {
        max: usize::from(max) * 2,
        unit: UNITS[usize::from(unit) % UNITS.len()],
    };
    let answer = text(answer);
    check(&answer, limit);

    let laid_out = lay_out(&answer, limit);
    if let Cow::Owned(laid_out) = laid_out {
        assert!(
            laid_out.len() <= 64 * (answer.len() + limit.max.max(TextLimit::SMALLEST)),
            "{} bytes become {}",
            answer.len(),
            laid_out.len()
        );
        check(&laid_out, limit);
    }
}

fn check(answer: &str, limit: TextLimit) {
    let pieces = mpg_core::split::split(answer, limit);
    let max = limit.max.max(TextLimit::SMALLEST);
    for piece in &pieces {
        let length = limit.unit.count(piece);
        assert!(length <= max, "{length}, at most {max}: {piece:?}");
        assert!(!piece.trim().is_empty(), "blank: {pieces:?}");
    }
    if let [only] = pieces.as_slice() {
        assert_eq!(only.trim(), answer.trim());
        return;
    }
    check_nothing_is_lost(answer, &pieces);
    if is_plain(answer, limit) {
        for piece in &pieces {
            assert!(!is_open(piece), "left open: {piece:?} of {answer:?}");
        }
    }
}

/// What is visible stands in the pieces in the same order; between it may stand what was repeated.
fn check_nothing_is_lost(answer: &str, pieces: &[String]) {
    let mut shown = pieces.iter().flat_map(|piece| piece.chars());
    for wanted in answer.chars().filter(|c| !c.is_whitespace()) {
        assert!(
            shown.any(|c| c == wanted),
            "{wanted:?} of {answer:?} is lost: {pieces:?}"
        );
    }
}

/// Whether fences can be told apart here without knowing what lists and quotes are, and are short
/// enough to count.
fn is_plain(answer: &str, limit: TextLimit) -> bool {
    let max = limit.max.max(TextLimit::SMALLEST);
    answer.split('\n').all(|line| {
        let begins = line.chars().next();
        // What a cut leaves of a line begins the next piece, so that it counts wherever it stands.
        let runs = line.split(|c| !matches!(c, '`' | '~')).map(str::len);
        let longest = runs.max().unwrap_or_default();
        let is_item = |c: char| {
            c.is_whitespace() || c.is_ascii_digit() || matches!(c, '>' | '-' | '*' | '+' | '|')
        };
        !line.contains('\r') && !begins.is_some_and(is_item) && longest < max / 4
    })
}

/// Whether a text without lists and quotes ends within a fence.
fn is_open(piece: &str) -> bool {
    let mut open: Option<(char, usize)> = None;
    for line in piece.split('\n') {
        let Some(mark) = line.chars().next().filter(|c| matches!(c, '`' | '~')) else {
            continue;
        };
        let run = line.chars().take_while(|c| *c == mark).count();
        let rest = &line[run..];
        open = match open {
            Some((opened, length)) if mark == opened && run >= length && rest.trim().is_empty() => {
                None
            }
            Some(opened) => Some(opened),
            None if run >= 3 && !(mark == '`' && rest.contains('`')) => Some((mark, run)),
            None => None,
        };
    }
    open.is_some()
}
