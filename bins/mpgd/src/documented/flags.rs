//! The flags of the CLI that `docs/configuration.md` calls refused are those that the runtime sets.

use std::collections::BTreeSet;
use std::path::PathBuf;

use mpg_testkit::document::Document;

const PAGE: &str = include_str!("../../../../docs/configuration.md");

/// The flags that are named there because they are not refused.
const TAKEN: [&str; 2] = ["--add-dir", "--dangerously-skip-permissions"];

#[test]
fn the_page_names_the_flags_that_are_refused() {
    let (_, entry) = PAGE.split_once("\n### `args`\n").unwrap();
    let entry = Document {
        path: PathBuf::from("docs/configuration.md"),
        text: entry.split("\n### ").next().unwrap().to_owned(),
    };
    let spans: BTreeSet<String> = entry.spans().into_iter().map(|span| span.text).collect();
    let named = spans.iter().map(String::as_str);
    let named: BTreeSet<_> = named
        .filter(|span| span.starts_with("--") && !TAKEN.contains(span))
        .collect();
    // Short forms, and those that are written in two ways, are told by the one that is named.
    let is_named =
        |flag: &&&str| flag.starts_with("--") && !flag.contains(|c: char| c.is_ascii_uppercase());
    let owned: BTreeSet<_> = mpg_claude::OWNED_FLAGS
        .iter()
        .filter(is_named)
        .copied()
        .collect();
    assert_eq!(named, owned);
}
