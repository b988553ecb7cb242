//! Each configuration in the documents is one that the program runs with.

use std::collections::BTreeMap;

use mpg_config::{Input, Overrides, Platform, Style, load};
use mpg_testkit::document::Document;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The page whose examples are single keys, compared with the table of keys where that is.
const OF_KEYS: &str = "docs/configuration.md";

#[test]
fn every_configuration_is_in_order() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in Document::all() {
        for block in page.blocks() {
            let text = &block.code.text;
            let is_part = page.path.ends_with(OF_KEYS) && !text.contains("[projects.");
            if block.language == "toml" && !is_part {
                seen += 1;
                let problems = problems(text);
                if !problems.is_empty() {
                    wrong.push(format!("{}: {problems}", page.at(block.code.line)));
                }
            }
        }
    }
    assert!(seen >= 4, "the configurations were not found: {seen}");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_key_of_discord_has_an_example_in_order() {
    let page = Document::read(OF_KEYS.as_ref());
    let (_, chapter) = page.text.split_once("\n## `[discord]`").unwrap();
    let chapter = Document {
        path: page.path,
        text: chapter.split("\n## ").next().unwrap().to_owned(),
    };
    let examples = chapter.blocks();
    let names: Vec<_> = examples
        .iter()
        .filter_map(|block| Some(block.code.text.split_once(" = ")?.0))
        .collect();
    let known: Vec<_> = mpg_discord::config::KEYS.iter().map(|key| key.0).collect();
    assert_eq!(names, known);
    for block in examples {
        assert_eq!(of_discord(&block.code.text), "", "{}", block.code.text);
    }
}

#[test]
fn a_configuration_that_is_not_in_order_is_found() {
    let with = |more: &str| {
        problems(&format!(
            "[projects.one]\ndirectory = \"/srv\"\nchannels = [\"discord:1\"]\n{more}"
        ))
    };
    assert_eq!(
        with("model = \"x\"\n[discord]\nnative-commands = false"),
        ""
    );
    assert!(with("modell = \"x\"").contains("modell"));
    assert!(with("[discord]\ntoken = \"x\"").contains("token"));
}

/// What is wrong with a whole file; nothing where it is in order.
fn problems(text: &str) -> String {
    let env = BTreeMap::from([("HOME".to_owned(), "/home/ada".to_owned())]);
    let loaded = load(&Input {
        source_name: "a document",
        text,
        env: &env,
        platforms: &[Platform::unchecked("discord"), Platform::unchecked("web")],
        overrides: &Overrides::default(),
        directory_exists: &|_| true,
    });
    if let Err(error) = loaded {
        return error.report().render(Style::Plain);
    }
    let document = DeTable::parse(text).unwrap();
    let table = document.get_ref().get("discord");
    match table.map(Spanned::get_ref) {
        Some(DeValue::Table(table)) => problems_of_discord(table),
        _ => String::new(),
    }
}

fn of_discord(text: &str) -> String {
    problems_of_discord(DeTable::parse(text).unwrap().get_ref())
}

fn problems_of_discord(table: &DeTable<'_>) -> String {
    let (_, problems) = mpg_discord::config::settings_from(table);
    let messages: Vec<_> = problems.into_iter().map(|it| it.message).collect();
    messages.join("\n")
}
