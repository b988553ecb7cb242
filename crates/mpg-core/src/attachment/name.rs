//! Names that people give to files, made fit for a path and for a line of text.

/// How long a name is at the most, in bytes: with what is put before it, it fits every file system.
const LONGEST: usize = 120;

/// A name without anything that means something to a path, a shell's eye or a line of text: no
/// separators, no control or formatting characters, no leading dots, no white space at its ends.
/// Its extension stays where it is cut.
pub fn file_name(stated: &str) -> String {
    // What stands before a separator is a folder on somebody's machine.
    let last = stated.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .map(|c| if is_unfit(c) { '_' } else { c })
        .collect();
    let clean = clean
        .trim_start_matches(|c: char| c == '.' || c.is_whitespace())
        .trim_end_matches(is_no_end);
    let name = cut(clean);
    if name.chars().all(|c| c == '_') {
        return "file".to_owned();
    }
    name
}

/// Whether a character does not belong in a name: it ends lines or strings, opens quotes or marks,
/// or changes how what stands beside it is read.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            ':' | '*' | '?' | '"' | '\'' | '`' | '<' | '>' | '|' | '$'
        )
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Whether a name does not end with this character.
fn is_no_end(c: char) -> bool {
    c == '.' || c.is_whitespace()
}

fn cut(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let extension = match name.rfind('.') {
        Some(at) if name.len() - at <= 16 => &name[at..],
        Some(_) | None => "",
    };
    let stem = &name[..name.floor_char_boundary(LONGEST - extension.len())];
    format!("{}{extension}", stem.trim_end_matches(is_no_end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn names() {
        let long = format!("{}.tar.gz", "ä".repeat(200));
        for (stated, expected) in [
            ("notes.txt", "notes.txt"),
            ("größer 2.png", "größer 2.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ann\\shot.png", "shot.png"),
            (".bashrc", "bashrc"),
            ("...", "file"),
            ("", "file"),
            ("/", "file"),
            ("a/", "file"),
            ("  spaced  .", "spaced"),
            ("a\0b\nc\u{1b}[1m.txt", "a_b_c_[1m.txt"),
            ("evil\u{202e}gnp.exe", "evil_gnp.exe"),
            ("`$(rm)`.sh", "__(rm)_.sh"),
            ("\u{200b}", "file"),
        ] {
            assert_eq!(file_name(stated), expected, "{stated:?}");
        }
        let cut = file_name(&long);
        assert!(cut.ends_with("ä.gz") && cut.len() <= LONGEST, "{cut}");
        for (extension, kept) in [(15, true), (16, false), (200, false)] {
            let extension = format!(".{}", "e".repeat(extension));
            let cut = file_name(&format!("{}{extension}", "x".repeat(200)));
            assert_eq!(cut.ends_with(&extension), kept, "{cut}");
            assert_eq!(cut.len(), LONGEST, "{cut}");
        }
    }

    proptest! {
        #[test]
        fn every_name_is_fit(stated in any::<String>(), times in 1_usize..40) {
            let name = file_name(&stated.repeat(times));
            prop_assert!(!name.is_empty() && name.len() <= LONGEST);
            prop_assert!(!name.starts_with('.'));
            prop_assert!(!name.contains(['/', '\\']));
            prop_assert!(!name.chars().any(is_unfit));
            prop_assert_eq!(name.trim(), name.as_str());
            prop_assert_eq!(file_name(&name), name);
        }
    }
}
