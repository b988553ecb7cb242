//! What somebody says in a text, as against what they cite: code, quotes, links.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// The stretches of a Markdown text that its author says in their own words, in order.
///
/// Left out are code spans and code blocks, block quotes, the texts and targets of links, HTML, and
/// what stands between double quotes on one line.
pub(crate) fn prose(text: &str) -> Vec<Range<usize>> {
    let mut said = Vec::new();
    let mut cited = 0_u32;
    for (event, range) in Parser::new(text).into_offset_iter() {
        if let Event::Start(Tag::CodeBlock(_) | Tag::BlockQuote(_) | Tag::Link { .. }) = event {
            cited += 1;
        } else if let Event::End(TagEnd::CodeBlock | TagEnd::BlockQuote(_) | TagEnd::Link) = event {
            cited = cited.saturating_sub(1);
        } else if let (Event::Text(_), 0) = (event, cited) {
            said.push(range);
        }
    }
    joined(said, text)
        .into_iter()
        .flat_map(|range| unquoted(text, range))
        .collect()
}

/// Joins what only an entity or an escape stands between, so that words stay whole.
fn joined(ranges: Vec<Range<usize>>, text: &str) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last)
                if text
                    .get(last.end..range.start)
                    .is_some_and(|gap| gap == "\\") =>
            {
                last.end = range.end;
            }
            Some(last) if last.end == range.start => last.end = range.end,
            Some(_) | None => joined.push(range),
        }
    }
    joined
}

/// A stretch without what stands between double quotes in it.
fn unquoted(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let start = range.start;
    let Some(said) = text.get(range) else {
        return Vec::new();
    };
    let mut parts = Vec::new();
    let mut from = 0;
    while let Some((open, close)) = quotation(said, from) {
        parts.push(start + from..start + open);
        from = close;
    }
    parts.push(start + from..start + said.len());
    parts.retain(|part| !part.is_empty());
    parts
}

/// The next quotation at or behind `from`, its signs included.
fn quotation(said: &str, from: usize) -> Option<(usize, usize)> {
    for (at, sign) in said.get(from..)?.char_indices() {
        let closing = match sign {
            '"' => '"',
            '\u{201c}' | '\u{201e}' => '\u{201d}',
            _ => continue,
        };
        let open = from + at;
        let rest = said.get(open + sign.len_utf8()..)?;
        let line = rest.split('\n').next().unwrap_or_default();
        if let Some(length) = line.find(closing) {
            let close = open + sign.len_utf8() + length + closing.len_utf8();
            return Some((open, close));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> String {
        let parts = prose(text);
        let parts = parts.iter().filter_map(|range| text.get(range.clone()));
        parts.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn what_is_cited_is_left_out() {
        let texts = [
            "plain words",
            "before `code` after",
            "before\n\n```\ncode\n```\n\nafter",
            "before\n\n~~~ text\ncode\n~~~",
            "```\nnever closed",
            "> quoted\n\nanswered",
            "> quoted\nlazily quoted",
            "a [link](https://example.org) here",
            "an <https://example.org> here",
            "he said \"quoted\" there",
            "he said \u{201c}quoted\u{201d} there",
            "an open \" stays",
            "5\" and\n6\" are lengths",
            "**bold** and _soft_",
            "an escaped \\* star",
            "- an item\n- `code`\n\n    indented code",
            "<b>markup</b> kept",
            "",
        ];
        let table: Vec<String> = texts
            .iter()
            .map(|text| format!("{text:?}\n    {:?}", said(text)))
            .collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    proptest! {
        #[test]
        fn every_stretch_is_a_part_of_the_text_behind_the_one_before(text in "[ab@`>\"~\\n\\[\\]()*é]{0,60}") {
            let mut end = 0;
            for range in prose(&text) {
                prop_assert!(range.start >= end && range.end > range.start);
                prop_assert!(text.get(range.clone()).is_some());
                end = range.end;
            }
        }
    }
}
