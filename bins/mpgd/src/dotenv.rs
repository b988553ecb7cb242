//! Files of variables, as the predecessor reads them: `NAME=value`, one a line.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use mpg_config::Search;

/// The name of such a file.
pub(crate) const NAME: &str = ".env";

/// The longest file that is read, in bytes.
const MAX_LENGTH: u64 = 64 * 1024;

/// The files that the predecessor looks at, the one that counts first.
pub(crate) fn files(search: &Search<'_>) -> Vec<PathBuf> {
    let home = search.home();
    let directories = home.iter().map(String::as_str).chain([search.working_dir]);
    let mut files: Vec<PathBuf> = Vec::new();
    for directory in directories {
        let file = Path::new(directory).join(NAME);
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

/// The variables of a file; none where there is no such file or it is no text.
pub(crate) fn read(path: &Path) -> BTreeMap<String, String> {
    let mut text = String::new();
    let read =
        fs::File::open(path).and_then(|file| file.take(MAX_LENGTH).read_to_string(&mut text));
    match read {
        Ok(_) => parse(&text),
        Err(_) => BTreeMap::new(),
    }
}

fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(variable).collect()
}

fn variable(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(fits)
    {
        return None;
    }
    Some((name.to_owned(), unquoted(value.trim())))
}

/// A value without the quotes around it, or without the comment behind it.
fn unquoted(value: &str) -> String {
    for quote in ['"', '\'', '`'] {
        if let Some(rest) = value.strip_prefix(quote)
            && let Some((inside, _)) = rest.split_once(quote)
        {
            return if quote == '"' {
                inside.replace("\\n", "\n")
            } else {
                inside.to_owned()
            };
        }
    }
    let end = value.find(" #").unwrap_or(value.len());
    let value = value.get(..end).unwrap_or_default();
    if value.starts_with('#') {
        return String::new();
    }
    value.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_predecessor_reads_them() {
        let table = [
            ("A=b", Some(("A", "b"))),
            (" export A = b c ", Some(("A", "b c"))),
            ("A=\"b # c\" # d", Some(("A", "b # c"))),
            ("A='b\\n'", Some(("A", "b\\n"))),
            ("A=\"b\\nc\"", Some(("A", "b\nc"))),
            ("A=b # c", Some(("A", "b"))),
            ("A=b#c", Some(("A", "b#c"))),
            ("A=# c", Some(("A", ""))),
            ("A=", Some(("A", ""))),
            ("A=\"b", Some(("A", "\"b"))),
            ("A=b=c", Some(("A", "b=c"))),
            ("# A=b", None),
            ("A", None),
            ("", None),
            ("=b", None),
            ("1A=b", None),
            ("A-B=c", None),
        ];
        for (line, expected) in table {
            let read = variable(line);
            let read = read
                .as_ref()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            assert_eq!(read, expected, "{line}");
        }
    }
}
