//! How an agent is ended: asked by the end of its input, then by TERM, then made to.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use crate::process::Group;

/// How long a process has between TERM and KILL.
const TERM_WAIT: Duration = Duration::from_secs(1);
/// How long after a result the transcript may still be unwritten (seen: about 100 ms).
const TRANSCRIPT_WAIT: Duration = Duration::from_millis(250);

/// How far the end has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    next: Step,
    at: Instant,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Terminate,
    Kill,
    /// Nothing is left to do but wait.
    Wait,
}

impl Closing {
    /// Begins the end, with TERM at `at`; an earlier time replaces a later one.
    pub(super) fn begin(before: Option<Self>, at: Instant) -> Self {
        match before {
            Some(before) if !matches!(before.next, Step::Terminate) || before.at <= at => before,
            Some(_) | None => Self {
                next: Step::Terminate,
                at,
            },
        }
    }

    /// When the next step is due.
    pub(super) fn at(self) -> Option<Instant> {
        match self.next {
            Step::Terminate | Step::Kill => Some(self.at),
            Step::Wait => None,
        }
    }

    /// Takes the next step.
    pub(super) fn advance(&mut self, group: &Group, last_result: Option<Instant>) {
        let now = Instant::now();
        match self.next {
            Step::Terminate => {
                group.signal(Signal::TERM);
                let transcript = last_result.map(|at| at + TRANSCRIPT_WAIT);
                self.next = Step::Kill;
                self.at = (now + TERM_WAIT).max(transcript.unwrap_or(now));
            }
            Step::Kill => {
                group.signal(Signal::KILL);
                self.next = Step::Wait;
            }
            Step::Wait => {}
        }
    }
}
