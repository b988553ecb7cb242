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
