//! The map of the code names what is there.

use std::path::Path;

use crate::repository::{assert_none, manifest, members, read, root};

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
fn every_page_is_reached_from_the_first_one() {
    let first = read(Path::new("README.md"));
    let wrong: Vec<_> = mpg_testkit::document::Document::all()
        .into_iter()
        .map(|page| page.path)
        .filter(|path| !path.ends_with("README.md"))
        .filter(|path| !first.contains(&format!("({})", path.display())))
        .map(|path| format!("README.md does not lead to {}", path.display()))
        .collect();
    assert_none(&wrong);
}

#[test]
fn the_changelog_begins_with_the_version() {
    let workspace = manifest(&root());
    let version = workspace["workspace"]["package"]["version"].as_str();
    let newest = read(Path::new("CHANGELOG.md"));
    let newest = newest.lines().find_map(|line| line.strip_prefix("## ["));
    let newest = newest.and_then(|line| line.split(']').next());
    assert_eq!(newest, version);
}

fn names(text: &str, name: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '-'))
        .any(|word| word == name)
}
