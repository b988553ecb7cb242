//! `docs/configuration.md` and the table of keys say the same.

use std::collections::BTreeMap;

use mpg_config::{Input, Overrides, Platform, Style, keys, load, predecessor_fields};

const DOCUMENT: &str = include_str!("../../../docs/configuration.md");

/// What the document says about one key.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    takes: String,
    default: Option<String>,
    sections: String,
    example: String,
}

/// The keys of the document that are not a platform's.
fn entries() -> Vec<Entry> {
    let chapters = DOCUMENT.split("\n## ").skip(1);
    let chapters = chapters.filter(|chapter| !chapter.starts_with("`[discord]`"));
    let entries = chapters.flat_map(|chapter| chapter.split("\n### `").skip(1));
    entries.map(entry).collect()
}

fn entry(text: &str) -> Entry {
    let (name, body) = text.split_once("`\n").expect("a key's heading");
    let line = |start: &str| {
        let mut lines = body.lines();
        let found = lines.find_map(|line| line.strip_prefix(start));
        found
            .unwrap_or_else(|| panic!("{name} has no line {start:?}"))
            .trim()
    };
    let example = body.split_once("```toml\n");
    let example = example.and_then(|(_, rest)| rest.split_once("\n```"));
    let (example, _) = example.unwrap_or_else(|| panic!("{name} has no example"));
    let default = line("- Default:");
    Entry {
        name: name.to_owned(),
        takes: line("- Takes:").to_owned(),
        default: default
            .strip_prefix('`')
            .and_then(|default| default.strip_suffix('`'))
            .map(str::to_owned),
        sections: line("- Set in:").to_owned(),
        example: example.to_owned(),
    }
}

#[test]
fn it_lists_exactly_the_keys_that_there_are() {
    let documented: Vec<_> = entries()
        .into_iter()
        .map(|entry| (entry.name, entry.takes, entry.default, entry.sections))
        .collect();
    let known: Vec<_> = keys()
        .into_iter()
        .map(|key| {
            let sections = key.sections.iter();
            let sections: Vec<String> = sections.map(|section| format!("`{section}`")).collect();
            (
                key.name.to_owned(),
                key.takes,
                key.default.map(str::to_owned),
                sections.join(", "),
            )
        })
        .collect();
    assert_eq!(documented, known);
}

#[test]
fn its_examples_are_in_order() {
    for entry in entries() {
        let section = entry.sections.rsplit(", ").next().unwrap();
        let section = section.trim_matches('`').replace("NAME", "example");
        let section = section.replace("AGENT", "somebody");
        let mut text = String::new();
        if section != "[projects.example]" {
            text.push_str("[projects.example]\ndirectory = \"/srv\"\nchannels = []\n");
        }
        text.push_str(&section);
        text.push('\n');
        let required: &[&str] = match section.as_str() {
            "[projects.example]" => &["directory = \"/srv\"", "channels = []"],
            "[projects.example.agents.somebody]" => &["role = \"X\"", "prompt = \"X\""],
            _ => &[],
        };
        for required in required {
            let (key, _) = required.split_once(' ').unwrap();
            if entry.name != key {
                text.push_str(required);
                text.push('\n');
            }
        }
        text.push_str(&entry.example);
        assert!(
            entry.example.starts_with(&entry.name) || entry.example.contains(".agents."),
            "{entry:?}"
        );
        accept(&text);
    }
}

#[test]
fn its_whole_files_are_in_order() {
    let blocks = DOCUMENT.split("```toml\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split_once("\n```"));
    let files: Vec<&str> = blocks
        .map(|(block, _)| block)
        .filter(|block| block.contains("[projects."))
        .collect();
    assert!(!files.is_empty());
    for file in files {
        accept(file);
    }
}

#[test]
fn the_table_of_the_predecessors_fields_is_complete() {
    let document = include_str!("../../../docs/from-mpg.md");
    for (field, key) in predecessor_fields() {
        let row = document
            .lines()
            .find(|line| line.starts_with(&format!("| `{field}` |")));
        let row = row.unwrap_or_else(|| panic!("{field} has no row"));
        let home = row.split('|').nth(2).unwrap_or_default();
        assert!(home.contains(&format!("{key}`")) || key.is_empty(), "{row}");
    }
}

fn accept(text: &str) {
    let env = BTreeMap::from([("HOME".to_owned(), "/home/ada".to_owned())]);
    let result = load(&Input {
        source_name: "docs/configuration.md",
        text,
        env: &env,
        platforms: &[Platform::unchecked("discord")],
        overrides: &Overrides::default(),
        directory_exists: &|_| true,
    });
    if let Err(error) = result {
        panic!("{}", error.report().render(Style::Plain));
    }
}
