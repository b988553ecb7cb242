//! The layout against its promises.

use std::fmt::Write as _;

use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::{COLUMNS, lay_out};
use crate::capability::{TextLimit, TextUnit};
use crate::split::split;

const LIMIT: TextLimit = TextLimit {
    max: 2000,
    unit: TextUnit::CodePoints,
};

#[test]
fn tables_become_columns_or_records() {
    let texts = [
        "The figures:\n\n| name | value | note |\n|:---|---:|:-:|\n| `alpha` | 1 | **ok** |\n| \
         beta \\| gamma | 1024 | |\n\nThat is all.",
        "| 名前 | emoji | ünïcode |\n|---|---|---|\n| 日本語 | 👍🏽 | é |\n| x | 👨‍👩‍👧 | e\u{301}e\u{301} |",
        "| file | what was wrong with it and how it was found | who |\n|---|---|---|\n\
         | `src/main.rs` | the loop never ended when the queue was empty | @everyone |\n\
         | `src/lib.rs` | | nobody<br>and somebody |\n",
        "| pull request | state |\n|---|---|\n| [#1](https://example.org/1) | open |\n| https://example.org/2 | closed |",
        "> said:\n>\n> | a | b |\n> |---|---|\n> | 1 | 2 |\n>\n> so.",
        "1. first\n\n   | a | b |\n   |---|---|\n   | 1 | 2 |\n\n2. second",
        "- | a | b |\n  |---|---|\n  | 1 | 2 |",
        "| a | b |\n|---|---|\n| one `x | y` | two | three |\n| short |",
        "| only | a header |\n|---|---|",
        "| a very long name of a column | another very long name of a column |\n|---|---|",
        "| fence |\n|---|\n| ``` |",
        "```\n| not | a table |\n|---|---|\n| 1 | 2 |\n```\n\na | b without a delimiter row",
        "```\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n```\n\n~~~ patch\n-a\n~~~\n\n``` rust\n- a\n```",
    ];
    let shown: Vec<String> = texts
        .iter()
        .map(|text| format!("{text}\n════\n{}", lay_out(text, LIMIT)))
        .collect();
    insta::assert_snapshot!(shown.join("\n\n════════\n"));
}

#[test]
fn a_long_table_has_its_header_in_every_post() {
    let rows = (1..=90).fold(String::new(), |rows, row| {
        rows + &format!("| row {row} | what stands in row {row} |\n")
    });
    let text = format!("Before.\n\n| name | value |\n|---|---|\n{rows}\nAfter.");
    let posts = split(&lay_out(&text, LIMIT), LIMIT);
    assert!(posts.len() > 1);
    for post in &posts {
        assert!(post.contains("name    value\n"), "{post}");
    }
}

#[test]
fn a_table_as_wide_as_a_phone_is_a_block_and_a_wider_one_is_not() {
    let table = |width: usize| format!("| {} | bb |\n|---|---|\n| 1 | 2 |", "a".repeat(width));
    let most = COLUMNS - "bb".len() - 2;
    assert!(lay_out(&table(most), LIMIT).starts_with("```"));
    assert!(!lay_out(&table(most + 1), LIMIT).contains("```"));
    // Between three columns there are two gaps.
    let three = |width: usize| {
        format!(
            "| {} | b | c |\n|---|---|---|\n| 1 | 2 | 3 |",
            "a".repeat(width)
        )
    };
    assert!(lay_out(&three(COLUMNS - 6), LIMIT).starts_with("```"));
    assert!(!lay_out(&three(COLUMNS - 5), LIMIT).contains("```"));
}

#[test]
fn a_block_takes_three_quarters_of_a_post() {
    let limit = TextLimit { max: 200, ..LIMIT };
    let shown = |rows: usize| {
        let rows = "| one | 1 |\n".repeat(rows);
        lay_out(&format!("| a | b |\n|---|---|\n{rows}"), limit).into_owned()
    };
    let blocks = |rows| shown(rows).matches("```").count() / 2;
    // The fences take 8, the header 7 and the rule 7: 128 are left for rows of 7.
    let most = (150 - 8 - 7 - 7) / 7;
    assert_eq!(blocks(most), 1, "{}", shown(most));
    assert_eq!(blocks(most + 1), 2, "{}", shown(most + 1));
    assert_eq!(blocks(2 * most), 2, "{}", shown(2 * most));
    assert_eq!(blocks(2 * most + 1), 3, "{}", shown(2 * most + 1));
}

#[test]
fn tables_that_are_no_block_keep_their_words() {
    let wide = "w".repeat(COLUMNS);
    insta::assert_snapshot!(
        [
            format!("| *{wide}* | |\n|---|---|\n| one<br>two<br/>three | <b>bold</b> |"),
            format!("| {wide} | last |\n|---|---|\n| 1 | two | https://example.org/3 |"),
            "| a | b |\n|---|---|\n| one<br>two | <b>x</b> |".to_owned(),
            "| a | last |\n|---|---|\n| 1 | two | https://example.org/3 |".to_owned(),
        ]
        .map(|text| lay_out(&text, LIMIT).into_owned())
        .join("\n════\n")
    );
}

#[test]
fn a_diff_without_any_other_sign_of_a_table_says_so() {
    for fence in ["```", "~~~"] {
        let text = format!("{fence}\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n{fence}");
        assert!(lay_out(&text, LIMIT).starts_with(&format!("{fence}diff")));
    }
}

#[test]
fn what_has_neither_table_nor_diff_is_left_alone() {
    for text in [
        "",
        "a | b\n",
        "# t\n\n- a\n- b\n",
        "```rust\nfn main() {}\n```",
        "~~~\n~~~",
    ] {
        assert_eq!(lay_out(text, LIMIT), text);
    }
}

#[test]
fn a_table_made_to_grow_stays_as_it_is() {
    let name = "n".repeat(60_000);
    let text = format!("| {name} |\n|---|\n{}", "|1\n".repeat(60_000));
    assert_eq!(lay_out(&text, LIMIT), text);
}

#[test]
fn so_much_is_added_by_names_that_are_repeated_and_no_more() {
    // A name of one byte counts eleven, each time.
    let most = 64 * 1024 / 11;
    let table = |rows: usize| format!("|a|\n|-|\n{}", "|<http://x.y>|\n".repeat(rows));
    assert!(lay_out(&table(most), LIMIT).starts_with("**a**: <http://x.y>\n"));
    let more = table(most + 1);
    assert_eq!(lay_out(&more, LIMIT), more);
}

#[test]
fn columns_narrower_than_the_gaps_between_them_are_a_block() {
    assert_eq!(
        lay_out("|a|b|c|\n|-|-|-|\n", LIMIT),
        "```\na  b  c\n-  -  -\n```\n"
    );
}

#[test]
fn a_row_that_fits_to_the_last_byte_is_in_the_same_block() {
    let limit = |max| TextLimit { max, ..LIMIT };
    // With its fences, its header and its rows, each with its end, the block takes 60.
    let table = format!("|a|\n|-|\n{}", "|x|\n".repeat(24));
    let blocks = |max| lay_out(&table, limit(max)).matches("```").count() / 2;
    assert_eq!(blocks(80), 1);
    assert_eq!(blocks(79), 2);
}

#[test]
fn spaces_around_code_in_a_cell_take_no_room() {
    assert_eq!(
        lay_out("|`  a  `|b|\n|-|-|\n|1|2|", LIMIT),
        "```\na  b\n-  -\n1  2\n```"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_of_a_cell_is_lost_and_no_line_of_a_block_is_too_wide(
        columns in 1..6_usize,
        rows in prop::collection::vec(prop::collection::vec("[a-z0-9äß日本👍é ]{0,24}", 6), 0..40),
        lead in prop::sample::select(vec!["", "> ", "  ", "> > "]),
        limit in 64..4000_usize,
    ) {
        let mut text = String::new();
        let mut cells = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let row = &row[..columns];
            cells.extend(row.iter().map(|cell| cell.trim().to_owned()));
            writeln!(text, "{lead}| {} |", row.join(" | ")).unwrap();
            if index == 0 {
                writeln!(text, "{lead}|{}", "---|".repeat(columns)).unwrap();
            }
        }
        let limit = TextLimit { max: limit, unit: TextUnit::CodePoints };
        let laid_out = lay_out(&text, limit);
        for cell in cells {
            prop_assert!(laid_out.contains(&cell), "{cell:?} is lost in {laid_out}");
        }
        let mut inside = false;
        for line in laid_out.lines() {
            if line.trim_start_matches(['>', ' ']).starts_with("```") {
                inside = !inside;
            } else if inside {
                prop_assert!(line.width() <= COLUMNS, "{line:?} is too wide");
            }
        }
        prop_assert!(!inside);
    }

    #[test]
    fn any_text_can_be_laid_out(text in "[`~|\\-: a\\\\>\n<br>*é👍\\[\\]()]{0,300}") {
        let laid_out = lay_out(&text, LIMIT);
        let letters = |text: &str| text.chars().filter(|c| matches!(c, 'a' | 'é' | '👍')).count();
        prop_assert!(letters(&laid_out) >= letters(&text), "{laid_out:?}");
    }
}
