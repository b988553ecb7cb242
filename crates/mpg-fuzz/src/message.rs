//! What people and agents write.

use mpg_core::address::{MAX_ADDRESSED, addressed};
use mpg_core::command::Command;
use mpg_core::handoff::{HandoffMode, Handoffs, handoffs};
use mpg_core::id::AgentName;
use mpg_core::interaction::ActionId;
use mpg_core::likeness::Likeness;
use mpg_core::title::titled;

use crate::text;

const NAMES: [&str; 12] = [
    "pm",
    "qa",
    "life",
    "life-work",
    "engineer",
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "g",
];

/// How long a word that is no command is at most where it is repeated, in characters.
const WORD: usize = 40;

/// How long a title is at most, in characters.
const TITLE: usize = 80;

/// Reads a text as a command, as words to agents, as the answer of one, and as the name of a control.
///
/// # Panics
///
/// Where something of it is not as bounded as it is promised to be, or where two readings of the same
/// text contradict each other.
pub fn message(data: &[u8]) {
    let text = text(data);
    check_command(&text);
    check_addressed(&text);
    check_handoffs(&text);
    check_title(&text);
    let likeness = Likeness::of(&text);
    assert!(likeness.is_near(&likeness));
    assert_eq!(Likeness::from_bytes(&likeness.to_bytes()), likeness);
    if let Some(id) = ActionId::parse(&text) {
        assert_eq!(id.as_str(), text);
    }
}

fn check_command(text: &str) {
    let command = Command::parse(text, NAMES);
    let spaced = format!(" \n{text}\t ");
    assert_eq!(Command::parse(&spaced, NAMES), command, "of {spaced:?}");
    let Some(command) = command else {
        return;
    };
    assert!(text.trim_start().starts_with('!'));
    assert!(!command.to_string().is_empty());
    let _ = (command.takes(), command.project());
    if let Command::Unknown { word, suggestion } = &command {
        assert!(command.spec().is_none());
        assert!(word.chars().count() <= WORD, "{word:?}");
        let repeated = suggestion.as_deref().map(|name| format!("!{name}"));
        // What is suggested is a command, or the name of somebody.
        assert!(repeated.is_none_or(|line| {
            NAMES.contains(&&line[1..])
                || !matches!(Command::parse(&line, []), Some(Command::Unknown { .. }))
        }));
    } else {
        assert!(command.spec().is_some(), "{command:?}");
    }
}

fn check_addressed(text: &str) {
    let names = NAMES.map(AgentName::new);
    let found = addressed(text, &names);
    assert!(found.agents.len() <= MAX_ADDRESSED);
    check_once(&found.agents);
    assert!(found.text.len() <= text.len());
    assert_eq!(found.text.trim(), found.text);
    let mut whole = text.chars();
    let stands_there = found.text.chars().all(|c| whole.any(|given| given == c));
    assert!(stands_there, "{:?} is not in {text:?}", found.text);
    if found.agents.is_empty() {
        assert_eq!(found.text, text.trim());
    }
    let nobody = addressed(text, []);
    assert_eq!(
        (nobody.agents.len(), nobody.text.as_str()),
        (0, text.trim())
    );
}

fn check_handoffs(text: &str) {
    let names = NAMES.map(AgentName::new);
    let own = &names[0];
    let [loose, strict, off] = [
        HandoffMode::Mention,
        HandoffMode::Directive,
        HandoffMode::Off,
    ]
    .map(|mode| handoffs(text, Some(own), &names, mode));
    assert_eq!(off, Handoffs::default());
    for found in [&loose, &strict] {
        let all: Vec<AgentName> = found.targets.iter().chain(&found.named).cloned().collect();
        check_once(&all);
        assert!(!all.contains(own), "it hands over to itself");
    }
    let is_loose = |agent: &AgentName| loose.targets.contains(agent);
    assert!(strict.targets.iter().all(is_loose), "{strict:?} {loose:?}");
}

fn check_title(text: &str) {
    let found = titled(text);
    assert!(found.text.len() <= text.len());
    if let Some(title) = found.title {
        assert!(title.chars().count() <= TITLE, "{title:?}");
        assert!(
            !title.trim().is_empty() && !title.contains('\n'),
            "{title:?}"
        );
    }
}

fn check_once(agents: &[AgentName]) {
    for (index, agent) in agents.iter().enumerate() {
        assert!(!agents[..index].contains(agent), "{agents:?}");
        assert!(NAMES.contains(&agent.as_str()));
    }
}
