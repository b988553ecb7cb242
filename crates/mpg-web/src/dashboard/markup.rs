//! Markdown as HTML that does nothing: what is markup in it is text, and links lead only to the web.

use std::fmt::Write as _;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

/// How deep things stand in one another at most; what is deeper stands beside.
const DEEPEST: usize = 24;

/// A text as HTML.
pub(crate) fn html(text: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut page = Page::default();
    for event in Parser::new_ext(text, options) {
        page.take(event);
    }
    page.html
}

#[derive(Default)]
struct Page {
    html: String,
    /// What ends each thing that is open.
    open: Vec<&'static str>,
}

impl Page {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(_) => self.html.push_str(self.open.pop().unwrap_or_default()),
            Event::Code(code) => {
                self.html.push_str("<code>");
                self.text(&code);
                self.html.push_str("</code>");
            }
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => self.text(&text),
            Event::SoftBreak | Event::HardBreak => self.html.push_str("<br>\n"),
            Event::Rule => self.html.push_str("<hr>\n"),
            Event::TaskListMarker(done) => {
                self.html.push_str(if done { "☑ " } else { "☐ " });
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        if self.open.len() >= DEEPEST {
            self.open.push("");
            return;
        }
        let (begins, ends) = match tag {
            Tag::Paragraph | Tag::HtmlBlock | Tag::DefinitionListTitle => ("<p>", "</p>\n"),
            Tag::Heading { .. } => ("<p class=\"heading\">", "</p>\n"),
            Tag::BlockQuote(_) | Tag::FootnoteDefinition(_) | Tag::DefinitionListDefinition => {
                ("<blockquote>", "</blockquote>\n")
            }
            Tag::CodeBlock(kind) => {
                if let CodeBlockKind::Fenced(language) = kind
                    && !language.is_empty()
                {
                    self.html.push_str("<p class=\"language\">");
                    self.text(&language);
                    self.html.push_str("</p>");
                }
                ("<pre tabindex=\"0\"><code>", "</code></pre>\n")
            }
            Tag::List(Some(first)) => {
                // Writing to a string does not fail.
                let _ = write!(self.html, "<ol start=\"{first}\">");
                ("", "</ol>\n")
            }
            Tag::List(None) => ("<ul>", "</ul>\n"),
            Tag::Item => ("<li>", "</li>"),
            Tag::Table(_) => ("<table>", "</table>\n"),
            Tag::TableHead | Tag::TableRow => ("<tr>", "</tr>"),
            Tag::TableCell => ("<td>", "</td>"),
            Tag::Emphasis => ("<em>", "</em>"),
            Tag::Strong => ("<strong>", "</strong>"),
            Tag::Strikethrough => ("<s>", "</s>"),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } if is_web(&dest_url) => {
                self.html
                    .push_str("<a target=\"_blank\" rel=\"noopener noreferrer\" href=\"");
                self.text(&dest_url);
                ("\">", "</a>")
            }
            Tag::Link { .. }
            | Tag::Image { .. }
            | Tag::DefinitionList
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => ("", ""),
        };
        self.html.push_str(begins);
        self.open.push(ends);
    }

    /// Adds a text as one: nothing in it is markup, in an attribute neither.
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.html.push_str("&amp;"),
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '"' => self.html.push_str("&quot;"),
                '\'' => self.html.push_str("&#39;"),
                c => self.html.push(c),
            }
        }
    }
}

fn is_web(address: &str) -> bool {
    let begins = |scheme: &str| {
        let start = address.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    begins("https://") || begins("http://")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markdown_is_shown_and_markup_is_text() {
        for (text, expected) in [
            (
                "a *b* **c**\nd",
                "<p>a <em>b</em> <strong>c</strong><br>\nd</p>\n",
            ),
            ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"),
            (
                "<script>\nx\n</script>",
                "<p>&lt;script&gt;\nx\n&lt;/script&gt;</p>\n",
            ),
            ("`<i>`", "<p><code>&lt;i&gt;</code></p>\n"),
            (
                "```rs\na < b\n```",
                "<p class=\"language\">rs</p><pre tabindex=\"0\"><code>a &lt; b\n</code></pre>\n",
            ),
            ("[x](javascript:alert(1))", "<p>x</p>\n"),
            ("[x](JaVaScRiPt:alert(1))", "<p>x</p>\n"),
            ("[x](/logout)", "<p>x</p>\n"),
            (
                "![y](https://a.example/\"b)",
                "<p><a target=\"_blank\" rel=\"noopener noreferrer\" \
                 href=\"https://a.example/&quot;b\">y</a></p>\n",
            ),
            ("- [x] a", "<ul>\n<li>☑ a</li></ul>\n"),
            ("3. a", "<ol start=\"3\"><li>a</li></ol>\n"),
        ] {
            assert_eq!(
                html(text).replace("<ul><li>", "<ul>\n<li>"),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_deep_becomes_flat() {
        let html = html(&">".repeat(5_000));
        assert!(html.matches("<blockquote>").count() <= DEEPEST);
    }

    proptest! {
        #[test]
        fn every_text_becomes_elements_that_are_known_and_closed(
            text in r"([ -~]|\n|<script>|<img src=x onerror=y>|javascript:|\]\(|> |- |```|\|){0,60}"
        ) {
            let html = html(&text);
            let known = [
                "p", "br", "hr", "code", "pre", "blockquote", "ol", "ul", "li", "table", "tr", "td",
                "em", "strong", "s", "a",
            ];
            let mut open = Vec::new();
            for part in html.split('<').skip(1) {
                let (tag, _) = part.split_once('>').unwrap();
                let name = tag.split(' ').next().unwrap();
                let (name, closes) = match name.strip_prefix('/') {
                    Some(name) => (name, true),
                    None => (name, false),
                };
                prop_assert!(known.contains(&name), "{name}: {html}");
                prop_assert!(!tag.contains(" on"), "{html}");
                if closes {
                    prop_assert_eq!(open.pop(), Some(name));
                } else if !["br", "hr"].contains(&name) {
                    open.push(name);
                }
            }
            prop_assert!(open.is_empty(), "{html}");
            prop_assert!(!html.to_ascii_lowercase().contains("href=\"javascript"), "{html}");
        }
    }
}
