//! What somebody may have meant, and how their words are shown to them.

/// The longest piece of somebody's text that a message repeats, in characters.
const QUOTED: usize = 60;

/// The known name that is closest to `text`, where one is close enough to be meant.
///
/// Case and the choice between `-`, `_` and a capital letter do not count.
pub(crate) fn closest<'k>(text: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if text.len() > QUOTED {
        return None;
    }
    let text = kebab(text);
    let limit = (text.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&text, &kebab(name)), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How much of a list is on one line before the next one begins, in bytes.
const LINE: usize = 64;

/// `text` between backquotes: on one line, without control characters, cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::from("`");
    let mut characters = text.chars();
    for c in characters.by_ref().take(QUOTED) {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if characters.next().is_some() {
        shown.push('…');
    }
    shown.push('`');
    shown
}

/// Names as a list in a sentence: `` `a`, `b`, `c` ``, on lines of a width that terminals have.
pub(crate) fn listed<'k>(names: impl IntoIterator<Item = &'k str>) -> String {
    let mut list = String::new();
    let mut width = 0;
    for name in names {
        if !list.is_empty() {
            let breaks = width > LINE;
            list.push_str(if breaks { ",\n" } else { ", " });
            width = if breaks { 0 } else { width };
        }
        list.push('`');
        list.push_str(name);
        list.push('`');
        width += name.len() + 4;
    }
    list
}

fn kebab(name: &str) -> String {
    let mut kebab = String::with_capacity(name.len());
    for c in name.chars() {
        if c == '_' {
            kebab.push('-');
        } else if c.is_ascii_uppercase() {
            if !kebab.is_empty() {
                kebab.push('-');
            }
            kebab.push(c.to_ascii_lowercase());
        } else {
            kebab.push(c);
        }
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_close_and_nothing_else() {
        let known = ["idle-timeout", "turn-timeout", "args", "model"];
        let table = [
            ("idle-timeout", Some("idle-timeout")),
            ("idle_timeout", Some("idle-timeout")),
            ("idleTimeout", Some("idle-timeout")),
            ("idleTimeoutMs", Some("idle-timeout")),
            ("idel-timeuot", Some("idle-timeout")),
            ("arg", Some("args")),
            ("modle", Some("model")),
            ("x", None),
            ("", None),
            ("something-else", None),
        ];
        for (text, expected) in table {
            assert_eq!(closest(text, known), expected, "{text}");
        }
        assert_eq!(closest(&"a".repeat(100_000), known), None);
    }

    #[test]
    fn quotes_on_one_short_line() {
        assert_eq!(quoted("a\nb\u{1b}[1m"), "`a\\nb\\u{1b}[1m`");
        assert_eq!(quoted(&"ä".repeat(1000)).chars().count(), QUOTED + 3);
    }
}
