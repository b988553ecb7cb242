//! What a prompt tells the stand-in to do.

use std::fmt::Write as _;
use std::time::Duration;

/// How many words of a prompt are read.
const WORDS: usize = 64;

/// What stands between what was said before and what is asked.
const BEHIND_HISTORY: &str = "\nWhat you are asked now:\n";

/// What stands before the reply of an agent that hands over.
const HANDED_OVER: &str = " hands this over to you:\n";

/// The most lines of an answer.
const LINES: usize = 1_000;

/// How long a line of an answer is, but for its tag and numbers.
const WIDTH: usize = 60;

/// What the first line of a prompt says, behind what was said before: a tag, and what to do in words such as `lines=40`.
///
/// | word | what the agent does |
/// |---|---|
/// | `lines=n` | answers with `n` numbered lines instead of one |
/// | `tools=n` | uses a tool `n` times before it answers |
/// | `delay=ms` | takes so long for each tool, and before it answers |
/// | `hold=name` | waits until [`release`](super::release) is called for `name` |
/// | `ask` | asks whether it may run a command, and goes on whatever the answer is |
/// | `to=name/tag` | hands `tag` over to the agent `name` at the end of its answer |
/// | `fail` | ends the turn with an error |
/// | `crash` | ends itself instead, the first time that the prompt is run |
/// | `crash=always` | ends itself each time |
/// | `hang` | never ends the turn |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// The first word, which comes back in the answer.
    pub tag: String,
    /// How many lines the answer has.
    pub lines: usize,
    /// How often a tool is used.
    pub tools: usize,
    /// How long each step takes.
    pub delay: Duration,
    /// What has to be released before the answer.
    pub hold: Option<String>,
    /// Whether it asks for a permission before the answer.
    pub ask: bool,
    /// The agent that it hands over to, and the tag for that one.
    pub to: Option<(String, String)>,
    /// Whether the turn fails.
    pub fail: bool,
    /// Whether the agent ends itself.
    pub crash: Crash,
    /// Whether the turn never ends.
    pub hang: bool,
}

/// Whether an agent ends itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Crash {
    /// It does not.
    #[default]
    Never,
    /// Not when it goes on with the turn.
    Once,
    /// Also when it goes on with the turn.
    Always,
}

impl Directives {
    /// Reads a prompt; `None` for one that has no tag (`m` and digits), such as a continuation.
    pub fn read(prompt: &str) -> Option<Self> {
        let asked = prompt.rsplit_once(BEHIND_HISTORY);
        let asked = asked.map_or(prompt, |(_, asked)| asked);
        let handed = asked.split_once(HANDED_OVER).map(|(_, reply)| reply);
        let line = handed.and_then(|reply| reply.lines().rfind(|line| line.starts_with('@')));
        let asked = line
            .and_then(|line| line.split_once(' '))
            .map_or(asked, |(_, asked)| asked);
        let mut words = asked.split_whitespace().take(WORDS);
        let tag = words.next()?;
        let digits = tag.strip_prefix('m')?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut found = Self {
            tag: tag.to_owned(),
            lines: 1,
            ..Self::default()
        };
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let number = value.parse::<u16>().ok();
            match (name, number) {
                ("lines", Some(lines)) => found.lines = usize::from(lines).clamp(1, LINES),
                ("tools", Some(tools)) => found.tools = usize::from(tools),
                ("delay", Some(delay)) => found.delay = Duration::from_millis(delay.into()),
                ("hold", _) => found.hold = Some(value.to_owned()),
                ("ask", _) => found.ask = true,
                ("to", _) => {
                    found.to = value
                        .split_once('/')
                        .map(|(to, tag)| (to.to_owned(), tag.to_owned()));
                }
                ("fail", _) => found.fail = true,
                ("hang", _) => found.hang = true,
                ("crash", _) if value == "always" => found.crash = Crash::Always,
                ("crash", _) => found.crash = Crash::Once,
                _ => {}
            }
        }
        Some(found)
    }
}

/// The answer to a prompt: lines that say whose they are, which, and of how many.
pub fn answer(tag: &str, lines: usize) -> String {
    let mut text = String::new();
    for line in 1..=lines {
        if line > 1 {
            text.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{tag} {line}/{lines} {}", "x".repeat(WIDTH));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_read() {
        let read = Directives::read("m12 lines=3 tools=2 delay=40 hold=gate crash=always").unwrap();
        let expected = Directives {
            tag: "m12".to_owned(),
            lines: 3,
            tools: 2,
            delay: Duration::from_millis(40),
            hold: Some("gate".to_owned()),
            crash: Crash::Always,
            ..Directives::default()
        };
        assert_eq!(read, expected);
        assert_eq!(Directives::read("m1").unwrap().lines, 1);
    }

    #[test]
    fn what_was_said_before_is_not_asked() {
        let prompt = "Said before:\n\n> m1 lines=9\n\nWhat you are asked now:\n\nm2 lines=3";
        let read = Directives::read(prompt).unwrap();
        assert_eq!((read.tag.as_str(), read.lines), ("m2", 3));
    }

    #[test]
    fn what_is_handed_over_is_the_last_line_that_addresses_somebody() {
        let reply = "@pm hands this over to you:\n\nm1 1/1 xxx\n\n@qa m7 lines=3";
        let read = Directives::read(reply).unwrap();
        assert_eq!((read.tag.as_str(), read.lines), ("m7", 3));
        let read = Directives::read("m1 ask to=qa/m7").unwrap();
        assert_eq!(read.to, Some(("qa".to_owned(), "m7".to_owned())));
        assert!(read.ask);
    }

    #[test]
    fn a_continuation_has_no_tag() {
        for text in ["", "The previous turn was cut off", "m", "mine is", "m1x"] {
            assert_eq!(Directives::read(text), None, "{text}");
        }
    }

    #[test]
    fn an_answer_numbers_its_lines() {
        let text = answer("m7", 2);
        let starts: Vec<_> = text.lines().map(|line| &line[..6]).collect();
        assert_eq!(starts, ["m7 1/2", "m7 2/2"]);
    }
}
