//! All text of a turn, and the lines between it, for channels that append to what they show.

use std::collections::VecDeque;

use super::MAX_LIVE_TEXT;
use super::render;
use super::steps::Step;
use crate::config::Verbosity;
use crate::port::LiveLine;
use crate::wording::live as words;

/// How many lines are kept: a channel on which more come between two frames misses the oldest.
const MAX_LINES: usize = 64;

/// What a turn wrote and did, in order.
#[derive(Debug, Default)]
pub(super) struct Whole {
    text: String,
    /// Whether the next text begins a new paragraph.
    paragraph: bool,
    /// Whether some text did not fit, so that what follows it is not shown either.
    full: bool,
    /// Whether a tool was heard of after the last text.
    acts: bool,
    lines: VecDeque<Line>,
    /// How many lines there were.
    count: u64,
}

#[derive(Debug)]
struct Line {
    number: u64,
    /// How much text stands before it.
    at: usize,
    says: Says,
}

#[derive(Debug)]
enum Says {
    Step(Box<Step>),
    Thought(String),
}

impl Whole {
    /// The same with nothing in it. Lines are counted on, so that no number stands for two.
    pub(super) fn anew(&self) -> Self {
        Self {
            count: self.count,
            ..Self::default()
        }
    }

    /// Adds to the text; whether it fitted.
    pub(super) fn write(&mut self, delta: &str) -> bool {
        if self.full {
            return false;
        }
        let gap = if self.paragraph { "\n\n" } else { "" };
        if self.text.len() + gap.len() + delta.len() > MAX_LIVE_TEXT {
            self.full = true;
            return false;
        }
        self.paragraph = false;
        self.acts = false;
        self.text.push_str(gap);
        self.text.push_str(delta);
        true
    }

    pub(super) fn end_paragraph(&mut self) {
        self.paragraph = !self.text.is_empty();
    }

    /// A tool began to run.
    pub(super) fn act(&mut self) {
        self.acts = true;
    }

    /// A tool ended.
    pub(super) fn step(&mut self, step: Step) {
        self.add(Says::Step(Box::new(step)));
    }

    /// What the agent thought until now.
    pub(super) fn thought(&mut self, thought: String) {
        self.add(Says::Thought(thought));
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn acts(&self) -> bool {
        self.acts
    }

    /// The lines that are kept, as far as they are to be shown.
    pub(super) fn lines(&self, verbosity: Verbosity) -> Vec<LiveLine> {
        let full = verbosity == Verbosity::Full;
        let lines = self.lines.iter().filter_map(|line| {
            let text = match &line.says {
                Says::Step(step) => render::ended_step(step, full),
                Says::Thought(thought) if full => words::thought(thought, false),
                Says::Thought(_) => return None,
            };
            Some(LiveLine {
                number: line.number,
                at: line.at,
                text,
            })
        });
        lines.collect()
    }

    fn add(&mut self, says: Says) {
        if self.lines.len() >= MAX_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(Line {
            number: self.count,
            at: self.text.len(),
            says,
        });
        self.count += 1;
    }
}
