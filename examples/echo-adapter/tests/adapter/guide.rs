//! The guide says what the suite checks and shows what the example holds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const GUIDE: &str = include_str!("../../../../docs/adapter-guide.md");
/// The clauses, and those that stand in files of their own.
const CLAUSES: [&str; 4] = [
    include_str!("../../../../crates/mpg-testkit/src/conformance/adapter/clause.rs"),
    include_str!("../../../../crates/mpg-testkit/src/conformance/adapter/clause/control.rs"),
    include_str!("../../../../crates/mpg-testkit/src/conformance/adapter/clause/file.rs"),
    include_str!("../../../../crates/mpg-testkit/src/conformance/adapter/clause/persona.rs"),
];

/// The tests that the contract names, and how many of its clauses have none.
fn named() -> (BTreeSet<&'static str>, usize) {
    let mut tests = BTreeSet::new();
    let mut without = 0;
    for row in GUIDE.lines() {
        if !row.starts_with("| MUST |") && !row.starts_with("| SHOULD |") {
            continue;
        }
        let cell = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
        if cell == "—" {
            without += 1;
            continue;
        }
        let test = cell
            .strip_prefix('`')
            .and_then(|cell| cell.strip_suffix('`'));
        let test = test.unwrap_or_else(|| panic!("a test or a dash: {row}"));
        assert!(tests.insert(test), "{test} is named twice");
    }
    (tests, without)
}

/// What stands between `before` and `after` in a line.
fn between(line: &'static str, before: &str, after: &str) -> Option<&'static str> {
    line.strip_prefix(before)?.strip_suffix(after)
}

#[test]
fn the_contract_names_the_tests_of_the_suite() {
    let lines = || CLAUSES.into_iter().flat_map(str::lines);
    let run: BTreeSet<_> = lines()
        .filter_map(|line| between(line.trim(), "", "(harness).await;"))
        .filter(|name| !name.contains(' '))
        .collect();
    let written: BTreeSet<_> = lines()
        .map(|line| line.trim_start_matches("pub(super) "))
        .filter_map(|line| between(line, "async fn ", "<H: AdapterHarness>(harness: &H) {"))
        .collect();
    assert_eq!(run, written, "the suite runs all that it has");
    assert!(run.len() >= 12, "the suite was not read: {run:?}");
    let (named, without) = named();
    assert_eq!(named, run);
    assert!(without > 0, "the contract was not read to its end");
}

#[test]
fn the_guide_shows_the_code_that_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["src", "tests/adapter"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    let blocks: Vec<_> = GUIDE.split("```rust\n").skip(1).collect();
    assert!(blocks.len() > 10, "the guide was not read");
    for block in blocks {
        let (code, _) = block.split_once("```").unwrap();
        let found = sources.iter().any(|source| source.contains(code));
        assert!(found, "this is in no file of the example:\n{code}");
    }
}
