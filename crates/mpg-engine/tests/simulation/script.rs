//! What agents do: something that the seed, the prompt and its number in the session decide.

use mpg_core::control::Field;
use mpg_core::id::AgentName;
use mpg_core::request::{About, Question, QuestionOption};
use mpg_core::wording;
use mpg_engine::{Prompt, ScriptStep};

use crate::people::is_word;
use crate::plan::pause;
use crate::random::Random;
use crate::team;

/// What stands between what was said before and what an agent is asked.
const ASKED: &str = "\n\nWhat you are asked now:\n\n";

/// What an agent is asked, without what was said before, and without what a fork is told.
fn asked(text: &str) -> &str {
    let (_, asked) = text.split_once(ASKED).unwrap_or(("", text));
    fork_asked(asked).unwrap_or(asked)
}

/// What a fork is asked aside or first; `None` of what is asked otherwise.
fn fork_asked(text: &str) -> Option<&str> {
    let first = ["/srv/one", "/srv/two"].map(|place| wording::forks::asked_first(place, ""));
    let mut heads = first.into_iter().chain([wording::forks::asked_aside("")]);
    heads.find_map(|head| text.strip_prefix(head.as_str()))
}

/// Whether a fork knows nothing of what it was forked from.
pub(crate) fn knows_nothing(prompt: Prompt<'_>) -> bool {
    prompt.earlier.is_empty() && fork_asked(prompt.text).is_some()
}

/// Whether the session was asked the same before. Nobody asks the same twice, except to go on, and
/// except for agents that have nothing to bring to the one that waits for them.
pub(crate) fn is_repeat(prompt: Prompt<'_>) -> bool {
    let text = asked(prompt.text);
    let again = prompt.earlier.iter().any(|earlier| asked(earlier) == text);
    let brings_nothing = text.starts_with(&wording::joined(&[])) && team::marks(text).is_empty();
    // Nobody minds how often somebody says yes or no.
    again && !is_word(text) && !text.starts_with(wording::continuation()) && !brings_nothing
}

/// The steps of one turn of an agent, which hands over where its project has agents with names.
pub(crate) fn script(
    seed: u64,
    (in_team, own): (bool, Option<&AgentName>),
    prompt: Prompt<'_>,
) -> Vec<ScriptStep> {
    let continuation = wording::continuation();
    let mut earlier = prompt.earlier.iter().rev().map(|earlier| asked(earlier));
    let question = if prompt.text.starts_with(continuation) {
        earlier.find(|earlier| !earlier.starts_with(continuation))
    } else {
        Some(asked(prompt.text))
    };
    let question = question.unwrap_or("nothing");
    let number = prompt.earlier.len();
    let name = own.map_or("", AgentName::as_str);
    let mut random = Random::for_text(seed, &format!("{name} {number} {}", prompt.text));
    let mut steps = Vec::new();
    for _ in 0..random.below(4) {
        steps.push(match random.below(4) {
            0 => ScriptStep::Say("well, ".to_owned()),
            1 => ScriptStep::Tool("Read".to_owned()),
            2 => asks(&mut random),
            _ => ScriptStep::Wait(pause(&mut random)),
        });
    }
    let (answer, ending) = if in_team {
        // What people ask begins with their word, or is one.
        let subject = if question.starts_with('q') || is_word(question) {
            question.to_owned()
        } else {
            team::marks(question).join(" and ")
        };
        team::reply(&subject, random.next(), &mut random)
    } else {
        (format!("re: {question}."), "")
    };
    steps.push(match random.below(100) {
        0..70 => ScriptStep::Say(format!(" {answer}{ending}")),
        70..80 => {
            let lines = "\n\na line of it".repeat(300);
            ScriptStep::Say(format!(" {answer}{lines}{ending}"))
        }
        80..88 => ScriptStep::Fail("no".to_owned()),
        88..93 => ScriptStep::Exit,
        93..96 => ScriptStep::Limit(None),
        96..98 => ScriptStep::Freeze,
        _ => ScriptStep::Hang,
    });
    steps
}

/// What an agent asks people.
fn asks(random: &mut Random) -> ScriptStep {
    let question = |text: &str, multiple| Question {
        header: String::new(),
        text: text.to_owned(),
        options: ["this one", "that one"]
            .map(|label| QuestionOption {
                label: label.to_owned(),
                description: String::new(),
            })
            .into(),
        multiple,
    };
    match random.below(10) {
        0..5 => ScriptStep::Ask("Bash".to_owned()),
        5 => ScriptStep::Ask("Write".to_owned()),
        6 | 7 => ScriptStep::Request(About::Questions(vec![
            question("Which one?", false),
            question("And which of these?", true),
        ])),
        8 => ScriptStep::Request(About::Plan {
            text: "1. Look. 2. Leap.".to_owned(),
        }),
        _ => ScriptStep::Request(About::Form {
            from: "server".to_owned(),
            message: "Where?".to_owned(),
            fields: vec![Field {
                name: "where".to_owned(),
                label: "Where".to_owned(),
                long: false,
                required: true,
            }],
        }),
    }
}
