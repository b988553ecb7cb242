//! Blocks of code that are diffs.

use std::ops::Range;

/// Where the info string of the fenced block at `block` stands, or would stand.
pub(super) fn info(text: &str, block: Range<usize>) -> Range<usize> {
    let opening = text[block.clone()].split('\n').next().unwrap_or_default();
    let opening = opening.trim_end();
    let marks = opening.len() - opening.trim_start_matches(['`', '~']).len();
    block.start + marks..block.start + opening.len()
}

/// Whether a block with this info string is a unified diff that should be shown as one.
pub(super) fn is_diff(info: &str, content: &str) -> bool {
    match info.trim() {
        "patch" => true,
        "" | "text" => begins_as_diff(content),
        _ => false,
    }
}

fn begins_as_diff(content: &str) -> bool {
    let mut lines = content.lines().skip_while(|line| line.trim().is_empty());
    let Some(first) = lines.next() else {
        return false;
    };
    let is_hunk = |line: &str| line.starts_with("@@ -") && line[4..].contains(" @@");
    first.starts_with("diff --git ")
        || is_hunk(first)
        || first.starts_with("--- ") && lines.next().is_some_and(|line| line.starts_with("+++ "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_unified_diff_without_another_language_is_one() {
        let cases = [
            ("", "diff --git a/x b/x\n", true),
            ("", "\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n", true),
            ("text", "@@ -1,2 +1,3 @@ fn main\n-a\n+b\n", true),
            ("patch", "anything", true),
            ("", "--- a title ---\ntext\n", false),
            ("", "-a\n+b\n", false),
            ("", "", false),
            ("yaml", "--- a\n+++ b\n", false),
            ("rust", "diff --git a/x b/x\n", false),
        ];
        for (language, content, expected) in cases {
            assert_eq!(
                is_diff(language, content),
                expected,
                "{language} {content:?}"
            );
        }
    }
}
