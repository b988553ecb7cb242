//! The title that an agent gives to its thread.

use crate::address::prose;

/// What begins the line of an answer that gives the thread a title.
const MARKER: &str = "THREAD_NAME:";

/// How many characters a title has at most.
const LONGEST: usize = 80;

/// An answer without the lines that give the thread a title, and the first title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Titled {
    /// The title, in one line of at most 80 characters.
    pub title: Option<String>,
    /// What is left of the answer.
    pub text: String,
}

/// Takes the lines `THREAD_NAME: title` out of an answer. In code and quotes they are no markers.
///
/// ```
/// use mpg_core::title::titled;
///
/// let found = titled("THREAD_NAME: Prefix search\n\nIt is built.");
/// assert_eq!(found.title.as_deref(), Some("Prefix search"));
/// assert_eq!(found.text, "It is built.");
/// ```
pub fn titled(answer: &str) -> Titled {
    if !answer.contains(MARKER) {
        return Titled {
            title: None,
            text: answer.to_owned(),
        };
    }
    let said = prose(answer);
    let mut title = None;
    let mut text = String::with_capacity(answer.len());
    let mut from = 0;
    for line in answer.split_inclusive('\n') {
        let at = from;
        from += line.len();
        let rest = line.trim_start().trim_start_matches(['*', '_']);
        let is_said = || {
            let begin = at + (line.len() - rest.len());
            said.iter().any(|range| range.contains(&begin))
        };
        match rest.strip_prefix(MARKER) {
            Some(name) if is_said() => title = title.or_else(|| clean(name)),
            Some(_) | None => text.push_str(line),
        }
    }
    let text = text.trim().to_owned();
    Titled { title, text }
}

/// A title in one line without marks, if anything is left of it.
fn clean(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    // Nobody sees control characters: a space between two of them would be left as a title.
    let line: String = words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    let line = line.trim_matches(['*', '_', '`', '"', '\'', ' ']);
    let title: String = line.chars().take(LONGEST).collect();
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_a_line_of_its_own_outside_of_code() {
        let answers = [
            "THREAD_NAME: Prefix search\n\nIt is built.",
            "It is built.\nTHREAD_NAME: Prefix search",
            "**THREAD_NAME: Prefix search**",
            "THREAD_NAME: one\nTHREAD_NAME: two\nbuilt",
            "THREAD_NAME:\nbuilt",
            "write THREAD_NAME: one",
            "```\nTHREAD_NAME: one\n```",
            "> THREAD_NAME: one",
            "`THREAD_NAME: one`",
            "built\n\n```\nTHREAD_NAME: one\n```",
            "```\ncode\n```\nTHREAD_NAME: one",
            "nothing of that sort",
        ];
        let table = answers.map(|answer| {
            let found = titled(answer);
            format!("{answer:?}\n    {:?} {:?}", found.title, found.text)
        });
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn a_title_of_what_nobody_sees_is_none() {
        for nothing in ["\u{1} \u{2}", "\u{1}", "** \u{7} **", "\u{1}\"\u{1}"] {
            let found = titled(&format!("THREAD_NAME: {nothing}\nbuilt"));
            assert_eq!((found.title, found.text.as_str()), (None, "built"));
        }
        let found = titled("THREAD_NAME: a\u{1} b");
        assert_eq!(found.title.as_deref(), Some("a b"));
    }

    #[test]
    fn a_title_is_cut() {
        let found = titled(&format!("THREAD_NAME: {}", "long ".repeat(100)));
        assert_eq!(found.title.map(|title| title.chars().count()), Some(80));
    }
}
