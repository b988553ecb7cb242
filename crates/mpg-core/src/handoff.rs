//! Whom an agent hands its work to: what of a reply counts as that.

use crate::address::{Mention, mentions};
use crate::id::AgentName;

/// How agents of a project hand over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HandoffMode {
    /// By a mention that addresses somebody, or a directive.
    #[default]
    Mention,
    /// By a line `HANDOFF @agent: task` alone.
    Directive,
    /// Not at all.
    Off,
}

impl HandoffMode {
    /// All modes, in the order of their names' table.
    pub const ALL: [Self; 3] = [Self::Mention, Self::Directive, Self::Off];

    /// The mode's name in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mention => "mention",
            Self::Directive => "directive",
            Self::Off => "off",
        }
    }
}

/// Whom a reply hands over to, and whom it only names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handoffs {
    /// The agents that take over, each once, in the order of the reply.
    pub targets: Vec<AgentName>,
    /// The agents that are named but not addressed.
    pub named: Vec<AgentName>,
}

/// The word that begins a directive.
const DIRECTIVE: &str = "HANDOFF";

/// How many words before a mention are looked at for a verb of handing over.
const REACH: usize = 6;

/// Verbs of handing over, in the forms that announce it.
const VERBS: &[&str] = &[
    "ask",
    "asking",
    "assign",
    "assigning",
    "back",
    "cc",
    "delegate",
    "delegating",
    "escalate",
    "escalating",
    "forward",
    "forwarding",
    "give",
    "giving",
    "hand",
    "handing",
    "hands",
    "handoff",
    "need",
    "needs",
    "notify",
    "notifying",
    "over",
    "pass",
    "passing",
    "ping",
    "pinging",
    "please",
    "request",
    "requesting",
    "return",
    "returning",
    "route",
    "routing",
    "send",
    "sending",
    "tag",
    "tagging",
];

/// Words by which a sentence with such a verb says that it does not happen, or not yet.
const DENIALS: &[&str] = &[
    "after", "before", "can't", "cannot", "could", "don't", "if", "might", "never", "no", "not",
    "once", "should", "unless", "until", "when", "without", "won't", "would",
];

/// Finds whom among `names` a reply hands over to. Nobody hands over to `own`, which is the agent
/// itself.
///
/// A mention addresses an agent at the beginning of a line or a sentence, and behind a verb of
/// handing over in the same sentence (*over to @qa*, *I'm asking @pm*) unless the sentence denies
/// it, asks it, or makes it depend on something. Code, quotes and links are only cited.
///
/// ```
/// use mpg_core::handoff::{HandoffMode, handoffs};
/// use mpg_core::id::AgentName;
///
/// let names = [AgentName::new("pm"), AgentName::new("qa")];
/// let found = handoffs("Done, as @pm asked. Over to @qa.", None, &names, HandoffMode::Mention);
/// assert_eq!(found.targets, [AgentName::new("qa")]);
/// assert_eq!(found.named, [AgentName::new("pm")]);
/// ```
pub fn handoffs<'n>(
    reply: &str,
    own: Option<&AgentName>,
    names: impl IntoIterator<Item = &'n AgentName>,
    mode: HandoffMode,
) -> Handoffs {
    let names: Vec<&AgentName> = names.into_iter().collect();
    let mut found = Handoffs::default();
    if mode == HandoffMode::Off {
        return found;
    }
    for mention in mentions(reply, &names) {
        if Some(mention.agent) == own {
            continue;
        }
        let addressed = is_directive(reply, &mention)
            || (mode == HandoffMode::Mention && addresses(reply, &mention));
        let list = if addressed {
            &mut found.targets
        } else {
            &mut found.named
        };
        if !list.contains(mention.agent) {
            list.push(mention.agent.clone());
        }
    }
    let targets = &found.targets;
    found.named.retain(|agent| !targets.contains(agent));
    found
}

/// Whether the mention is the one of a line `HANDOFF @agent: task`.
fn is_directive(reply: &str, mention: &Mention<'_>) -> bool {
    let line = line_before(reply, mention);
    let behind = reply.get(mention.range.end..).unwrap_or_default();
    let word = unmarked(line).trim_end();
    word.eq_ignore_ascii_case(DIRECTIVE)
        && line.ends_with(char::is_whitespace)
        && behind.trim_start_matches([' ', '*', '_']).starts_with(':')
}

fn addresses(reply: &str, mention: &Mention<'_>) -> bool {
    let line = line_before(reply, mention);
    let sentence = line.rsplit(ends_sentence).next().unwrap_or_default();
    let words: Vec<String> = sentence.split_whitespace().map(plain).collect();
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        return true;
    }
    let near = words.iter().rev().take(REACH);
    let hands_over = near.clone().any(|word| VERBS.contains(word));
    let denied = words.iter().any(|word| DENIALS.contains(word));
    // Several in a row are addressed like the first of them: *over to @qa and @pm*.
    hands_over && !denied && !asks(reply, mention)
}

/// Whether the sentence of the mention is a question.
fn asks(reply: &str, mention: &Mention<'_>) -> bool {
    let behind = reply.get(mention.range.end..).unwrap_or_default();
    let line = behind.split('\n').next().unwrap_or_default();
    let end = line.find(ends_sentence);
    end.and_then(|end| line.get(end..))
        .is_some_and(|rest| rest.starts_with('?'))
}

fn line_before<'r>(reply: &'r str, mention: &Mention<'_>) -> &'r str {
    let before = reply.get(..mention.range.start).unwrap_or_default();
    before.rsplit('\n').next().unwrap_or_default()
}

/// A line without what marks it as an item, a heading or bold.
fn unmarked(line: &str) -> &str {
    let line = line.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let line = match number.strip_prefix(['.', ')']) {
        Some(rest) if number.len() < line.len() => rest,
        Some(_) | None => line,
    };
    line.trim_start_matches([' ', '-', '*', '+', '_', '#'])
}

/// A word as it stands in the lists: lower case, without signs around it. Numbers and marks of
/// items are no words.
fn plain(word: &str) -> String {
    let word = word.trim_matches(|c: char| !c.is_alphabetic() && c != '@');
    word.replace('\u{2019}', "'").to_lowercase()
}

fn ends_sentence(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | ':' | ';' | '\u{2014}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Vec<AgentName> {
        ["pm", "qa", "engineer"].map(AgentName::new).into()
    }

    fn row(reply: &str, mode: HandoffMode) -> String {
        let own = AgentName::new("engineer");
        let found = handoffs(reply, Some(&own), &names(), mode);
        let list = |agents: &[AgentName]| {
            let agents: Vec<String> = agents.iter().map(AgentName::to_string).collect();
            agents.join(" ")
        };
        format!(
            "{reply:?}\n    to [{}], names [{}]",
            list(&found.targets),
            list(&found.named)
        )
    }

    #[test]
    fn a_mention_hands_over_where_it_addresses_somebody() {
        let replies = [
            "@qa please test the search field.",
            "It is built. @qa, please test it.",
            "It is built.\n\n@qa test it",
            "- @qa test it\n- @pm review it",
            "1. @qa test it",
            "**@qa** test it",
            "## @qa",
            "Next: @qa",
            "Over to @qa.",
            "Handing this over to @qa and @pm for review.",
            "I'm asking @pm for a decision.",
            "Ready for review, cc @pm",
            "As @pm asked, the field is there.",
            "I agree with @pm here.",
            "There is no need to ask @qa.",
            "Don't hand this to @qa yet.",
            "Should I hand this over to @qa?",
            "Once it is merged I will ask @qa.",
            "Say `@qa` to start it.",
            "```\n@qa\n```",
            "> @qa said so",
            "@engineer continues",
            "HANDOFF @qa: test the search field",
            "**HANDOFF @qa**: test the search field",
            "```\nHANDOFF @qa: test\n```",
            "Write HANDOFF @qa: to hand over",
            "Thanks @pm!",
            "It is built \u{2014} as @pm wanted it.",
            "It is built \u{2014} @qa, please test it.",
            "It is built \u{2014} over to @qa.",
            "Over to @qa?",
            "Over to @qa. Or is it done?",
        ];
        let table: Vec<String> = replies
            .iter()
            .map(|reply| row(reply, HandoffMode::Mention))
            .collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn a_directive_is_a_line_of_its_own() {
        let replies = [
            "HANDOFF @qa: test the search field",
            "  handoff @qa : test",
            "- HANDOFF @qa: test\n- HANDOFF @pm: review",
            "1. HANDOFF @qa: test\n2) **HANDOFF @pm: review**",
            ". HANDOFF @qa: test",
            "1 HANDOFF @qa: test",
            "HANDOFF\n@qa: test",
            "@qa please test",
            "see HANDOFF @qa: test",
            "`HANDOFF @qa: test`",
        ];
        let table: Vec<String> = replies
            .iter()
            .map(|reply| row(reply, HandoffMode::Directive))
            .collect();
        insta::assert_snapshot!(table.join("\n"));
        assert_eq!(
            row("HANDOFF @qa: test", HandoffMode::Off),
            row("nothing", HandoffMode::Off).replace("nothing", "HANDOFF @qa: test")
        );
    }

    proptest! {
        #[test]
        fn nobody_hands_over_to_themselves_or_twice(
            reply in "(@qa|@pm|@engineer|over to|\\. |\\n|no|`|- ){0,12}",
        ) {
            let own = AgentName::new("engineer");
            let found = handoffs(&reply, Some(&own), &names(), HandoffMode::Mention);
            let all: Vec<&AgentName> = found.targets.iter().chain(&found.named).collect();
            prop_assert!(!all.contains(&&own));
            let once: std::collections::BTreeSet<&&AgentName> = all.iter().collect();
            prop_assert_eq!(once.len(), all.len());
        }
    }
}
