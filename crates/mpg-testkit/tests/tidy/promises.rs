//! What the documents rest on is there: the tests that they name, and one for each invariant.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mpg_testkit::document::Document;

use crate::repository::{assert_none, files, read};

/// The documents that name a test for nearly every sentence.
const PROMISING: [&str; 4] = [
    "docs/from-mpg.md",
    "docs/http.md",
    "docs/reliability.md",
    "docs/ARCHITECTURE.md",
];

/// Names of the code that look like those of tests: metrics.
const METRICS: &str = "mpg_";

#[test]
fn tests_that_a_promise_rests_on_are_there() {
    let sources = Sources::read();
    let mut wrong = Vec::new();
    for page in Document::all() {
        let named = named(&page);
        let is_promising = PROMISING.iter().any(|path| page.path == Path::new(path));
        assert!(!is_promising || named.len() >= 20, "{named:?}");
        let missing = named.iter().filter(|(_, test)| !sources.have(test));
        wrong.extend(missing.map(|(at, test)| format!("{at}: there is no test {test}")));
    }
    assert_none(&wrong);
}

#[test]
fn every_invariant_names_the_test_that_holds_it() {
    let map = read(Path::new("docs/ARCHITECTURE.md"));
    let invariants = invariants(&map);
    assert!(invariants.len() >= 10, "the invariants were not found");
    let sources = Sources::read();
    let is_held = |text: &String| {
        let page = of(text);
        let named = named(&page);
        !named.is_empty() && named.iter().all(|(_, test)| sources.have(test))
    };
    let wrong: Vec<_> = invariants
        .into_iter()
        .filter(|text| !is_held(text))
        .map(|text| format!("no test holds this: {text}"))
        .collect();
    assert_none(&wrong);
}

#[test]
fn test_names_are_told_from_other_code() {
    let text =
        "`a_test_of_it`, `MPG_SEED`, `fsync`, `a_b`, `mpg_a_total`,\n`cargo test the_other_one`";
    assert_eq!(
        named(&of(text)),
        [("x.md:1".to_owned(), "a_test_of_it".to_owned())]
    );
    let map = "# A\n\n1. not one\n\n## Invariants\n\n1. **A.** b\n   c `x_y_z`\n2. **D.**\n\n## E\n\n3. no\n";
    assert_eq!(invariants(map), ["1. **A.** b\n   c `x_y_z`", "2. **D.**"]);
}

/// The names of everything that a document may call a test.
struct Sources(BTreeSet<String>);

impl Sources {
    fn read() -> Self {
        let mut names = BTreeSet::new();
        for file in files(&[".rs"]) {
            let text = read(&file);
            for (before, after) in [("fn ", '('), ("fn ", '<'), ("name: \"", '"')] {
                for (at, _) in text.match_indices(before) {
                    let rest = &text[at + before.len()..];
                    let length = rest.find(after).unwrap_or_default();
                    if rest[..length].chars().all(is_of_a_name) {
                        names.insert(rest[..length].to_owned());
                    }
                }
            }
        }
        Self(names)
    }

    fn have(&self, test: &str) -> bool {
        self.0.contains(test)
    }
}

/// What stands in backticks and has the form of a test's name: at least three words.
fn named(page: &Document) -> Vec<(String, String)> {
    let spans = page.spans().into_iter().filter(|span| {
        let code = &span.text;
        let is_name = code.chars().all(is_of_a_name) && code.matches('_').count() >= 2;
        is_name && !code.starts_with(METRICS)
    });
    spans.map(|span| (page.at(span.line), span.text)).collect()
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

/// The numbered items of the chapter about invariants.
fn invariants(map: &str) -> Vec<String> {
    let chapter = map
        .split("\n## ")
        .find(|part| part.starts_with("Invariants"));
    let mut items: Vec<String> = Vec::new();
    for line in chapter.unwrap_or_default().lines() {
        let is_first = line.split_once(". ").is_some_and(|(number, _)| {
            !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
        });
        if is_first {
            items.push(line.to_owned());
        } else if let Some(item) = items.last_mut()
            && line.starts_with(' ')
        {
            item.push('\n');
            item.push_str(line);
        }
    }
    items
}

fn of(text: &str) -> Document {
    Document {
        path: PathBuf::from("x.md"),
        text: text.to_owned(),
    }
}
