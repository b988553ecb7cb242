//! Rust text without its comments and its tests.

use std::iter::Peekable;
use std::str::Chars;

/// The code of a source file that is shipped: without comments, and up to its test module, which
/// stands last. Lines keep their numbers.
pub(crate) fn shipped_code(source: &str) -> String {
    let code = without_comments(source);
    let tests = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
    code[..tests].to_owned()
}

fn without_comments(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source.chars().peekable();
    let mut in_word = false;
    while let Some(character) = rest.next() {
        let is_raw = matches!(character, 'r') && !in_word;
        in_word = character.is_alphanumeric() || character == '_';
        match character {
            '/' if rest.peek() == Some(&'/') => line_comment(&mut rest),
            '/' if rest.peek() == Some(&'*') => block_comment(&mut rest, &mut code),
            '"' => string(&mut rest, &mut code),
            '\'' => quote(&mut rest, &mut code),
            'r' if is_raw => raw_string(&mut rest, &mut code),
            other => code.push(other),
        }
    }
    code
}

fn line_comment(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| *c != '\n').is_some() {}
}

fn block_comment(rest: &mut Peekable<Chars<'_>>, code: &mut String) {
    let mut depth = 0;
    let mut last = '/';
    for character in rest.by_ref() {
        match (last, character) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            (_, '\n') => code.push('\n'),
            (_, _) => {
                last = character;
                continue;
            }
        }
        if depth == 0 {
            return;
        }
        // Neither sign of a pair begins the next one.
        last = ' ';
    }
}

fn string(rest: &mut Peekable<Chars<'_>>, code: &mut String) {
    code.push('"');
    while let Some(character) = rest.next() {
        code.push(character);
        match character {
            '"' => return,
            '\\' => code.extend(rest.next()),
            _ => {}
        }
    }
}

/// A character or the name of a lifetime.
fn quote(rest: &mut Peekable<Chars<'_>>, code: &mut String) {
    code.push('\'');
    let Some(first) = rest.next() else { return };
    code.push(first);
    let is_character = first == '\\' || rest.peek() == Some(&'\'');
    if is_character {
        code.extend(rest.next());
    }
}

/// A raw string, or a name that begins with `r`.
fn raw_string(rest: &mut Peekable<Chars<'_>>, code: &mut String) {
    code.push('r');
    let mut hashes = String::new();
    while let Some(hash) = rest.next_if_eq(&'#') {
        hashes.push(hash);
    }
    code.push_str(&hashes);
    if rest.next_if_eq(&'"').is_none() {
        return;
    }
    code.push('"');
    let end = format!("\"{hashes}");
    let mut content = String::new();
    for character in rest.by_ref() {
        content.push(character);
        if content.ends_with(&end) {
            break;
        }
    }
    code.push_str(&content);
}

#[test]
fn comments_and_tests_are_not_code() {
    let cases = [
        ("a // b\nc", "a \nc"),
        ("/// doc\nfn f() {}", "\nfn f() {}"),
        ("a /* b /* c */ d */ e", "a  e"),
        ("a /* b\n\n*/ c", "a \n\n c"),
        ("a /*/ b */ c", "a  c"),
        (
            r#"f("// no \" // comment") // yes"#,
            r#"f("// no \" // comment") "#,
        ),
        ("f('\"') // yes", "f('\"') "),
        (r"f('\'') // yes", r"f('\'') "),
        ("fn f<'a>(x: &'a str) // yes", "fn f<'a>(x: &'a str) "),
        (r##"r#"// no "# // yes"##, r##"r#"// no "# "##),
        ("for x in r // yes", "for x in r "),
        ("over(\"//\") // yes", "over(\"//\") "),
        ("a\n#[cfg(test)]\nmod tests {\n b", "a\n"),
        (
            "a\n#[cfg(test)]\nmod tests;\nb",
            "a\n#[cfg(test)]\nmod tests;\nb",
        ),
    ];
    for (source, expected) in cases {
        assert_eq!(shipped_code(source), expected, "{source:?}");
    }
}
