//! The splitter against its promises.

mod edges;

use std::fmt::Write as _;

use proptest::prelude::*;
use unicode_segmentation::GraphemeCursor;

use super::{Piece, pieces, split};
use crate::capability::{TextLimit, TextUnit};

const fn code_points(max: usize) -> TextLimit {
    TextLimit {
        max,
        unit: TextUnit::CodePoints,
    }
}

fn show(text: &str, max: usize) -> String {
    let pieces = split(text, code_points(max));
    let mut shown = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        let length = piece.chars().count();
        writeln!(
            shown,
            "════ {} of {}, {length} long",
            index + 1,
            pieces.len()
        )
        .unwrap();
        writeln!(shown, "{piece}").unwrap();
    }
    shown
}

const PROSE: &str = "The first sentence is here. The second one follows it! And is this the third? \
    It is, and it goes on for a while without an end";

#[test]
fn prose_is_cut_at_paragraphs_then_sentences_then_words() {
    let text = format!("# Title\n\n{PROSE}.\n\n{PROSE}.\nA line of its own.\n{PROSE}.");
    insta::assert_snapshot!(show(&text, 100));
}

#[test]
fn a_fence_is_closed_and_opened_again() {
    let code = (1..=12).fold(String::new(), |code, line| {
        code + &format!("    let value_{line} = compute({line});\n")
    });
    let text =
        format!("Look:\n\n```rust title=\"main.rs\"\n{code}```\n\nDone.\n\n~~~~\n{code}~~~~");
    insta::assert_snapshot!(show(&text, 160));
}

#[test]
fn fences_in_lists_and_quotes_keep_their_place() {
    let code = (1..=6).map(|line| format!("step {line}"));
    let listed = code
        .clone()
        .fold(String::new(), |text, line| text + "   " + &line + "\n");
    let quoted = code.fold(String::new(), |text, line| text + "> " + &line + "\n");
    let text = format!("1. ```sh\n{listed}   ```\n2. next\n\n> ```sh\n{quoted}> ```\n> said.");
    insta::assert_snapshot!(show(&text, 64));
}

#[test]
fn a_table_gets_its_header_again() {
    let rows = (1..=9).fold(String::new(), |rows, row| {
        rows + &format!("| row {row} | value {row} |\n")
    });
    let text =
        format!("Results:\n\n| name | value |\n|---|---:|\n{rows}\nThat is all, and it is good.");
    insta::assert_snapshot!(show(&text, 100));
}

#[test]
fn a_header_that_takes_more_than_half_a_piece_is_not_repeated() {
    let rows = "| 1 | 2 |\n".repeat(12);
    for (width, repeated) in [(17, true), (20, false)] {
        let header = format!("| {} | b |\n|---|---|\n", "a".repeat(width));
        let pieces = split(&format!("{header}{rows}"), code_points(72));
        assert!(pieces.len() > 2);
        let with_header = pieces.iter().filter(|piece| piece.contains("aaa")).count();
        assert_eq!(with_header > 1, repeated, "{width}: {pieces:?}");
    }
}

#[test]
fn long_lines_are_cut_wherever_they_must() {
    let word = "abcdefghi ".repeat(12);
    let unbroken = "x".repeat(150);
    let family = "👨‍👩‍👧‍👦".repeat(20);
    let info = "i".repeat(90);
    let text = format!("```\n{word}\n{unbroken}\n```\n{family}\n``` {info}\ncode\n```");
    insta::assert_snapshot!(show(&text, 64));
}

#[test]
fn a_text_within_the_limit_is_left_alone() {
    let cases = [
        ("", &[][..]),
        (" \n\t\r\n ", &[]),
        ("hello", &["hello"]),
        ("\n\n  indented\n\n", &["  indented"]),
        ("```\nunclosed", &["```\nunclosed"]),
        ("a\r\n\r\nb\r\n", &["a\r\n\r\nb"]),
    ];
    for (text, expected) in cases {
        assert_eq!(split(text, code_points(1)), expected, "{text:?}");
    }
}

#[test]
fn each_unit_is_counted_as_the_platform_counts() {
    let text = "🙂".repeat(100);
    let lengths = |unit| -> Vec<usize> {
        let limit = TextLimit { max: 66, unit };
        let pieces = split(&text, limit);
        pieces.iter().map(|piece| piece.chars().count()).collect()
    };
    assert_eq!(lengths(TextUnit::CodePoints), [66, 34]);
    assert_eq!(lengths(TextUnit::Utf16), [33, 33, 33, 1]);
    assert_eq!(lengths(TextUnit::Bytes), [16, 16, 16, 16, 16, 16, 4]);
}

#[test]
fn pathological_texts_keep_the_promises() {
    let cases = [
        "`".repeat(1000),
        format!("```{}`", "a".repeat(500)),
        format!("```{}```\nand\nmore", "inline ".repeat(50)),
        format!("```\n{}\n```", "``` not the end ".repeat(40)),
        format!("```\n{}{}", "\n".repeat(500), "x".repeat(200)),
        format!("{}x", " ".repeat(500)),
        format!("abc\n{}x", " ".repeat(500)),
        format!("a{}", "\u{301}".repeat(500)),
        format!("> ```\n{}", "> code\n".repeat(40)) + "out of the quote\n```\ncode\n```",
        format!("{}```\n{}", "> ".repeat(40), "x\n".repeat(100)),
        "#".repeat(300),
        format!("| {} |\n|---|\n", "h".repeat(90)) + &"| row |\n".repeat(40),
        format!("{}\n{}", "| a ".repeat(40), "|---".repeat(40)),
        "- ".repeat(300),
        "\u{200d}".repeat(300),
        "~~~\n".repeat(99),
        "````\n```\n".repeat(40),
        "a \u{301}".repeat(200),
        format!("`````\n{}\n````\n`````\n", "x".repeat(50)) + &"\n".repeat(32) + &"`".repeat(17),
        format!("> ```\n> a\n{} {}", "~".repeat(16), "i ".repeat(99)),
        format!(
            "> {} {}\n\n{} a",
            "`".repeat(11),
            "a ".repeat(19),
            "`".repeat(10)
        ),
    ];
    for text in cases {
        for max in [64, 65, 100, 2000] {
            for unit in [TextUnit::Bytes, TextUnit::CodePoints, TextUnit::Utf16] {
                check(&text, TextLimit { max, unit });
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn markdown_keeps_the_promises(text in markdown(), limit in limits()) {
        check(&text, limit);
    }

    #[test]
    fn any_text_keeps_the_promises(text in "\\PC{0,400}|[`~ab \n|>-]{0,400}", limit in limits()) {
        check(&text, limit);
    }
}

fn limits() -> impl Strategy<Value = TextLimit> {
    let units = [TextUnit::Bytes, TextUnit::CodePoints, TextUnit::Utf16];
    (0..300_usize, prop::sample::select(units.to_vec()))
        .prop_map(|(max, unit)| TextLimit { max, unit })
}

fn markdown() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => "[a-zäöü.,!? 👨‍👩‍👧🇩🇪ष्टि]{0,120}",
        1 => "#{1,7} [a-z ]{1,20}",
        1 => "[-*+>] [a-z ]{0,30}",
        1 => "( {0,5}|> |- )(`{3,5}|~{3,5})[a-z`]{0,12}",
        1 => "(> )?(`{3,20}|~{3,20}) [a-z ]{0,90}",
        1 => "(`{3}|~{3})",
        1 => "\\| [a-z]{0,9} \\| [a-z]{0,9} \\|",
        1 => Just("|---|:-:|".to_owned()),
        2 => Just(String::new()),
    ];
    let end = prop_oneof![9 => Just("\n"), 1 => Just("\r\n")];
    prop::collection::vec((line, end), 0..60).prop_map(|lines| {
        let lines = lines.into_iter().map(|(line, end)| line + end);
        lines.collect()
    })
}

/// Everything that holds for each text.
#[track_caller]
fn check(text: &str, limit: TextLimit) {
    let max = limit.max.max(TextLimit::SMALLEST);
    let cut = pieces(text, limit);
    let rendered: Vec<_> = cut.iter().map(Piece::render).collect();
    assert_eq!(split(text, limit), rendered, "the same again");

    for piece in &rendered {
        assert!(limit.unit.count(piece) <= max, "too long: {piece:?}");
        assert!(!piece.trim().is_empty(), "blank: {rendered:?}");
    }
    if rendered.len() > 1 {
        for piece in &rendered {
            assert!(
                !is_open(piece, max, limit.unit),
                "left open: {piece:?} of {text:?}"
            );
        }
    } else {
        let only = rendered.first().map_or("", String::as_str);
        assert_eq!(only.trim(), text.trim());
    }
    check_nothing_is_lost(text, &cut);
    check_clusters(text, &cut, max, limit.unit);
}

/// The inverse: without head and tail the pieces are the text, but for white space between them.
#[track_caller]
fn check_nothing_is_lost(text: &str, cut: &[Piece<'_>]) {
    let mut rest = text;
    for piece in cut {
        let at = rest
            .find(piece.body)
            .expect("bodies stand in the text in order");
        assert_eq!(rest[..at].trim(), "", "lost before {:?}", piece.body);
        rest = &rest[at + piece.body.len()..];
    }
    assert_eq!(rest.trim(), "", "lost at the end");
}

#[track_caller]
fn check_clusters(text: &str, cut: &[Piece<'_>], max: usize, unit: TextUnit) {
    for piece in cut {
        let start = piece.body.as_ptr().addr() - text.as_ptr().addr();
        for at in [start, start + piece.body.len()] {
            let mut cursor = GraphemeCursor::new(at, text.len(), true);
            if cursor.is_boundary(text, 0) == Ok(true) {
                continue;
            }
            let from = cursor.prev_boundary(text, 0).unwrap().unwrap_or(0);
            let to = cursor.next_boundary(text, 0).unwrap().unwrap_or(text.len());
            let cluster = &text[from..to];
            let is_long = unit.count(cluster) > max / 2;
            assert!(
                is_long || cluster.ends_with(char::is_whitespace),
                "{cluster:?} was cut"
            );
        }
    }
}

/// Whether a renderer that reads `piece` from its beginning ends inside a fence.
fn is_open(piece: &str, max: usize, unit: TextUnit) -> bool {
    let mut open: Option<(String, usize, usize)> = None;
    for line in piece.split('\n') {
        let quotes_and_rest = |line: &str| {
            let rest = line.trim_start_matches([' ', '\t', '>']);
            let prefix = line[..line.len() - rest.len()].to_owned();
            (prefix.matches('>').count(), prefix, rest.to_owned())
        };
        if let Some((marks, depth, indent)) = &open {
            let (quotes, prefix, rest) = quotes_and_rest(line.trim_end());
            if quotes < *depth {
                open = None;
            } else {
                let indentation = prefix.rsplit('>').next().unwrap_or_default();
                let closes = quotes == *depth
                    && columns(indentation) <= indent + 3
                    && rest.starts_with(marks.as_str())
                    && rest.chars().all(|c| marks.starts_with(c));
                if closes {
                    open = None;
                }
                continue;
            }
        }
        let unlisted = strip_containers(line);
        let prefix = &line[..line.len() - unlisted.len()];
        let mark = unlisted.chars().next().filter(|c| matches!(c, '`' | '~'));
        let Some(mark) = mark else { continue };
        let marks: String = unlisted.chars().take_while(|c| *c == mark).collect();
        let info = &unlisted[marks.len()..];
        let closing = unit.count(prefix) + marks.len();
        if marks.len() >= 3 && closing <= max / 4 && !(mark == '`' && info.contains('`')) {
            let indentation = prefix.rsplit('>').next().unwrap_or_default();
            open = Some((marks, prefix.matches('>').count(), columns(indentation)));
        }
    }
    open.is_some()
}

fn columns(text: &str) -> usize {
    text.chars().map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

fn strip_containers(line: &str) -> &str {
    let rest = line.trim_start_matches([' ', '\t', '>']);
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let signs = if digits == 0 { "-*+" } else { ".)" };
    match rest[digits..].strip_prefix(|c| signs.contains(c)) {
        Some(item) if item.starts_with([' ', '\t']) && digits <= 9 => strip_containers(item),
        Some(_) | None => rest,
    }
}
