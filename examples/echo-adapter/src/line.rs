//! Lines: fields with tabs between them.

/// The longest line that is read, in bytes with its end.
pub(crate) const LONGEST: u64 = 64 * 1024;

/// The line of these fields, with its end.
pub(crate) fn join(fields: &[&str]) -> String {
    let mut line = String::new();
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            line.push('\t');
        }
        for character in field.chars() {
            match character {
                '\\' => line.push_str("\\\\"),
                '\t' => line.push_str("\\t"),
                '\n' => line.push_str("\\n"),
                '\r' => line.push_str("\\r"),
                other => line.push(other),
            }
        }
    }
    line.push('\n');
    line
}

/// The fields of a line without its end; `None` where a backslash stands before anything else than
/// [`join`] puts behind it.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    line.split('\t').map(unescape).collect()
}

fn unescape(field: &str) -> Option<String> {
    let mut text = String::with_capacity(field.len());
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next()? {
                '\\' => '\\',
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fields_read_back(fields in prop::collection::vec("[\\\\\t\n\ra-c🦀]{0,8}", 1..5)) {
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            let line = join(&fields);
            prop_assert_eq!(line.matches('\n').count(), 1);
            let line = line.strip_suffix('\n').unwrap();
            prop_assert_eq!(split(line).unwrap(), fields);
        }
    }

    #[test]
    fn unknown_escapes_are_refused() {
        for line in ["\\x", "a\tb\\", "\\"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
