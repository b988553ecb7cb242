//! Links that lead somewhere: to files that are there, and to headings in them.

use std::path::{Path, PathBuf};

use mpg_testkit::document::Document;

use crate::repository::{assert_none, files, root};

#[test]
fn links_lead_somewhere() {
    let documents = files(&[".md"]);
    assert!(documents.iter().any(|file| file.ends_with("README.md")));
    let pages = documents.iter().map(|file| Document::read(file));
    let wrong: Vec<_> = pages.flat_map(|page| broken(&page)).collect();
    assert_none(&wrong);
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let text = "[a](README.md) ![b](no.png) [c](https://example.com/z) [d](#here)\n\
        [e][e] `[f](f.md)` [g](mailto:a@example.com) [h](README.md#licence)\n\
        [i](README.md#no-such) [j](#there)\n\n[e]: docs/none.md\n\n# Here\n";
    let page = Document {
        path: PathBuf::from("x.md"),
        text: text.to_owned(),
    };
    let expected = [
        "x.md:1: no.png is not there",
        "x.md:2: docs/none.md is not there",
        "x.md:3: README.md#no-such is no heading",
        "x.md:3: #there is no heading",
    ];
    assert_eq!(broken(&page), expected);
}

/// The links of a document that lead nowhere in the repository.
fn broken(page: &Document) -> Vec<String> {
    let folder = page.path.parent().unwrap_or(Path::new(""));
    let mut wrong = Vec::new();
    for link in page.links() {
        let (file, anchor) = link.text.split_once('#').unwrap_or((&link.text, ""));
        let first = file.split('/').next().unwrap_or_default();
        if first.contains(':') {
            continue;
        }
        let at = page.at(link.line);
        let target = folder.join(file);
        if !file.is_empty() && !root().join(&target).exists() {
            wrong.push(format!("{at}: {file} is not there"));
        } else if !anchor.is_empty() && !has_heading(page, file, &target, anchor) {
            wrong.push(format!("{at}: {} is no heading", link.text));
        }
    }
    wrong
}

fn has_heading(page: &Document, file: &str, target: &Path, anchor: &str) -> bool {
    let anchors = if file.is_empty() {
        page.anchors()
    } else {
        Document::read(target).anchors()
    };
    anchors.iter().any(|known| known == anchor)
}
