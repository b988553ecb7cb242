//! Whom a text addresses: the mentions of agents in it.

mod prose;

use std::ops::Range;

pub(crate) use self::prose::prose;
use crate::id::AgentName;

/// How many agents one text can address. The others are not started, and it is better to see that
/// than to pay for all of them.
pub const MAX_ADDRESSED: usize = 8;

/// A text, and whom it addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressed {
    /// The agents, each once, in the order in which they are first mentioned.
    pub agents: Vec<AgentName>,
    /// The text without the mentions.
    pub text: String,
}

/// Finds the agents among `names` that a text addresses as `@name`.
///
/// Case does not matter, and of two names that fit the longer one counts. A mention stands for
/// itself: not within a word, an e-mail address or a URL, and not in what is only cited, which is
/// code, block quotes, links and what stands between double quotes.
///
/// ```
/// use mpg_core::address::addressed;
/// use mpg_core::id::AgentName;
///
/// let names = [AgentName::new("qa"), AgentName::new("pm")];
/// let found = addressed("@QA: is `@pm` right? mail pm@example.org", &names);
/// assert_eq!(found.agents, [AgentName::new("qa")]);
/// assert_eq!(found.text, "is `@pm` right? mail pm@example.org");
/// ```
pub fn addressed<'n>(text: &str, names: impl IntoIterator<Item = &'n AgentName>) -> Addressed {
    let names: Vec<&AgentName> = names.into_iter().collect();
    let mut agents: Vec<AgentName> = Vec::new();
    let mut cuts: Vec<Range<usize>> = Vec::new();
    for mention in mentions(text, &names) {
        if !agents.contains(mention.agent) {
            if agents.len() >= MAX_ADDRESSED {
                continue;
            }
            agents.push(mention.agent.clone());
        }
        cuts.push(mention.range);
    }
    Addressed {
        agents,
        text: without(text, &cuts),
    }
}

/// One mention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention<'n> {
    /// Whom it names.
    pub(crate) agent: &'n AgentName,
    /// Where it stands, its sign included.
    pub(crate) range: Range<usize>,
}

/// All mentions in a text, in order.
pub(crate) fn mentions<'n>(text: &str, names: &[&'n AgentName]) -> Vec<Mention<'n>> {
    let mut found = Vec::new();
    if names.is_empty() || !text.contains('@') {
        return found;
    }
    for said in prose(text) {
        let stretch = text.get(said.clone()).unwrap_or_default();
        for (at, _) in stretch.match_indices('@') {
            let at = said.start + at;
            if let Some(agent) = named(text, at, names) {
                let end = at + 1 + agent.as_str().len();
                if end <= said.end {
                    found.push(Mention {
                        agent,
                        range: at..end,
                    });
                }
            }
        }
    }
    found
}

/// The agent that the sign at `at` names, if it stands for itself.
fn named<'n>(text: &str, at: usize, names: &[&'n AgentName]) -> Option<&'n AgentName> {
    let before = text.get(..at)?;
    let rest = text.get(at + 1..)?;
    if before.chars().next_back().is_some_and(joins_before) || is_in_url(before) {
        return None;
    }
    names
        .iter()
        .filter(|name| {
            let name = name.as_str();
            !name.is_empty()
                && rest
                    .get(..name.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(name))
                && rest.get(name.len()..).is_some_and(ends_word)
        })
        .max_by_key(|name| name.as_str().len())
        .copied()
}

/// Whether a character before the sign makes it a part of something else.
fn joins_before(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(
            c,
            '.' | '-' | '_' | '+' | '/' | '@' | '<' | '\\' | '#' | '%'
        )
}

/// Whether a name ends here: no letter follows, and no dot or dash with a letter behind it.
fn ends_word(rest: &str) -> bool {
    let mut rest = rest.chars();
    match rest.next() {
        Some(c) if c.is_alphanumeric() || matches!(c, '_' | '/' | '@') => false,
        Some('.' | '-' | ':') => !rest.next().is_some_and(char::is_alphanumeric),
        Some(_) | None => true,
    }
}

/// Whether the word that `before` ends in is an address of the web.
fn is_in_url(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next();
    word.is_some_and(|word| word.contains("://") || word.starts_with("www."))
}

/// The text without its mentions: those that begin a line or end the text go as a whole, of those
/// within a sentence the name stays, so that it can still be read.
fn without(text: &str, cuts: &[Range<usize>]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for (index, cut) in cuts.iter().enumerate() {
        kept.push_str(text.get(from..cut.start).unwrap_or_default());
        let rest = text.get(cut.end..).unwrap_or_default();
        let line = kept.rsplit('\n').next().unwrap_or_default();
        from = if line.trim().is_empty() {
            // What stood between the name and what is said to it goes with the name, and so does
            // what joins it to the next one.
            let next = cuts.get(index + 1).map(|next| next.start);
            next.filter(|next| joins(text.get(cut.end..*next).unwrap_or_default()))
                .unwrap_or(text.len() - rest.trim_start_matches([' ', ':', ',', '.']).len())
        } else if rest.trim().is_empty() {
            text.len()
        } else {
            cut.start + 1
        };
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept.trim().to_owned()
}

/// Whether this is all that stands between two names of one list.
fn joins(between: &str) -> bool {
    let word = between.trim_matches([' ', ',']);
    word.is_empty() || matches!(word, "and" | "&" | "+")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Vec<AgentName> {
        ["pm", "qa", "life", "life-work", "engineer"]
            .map(AgentName::new)
            .into()
    }

    #[test]
    fn a_mention_stands_for_itself() {
        let texts = [
            "@pm plan this",
            "@PM: plan this",
            "plan this, @pm",
            "hey @qa and @pm, look",
            "@qa @pm look",
            "@qa, @pm and @engineer: look",
            "@qa look, and @qa again",
            "@life-work yes",
            "@life yes",
            "@life, yes",
            "@life-works no",
            "@pmx no",
            "a@pm no",
            "mail qa@pm.org",
            "@pm.org no",
            "@pm. Then more",
            "https://example.org/@pm",
            "https://example.org/?q=(@pm)",
            "`@pm` no",
            "```\n@pm\n```\n@qa yes",
            "> @pm asked\n\n@qa answer",
            "he said \"@pm\", @qa",
            "(@pm) **@qa** _@engineer_",
            "<@12345> no",
            "@@pm no",
            "[a_@pm no",
            "he said \"ask [them @pm\" now",
            "@nobody no",
            "first\n@pm second",
            "@pm",
            "",
        ];
        let names = names();
        let table: Vec<String> = texts
            .iter()
            .map(|text| {
                let found = addressed(text, &names);
                let agents: Vec<&str> = found.agents.iter().map(AgentName::as_str).collect();
                format!("{text:?}\n    {agents:?} {:?}", found.text)
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn no_text_starts_more_agents_than_the_limit() {
        let names: Vec<AgentName> = (0..20)
            .map(|number| AgentName::new(format!("agent{number}")))
            .collect();
        let text: Vec<String> = names.iter().map(|name| format!("@{name}")).collect();
        let found = addressed(&text.join(" "), &names);
        assert_eq!(found.agents.len(), MAX_ADDRESSED);
    }

    proptest! {
        #[test]
        fn a_text_without_agents_stays_as_it_is(text in "\\PC{0,80}") {
            let found = addressed(&text, []);
            prop_assert_eq!(found.agents, []);
            prop_assert_eq!(found.text, text.trim());
        }

        #[test]
        fn nothing_but_mentions_is_taken_away(text in "[@pmqa \\n`>\",.:é-]{0,60}") {
            let names = names();
            let found = addressed(&text, &names);
            let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
            let named: usize = mentions(&text, &names.iter().collect::<Vec<_>>())
                .iter()
                .map(|mention| letters(&text[mention.range.clone()]))
                .sum();
            let left = letters(&found.text);
            prop_assert!(left <= letters(&text) && left >= letters(&text) - named);
        }
    }
}
