//! Documents that tell the truth about what is there.

use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::repository::{assert_none, files, members, read, root};

#[test]
fn every_crate_is_on_the_map() {
    let map = read(Path::new("docs/ARCHITECTURE.md"));
    let wrong: Vec<_> = members()
        .iter()
        .filter(|member| !member.folder.starts_with(root().join("examples")))
        .filter(|member| !names(&map, &member.name))
        .map(|member| format!("docs/ARCHITECTURE.md does not name {}", member.name))
        .collect();
    assert_none(&wrong);
}

#[test]
fn a_crate_is_named_by_its_whole_name() {
    assert!(names("see `mpg-core`.", "mpg-core"));
    assert!(!names("see `mpg-core-x`.", "mpg-core"));
    assert!(!names("see mpgd", "mpg"));
}

#[test]
fn links_lead_somewhere() {
    let documents = files(&[".md"]);
    assert!(documents.iter().any(|file| file.ends_with("README.md")));
    let wrong: Vec<_> = documents
        .iter()
        .flat_map(|file| {
            let text = read(file);
            let folder = file.parent().unwrap_or(Path::new(""));
            let broken = relative_links(&text)
                .into_iter()
                .filter(|link| !root().join(folder).join(link).exists())
                .map(|link| format!("{}: {link} is not there", file.display()));
            broken.collect::<Vec<_>>()
        })
        .collect();
    assert_none(&wrong);
}

#[test]
fn relative_links_are_told_from_others() {
    let text = "[a](docs/x.md#part) ![b](y.png) [c](https://example.com/z) [d](#here)\n\
        [e][e] `[f](f.md)` [g](mailto:a@example.com)\n\n[e]: ../w.md\n";
    assert_eq!(relative_links(text), ["docs/x.md", "y.png", "../w.md"]);
}

#[test]
fn tests_that_a_promise_rests_on_are_there() {
    let sources: Vec<String> = files(&[".rs"]).iter().map(|file| read(file)).collect();
    let is_there = |test: &String| {
        let (function, campaign) = (format!("fn {test}("), format!("name: \"{test}\""));
        let named = |source: &String| source.contains(&function) || source.contains(&campaign);
        sources.iter().any(named)
    };
    let mut wrong = Vec::new();
    for document in ["docs/reliability.md", "docs/from-mpg.md"] {
        let tests = test_names(&read(Path::new(document)));
        assert!(tests.len() > 20, "{document}: {tests:?}");
        let missing = tests.into_iter().filter(|test| !is_there(test));
        wrong.extend(missing.map(|test| format!("{document}: there is no test {test}")));
    }
    assert_none(&wrong);
}

#[test]
fn test_names_are_told_from_other_code() {
    let text = "`a_test_of_it`, `MPG_SEED`, `fsync`, `a_b`, `cargo test the_other_one`";
    assert_eq!(test_names(text), ["a_test_of_it"]);
}

/// What stands in backticks and has the form of a test's name: at least three words.
fn test_names(text: &str) -> Vec<String> {
    let spans = Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(|event| {
        if let Event::Code(code) = event {
            Some(code.to_string())
        } else {
            None
        }
    });
    let is_name = |code: &String| {
        let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        code.chars().all(lower) && code.matches('_').count() >= 2
    };
    spans.filter(is_name).collect()
}

fn names(text: &str, name: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '-'))
        .any(|word| word == name)
}

fn relative_links(text: &str) -> Vec<String> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
        .filter_map(|event| {
            if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event {
                Some(dest_url)
            } else {
                None
            }
        })
        .filter_map(|target| {
            let path = target.split('#').next().unwrap_or_default();
            let has_scheme = path
                .split('/')
                .next()
                .is_some_and(|first| first.contains(':'));
            (!path.is_empty() && !has_scheme).then(|| path.to_owned())
        })
        .collect()
}
