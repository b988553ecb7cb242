//! What people are told to set, write or run is there: the keys, commands and command lines that stand
//! in backticks in what the code says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mpg_core::command::COMMANDS;
use mpg_testkit::document::Document;

use super::commands::{of_ours, understood, variants};
use super::environment::sources;

/// The crates whose words people read.
const SPEAKING: [&str; 10] = [
    "bins/mpgd/src",
    "crates/mpg-claude/src",
    "crates/mpg-config/src",
    "crates/mpg-console/src",
    "crates/mpg-core/src",
    "crates/mpg-discord/src",
    "crates/mpg-engine/src",
    "crates/mpg-store/src",
    "crates/mpg-web/src",
    "crates/mpg-workspace/src",
];

/// What may stand behind the sign of a command without being one: agents, and what is said of words that
/// are none.
const NO_COMMANDS: [&str; 8] = [
    "",
    "agent",
    "command",
    "constructor",
    "curator",
    "qa",
    "quality",
    "word",
];

#[test]
fn what_people_are_told_to_use_is_there() {
    let known: BTreeSet<&str> = mpg_config::keys()
        .iter()
        .map(|key| key.name)
        .chain(mpg_discord::config::KEYS.iter().map(|key| key.0))
        .collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for folder in SPEAKING {
        for file in sources(&root.join(folder)) {
            for span in spans(&fs::read_to_string(&file).unwrap()) {
                seen += 1;
                if let Some(why) = wrong_with(&span, &known) {
                    wrong.push(format!("{}: `{span}`: {why}", file.display()));
                }
            }
        }
    }
    for page in Document::all() {
        let of_commands = page.spans().into_iter();
        for span in of_commands.filter(|span| span.text.starts_with('!')) {
            if let Some(why) = wrong_with(&span.text, &known) {
                wrong.push(format!("{}: `{}`: {why}", page.at(span.line), span.text));
            }
        }
    }
    assert!(seen > 100, "the words were not found: {seen}");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_word_for_what_is_not_there_is_found() {
    let known = BTreeSet::from(["max-sessions"]);
    let wrong = |span: &str| wrong_with(span, &known).is_some();
    assert!(!wrong("max-sessions"));
    assert!(wrong("max-session"));
    assert!(!wrong("!kill"));
    assert!(!wrong("!queue drop N"));
    assert!(wrong("!murder"));
    assert!(!wrong("mpgd deliveries retry ID"));
    assert!(wrong("mpgd deliveries repeat ID"));
    assert!(!wrong("anything else"));
    let source = "// `in-a-comment`\nlet x = \"see `max-sessions`, or `mpgd \\\n    doctor`\";";
    assert_eq!(spans(source), ["max-sessions", "mpgd doctor"]);
}

/// What is wrong with a word in backticks.
fn wrong_with(span: &str, known: &BTreeSet<&str>) -> Option<String> {
    if let Some(command) = span.strip_prefix('!') {
        let name = command.split(' ').next().unwrap_or_default();
        let is_known = COMMANDS.iter().any(|row| row.name == name) || NO_COMMANDS.contains(&name);
        return (!is_known).then(|| "there is no such command".to_owned());
    }
    if span.starts_with("mpgd ") {
        let arguments = of_ours(span).unwrap_or_default();
        let all = variants(&arguments);
        return all.iter().find_map(|one| understood(one, true).err());
    }
    let lower = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    let looks_like_a_key = span.contains('-') && span.split('-').all(lower);
    (looks_like_a_key && !known.contains(span)).then(|| "there is no such key".to_owned())
}

/// What stands in backticks in the texts of a source, and is written out whole there.
fn spans(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests {").next();
    let lines = code.unwrap_or_default().lines();
    let mut text = String::new();
    for line in lines.filter(|line| !line.trim_start().starts_with("//")) {
        // A text may go on in the next line, without what that is moved in by.
        match line.strip_suffix('\\') {
            Some(line) => text.push_str(line.trim_start()),
            None => text.extend([line.trim_start(), "\n"]),
        }
    }
    let mut spans = Vec::new();
    for line in text.lines() {
        let parts: Vec<&str> = line.split('`').collect();
        // Backticks that come in pairs, each around a few words.
        let pairs = parts.len().is_multiple_of(2);
        if !pairs {
            let within = parts.into_iter().skip(1).step_by(2);
            let whole = within.filter(|span| !span.is_empty() && !span.contains(['{', '"']));
            spans.extend(whole.map(str::to_owned));
        }
    }
    spans
}
