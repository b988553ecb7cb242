//! The repository's documents, taken apart: what tests compare with the code.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a parser says more than is asked for"
)]

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A Markdown file of the repository.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it is, from the root of the repository.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// A part of a document, and the line that it begins in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Counted from one.
    pub line: usize,
    /// What it says.
    pub text: String,
}

/// A block of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it says it is written in; empty where it says nothing.
    pub language: String,
    /// What stands between its fences; its line is that of the first fence.
    pub code: Part,
}

impl Document {
    /// Reads `README.md`, `CHANGELOG.md` and everything below `docs/`.
    ///
    /// # Panics
    ///
    /// Where one of them cannot be read.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut paths = vec![PathBuf::from("README.md"), PathBuf::from("CHANGELOG.md")];
        let folder = root().join("docs");
        let entries = fs::read_dir(&folder).expect("the documents have a folder");
        let mut pages: Vec<_> = entries
            .filter_map(|entry| Some(PathBuf::from("docs").join(entry.ok()?.file_name())))
            .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
            .collect();
        pages.sort();
        paths.extend(pages);
        paths.into_iter().map(|path| Self::read(&path)).collect()
    }

    /// Reads one, by its path from the root of the repository.
    ///
    /// # Panics
    ///
    /// Where it cannot be read.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(root().join(path));
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            path: path.to_owned(),
            text,
        }
    }

    /// Where one of its lines is, as compilers say it.
    #[must_use]
    pub fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    /// What stands in backticks in its text.
    #[must_use]
    pub fn spans(&self) -> Vec<Part> {
        let mut spans = Vec::new();
        for (event, range) in self.events() {
            if let Event::Code(code) = event {
                spans.push(self.part(&range, code.to_string()));
            }
        }
        spans
    }

    /// Its blocks of code.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut is_open = false;
        for (event, range) in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    is_open = true;
                    let language = match kind {
                        CodeBlockKind::Fenced(language) => language.to_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    let code = self.part(&range, String::new());
                    blocks.push(Block { language, code });
                }
                Event::Text(text) if is_open => {
                    if let Some(block) = blocks.last_mut() {
                        block.code.text.push_str(&text);
                    }
                }
                Event::End(TagEnd::CodeBlock) => is_open = false,
                _ => {}
            }
        }
        blocks
    }

    /// Where its links and pictures lead to.
    #[must_use]
    pub fn links(&self) -> Vec<Part> {
        let mut links = Vec::new();
        for (event, range) in self.events() {
            if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event {
                links.push(self.part(&range, dest_url.to_string()));
            }
        }
        links
    }

    /// The names by which links lead to its headings, as GitHub makes them.
    #[must_use]
    pub fn anchors(&self) -> Vec<String> {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut anchors = Vec::new();
        let mut heading: Option<String> = None;
        for (event, _) in self.events() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let name = anchor(&heading.take().unwrap_or_default());
                    let earlier = seen.entry(name.clone()).or_default();
                    anchors.push(match *earlier {
                        0 => name,
                        count => format!("{name}-{count}"),
                    });
                    *earlier += 1;
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        anchors
    }

    fn events(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }

    fn part(&self, range: &Range<usize>, text: String) -> Part {
        let line = 1 + self.text[..range.start].matches('\n').count();
        Part { line, text }
    }
}

fn anchor(heading: &str) -> String {
    let lower = heading.trim().to_lowercase();
    let kept = lower.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        other => other.is_alphanumeric().then_some(other),
    });
    kept.collect()
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document {
            path: PathBuf::from("x.md"),
            text: text.to_owned(),
        }
    }

    #[test]
    fn it_is_taken_apart_with_its_lines() {
        let page = document(
            "# The `first` one!\n\n| a |\n|---|\n| `in a table` |\n\n1. a list\n\n   ```toml\n   \
             a = 1\n   b = 2\n   ```\n\n[x](y.md#z) and\n`two` words\n\n## It's \"one\", too\n## a\n## a\n",
        );
        assert_eq!(page.anchors(), ["the-first-one", "its-one-too", "a", "a-1"]);
        let spans: Vec<_> = page.spans().into_iter().map(|s| (s.line, s.text)).collect();
        let expected = [(1, "first"), (5, "in a table"), (15, "two")];
        assert_eq!(spans, expected.map(|(line, text)| (line, text.to_owned())));
        let [block] = &page.blocks()[..] else {
            panic!("{:?}", page.blocks())
        };
        assert_eq!((block.language.as_str(), block.code.line), ("toml", 9));
        assert_eq!(block.code.text, "a = 1\nb = 2\n");
        assert_eq!(page.links()[0].text, "y.md#z");
        assert_eq!(page.at(14), "x.md:14");
    }

    #[test]
    fn the_documents_are_there() {
        let all = Document::all();
        assert!(all.len() > 15, "{}", all.len());
        assert!(all.iter().all(|page| !page.text.is_empty()));
    }
}
