//! The running turns whose text was printed as it grew.

use std::collections::VecDeque;

use mpg_core::id::TurnId;
use mpg_core::port::LiveLine;

/// How many turns are remembered, running and ended ones.
const REMEMBERED: usize = 32;

/// What was printed of each turn, newest last.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    turns: VecDeque<(TurnId, State)>,
}

#[derive(Debug)]
enum State {
    Running {
        text: String,
        /// The number of the next line.
        line: u64,
        activity: Option<String>,
    },
    /// Its answer or failure was printed: a frame that comes late says nothing new.
    Ended,
}

impl Shown {
    /// Notes that all of `text` is printed now; gives the part of it that is new, and whether it
    /// begins anew because `text` is not what was printed and more.
    pub(crate) fn grow<'t>(&mut self, turn: TurnId, text: &'t str) -> Option<(&'t str, Anew)> {
        match self.state(turn) {
            State::Ended => None,
            State::Running { text: printed, .. } => {
                let grown = match text.strip_prefix(printed.as_str()) {
                    Some(more) => (more, Anew(false)),
                    None => (text, Anew(true)),
                };
                text.clone_into(printed);
                Some(grown)
            }
        }
    }

    /// Notes that all of `lines` are printed now; gives those that were not yet.
    pub(crate) fn lines<'l>(&mut self, turn: TurnId, lines: &'l [LiveLine]) -> Vec<&'l LiveLine> {
        match self.state(turn) {
            State::Ended => Vec::new(),
            State::Running { line: next, .. } => {
                let new = lines.iter().filter(|line| line.number >= *next);
                let new: Vec<&LiveLine> = new.collect();
                if let Some(last) = new.last() {
                    *next = last.number.saturating_add(1);
                }
                new
            }
        }
    }

    /// Notes what the turn does now; gives it if it was not printed yet.
    pub(crate) fn act<'a>(&mut self, turn: TurnId, activity: Option<&'a str>) -> Option<&'a str> {
        match self.state(turn) {
            State::Ended => None,
            State::Running { activity: last, .. } => {
                let is_new = last.as_deref() != activity;
                *last = activity.map(ToOwned::to_owned);
                activity.filter(|_| is_new)
            }
        }
    }

    /// Ends the turn; gives what was printed of it.
    pub(crate) fn end(&mut self, turn: TurnId) -> String {
        match std::mem::replace(self.state(turn), State::Ended) {
            State::Running { text, .. } => text,
            State::Ended => String::new(),
        }
    }

    /// Notes that something else was printed in the middle of what runs: a paragraph that goes on is
    /// printed from its beginning again.
    pub(crate) fn interrupt(&mut self) {
        for (_, state) in &mut self.turns {
            if let State::Running { text, .. } = state {
                let paragraph = text.rfind("\n\n").map_or(0, |at| at + 2);
                text.truncate(paragraph);
            }
        }
    }

    fn state(&mut self, turn: TurnId) -> &mut State {
        let known = self.turns.iter().position(|(known, _)| *known == turn);
        let at = known.unwrap_or_else(|| {
            if self.turns.len() == REMEMBERED {
                self.turns.pop_front();
            }
            let state = State::Running {
                text: String::new(),
                line: 0,
                activity: None,
            };
            self.turns.push_back((turn, state));
            self.turns.len() - 1
        });
        &mut self.turns[at].1
    }
}

/// Whether a text replaces what was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anew(pub bool);

/// The part of `answer` that is not among what was printed: a turn prints one paragraph or more
/// before its answer, and the answer stands last.
pub(crate) fn missing<'a>(printed: &str, answer: &'a str) -> &'a str {
    /// How many paragraphs the answer is looked for in.
    const PARAGRAPHS: usize = 256;
    let printed = printed.trim_end();
    let answer = answer.trim_end();
    if printed.ends_with(answer) {
        return "";
    }
    let starts = printed
        .rmatch_indices("\n\n")
        .map(|(at, gap)| at + gap.len());
    starts
        .take(PARAGRAPHS)
        .chain([0])
        .filter_map(|start| answer.strip_prefix(&printed[start..]))
        .min_by_key(|rest| rest.len())
        .unwrap_or(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_of_an_answer_is_printed() {
        let cases = [
            ("", "answer", "answer"),
            ("answer", "answer", ""),
            ("answer\n", "answer", ""),
            ("Looking.\n\nThe answer", "The answer", ""),
            ("Looking.\n\nThe an", "The answer", "swer"),
            ("The an", "The answer", "swer"),
            ("One\n\ntwo", "One\n\ntwo\n\nthree", "\n\nthree"),
            ("Something else", "The answer", "The answer"),
            ("Grü", "Grüße", "ße"),
        ];
        for (printed, answer, expected) in cases {
            assert_eq!(
                missing(printed, answer),
                expected,
                "{printed:?} / {answer:?}"
            );
        }
    }
}
