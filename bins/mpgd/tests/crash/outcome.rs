//! What the posts of a thread say, put together again.

use std::collections::BTreeSet;

use mpg_core::wording;
use mpg_testkit::scripted_claude::answer;

/// How one question ended, in the order in which it is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A complete answer.
    Answer {
        /// The tag of its question.
        tag: String,
        /// Whether it says that it was resumed.
        resumed: bool,
    },
    /// A stated failure.
    Failure(String),
}

/// How failures begin, as `wording` has them.
const FAILURES: [&str; 8] = [
    "given up",
    "failed after",
    "the agent failed",
    "the agent's process",
    "the agent could not",
    "no answer within",
    "the turn was",
    "the gateway failed",
];

/// An answer that is being read.
struct Reading {
    tag: String,
    next: usize,
    total: usize,
    resumed: bool,
}

/// Reads a thread's posts: each answer whole, each of its lines once and in order.
pub(crate) fn outcomes(posts: &[String]) -> Result<Vec<Outcome>, String> {
    let mut outcomes = Vec::new();
    let mut reading: Option<Reading> = None;
    for post in posts {
        let mut resumed = false;
        let mut lines = 0;
        for line in post.lines().filter(|line| !line.is_empty()) {
            if line == wording::resumed() {
                resumed = true;
                continue;
            }
            let Some((tag, number, total)) = part(line) else {
                continue;
            };
            lines += 1;
            let expected = match &mut reading {
                Some(reading) => reading,
                None => reading.insert(Reading {
                    tag: tag.clone(),
                    next: 1,
                    total,
                    resumed,
                }),
            };
            if (&expected.tag, expected.next, expected.total) != (&tag, number, total) {
                return Err(format!(
                    "{tag} {number}/{total} where {} {}/{} belongs",
                    expected.tag, expected.next, expected.total
                ));
            }
            expected.next += 1;
            if expected.next > expected.total {
                outcomes.push(Outcome::Answer {
                    tag,
                    resumed: expected.resumed,
                });
                reading = None;
            }
        }
        let failure = lines == 0 && FAILURES.iter().any(|words| post.starts_with(words));
        match &reading {
            Some(open) if failure => {
                return Err(format!("{post:?} inside the answer to {}", open.tag));
            }
            Some(_) | None if failure => outcomes.push(Outcome::Failure(post.clone())),
            Some(_) | None => {}
        }
    }
    Ok(outcomes)
}

/// How many questions have their outcome. What a turn writes is shown until it shrinks, so for a
/// moment an answer may stand there twice.
pub(crate) fn settled(outcomes: &[Outcome]) -> usize {
    let mut answered = BTreeSet::new();
    let mut failures = 0;
    for outcome in outcomes {
        match outcome {
            Outcome::Answer { tag, .. } => {
                answered.insert(tag);
            }
            Outcome::Failure(_) => failures += 1,
        }
    }
    answered.len() + failures
}

/// A line of an answer: whose, which, of how many.
fn part(line: &str) -> Option<(String, usize, usize)> {
    let mut words = line.split(' ');
    let tag = words.next().filter(|tag| tag.starts_with('m'))?;
    let (number, total) = words.next()?.split_once('/')?;
    let (number, total): (usize, usize) = (number.parse().ok()?, total.parse().ok()?);
    // A line that was cut is none.
    let whole = answer(tag, total).lines().nth(number.checked_sub(1)?)? == line;
    whole.then(|| (tag.to_owned(), number, total))
}
