//! The variables of the environment in `docs/configuration.md` are those that the code names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../../../docs/configuration.md");

/// Where variables are read: by the program, and by what it hands its environment to.
const READERS: [&str; 3] = [
    "bins/mpgd/src",
    "crates/mpg-config/src",
    "crates/mpg-discord/src/config.rs",
];

/// Where variables are made for agents.
const MAKERS: [&str; 1] = ["crates/mpg-claude/src"];

/// Words in capitals that are no variables.
const OTHERS: [&str; 8] = [
    "CARGO_PKG_VERSION",
    "HEAD",
    "HTTP",
    "LC_",
    "MPG_VERSION",
    "SIGHUP",
    "SIGINT",
    "SIGTERM",
];

#[test]
fn the_page_lists_the_variables_that_there_are() {
    let (_, chapter) = PAGE.split_once("\n## Environment\n").unwrap();
    let chapter = chapter.split("\n## ").next().unwrap();
    let rows = chapter.lines().filter_map(|row| row.split('|').nth(1));
    let cells: String = rows.collect();
    let documented: BTreeSet<_> = cells.split('`').skip(1).step_by(2).collect();
    let read: BTreeSet<_> = READERS
        .iter()
        .flat_map(|folder| words(folder))
        .filter(|word| !OTHERS.contains(&word.as_str()))
        .collect();
    let made = MAKERS.iter().flat_map(|folder| words(folder));
    let made = made.filter(|word| word.starts_with("MPG_"));
    let all: BTreeSet<_> = read.into_iter().chain(made).collect();
    let all: BTreeSet<_> = all.iter().map(String::as_str).collect();
    assert_eq!(documented, all);
}

/// What stands in quotes and is written in capitals, without what is the name of an argument's value.
fn words(folder: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut words = Vec::new();
    for file in sources(&root.join(folder)) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for line in code.lines() {
            let is_code = !line.trim_start().starts_with("//");
            if is_code && !line.contains("value_name") {
                words.extend(quoted(line).filter(|word| is_variable(word)));
            }
        }
    }
    words
}

fn quoted(line: &str) -> impl Iterator<Item = String> {
    line.split('"').skip(1).step_by(2).map(str::to_owned)
}

fn is_variable(word: &str) -> bool {
    let of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let begins = word.starts_with(|c: char| c.is_ascii_uppercase());
    begins && word.len() > 2 && word.chars().all(of_name)
}

/// The sources below a folder that are shipped, or one of them.
pub(super) fn sources(folder: &Path) -> Vec<PathBuf> {
    if folder.is_file() {
        return vec![folder.to_owned()];
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let is_of_tests = path.ends_with("documented");
            found.extend(if is_of_tests {
                Vec::new()
            } else {
                sources(&path)
            });
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && !path.ends_with("tests.rs")
        {
            found.push(path);
        }
    }
    found
}
