//! Which submissions a result covers.

use mpg_core::agent::{AgentEvent, Exit, FailureKind, Partial, TurnFailure, TurnReport, Usage};
use mpg_core::id::SubmitId;

use crate::stream::TurnResult;

/// How many submissions may be open at a time.
pub(crate) const OPEN: usize = 64;

/// The turns of one process.
///
/// A result covers the submissions that were replayed since the result before it: one that was
/// folded into a running turn shares its result. The CLI's own commands (`/cost`) are not replayed
/// and ask no model; they cover the oldest open submission.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    open: Vec<SubmitId>,
    replayed: Vec<SubmitId>,
    running: bool,
    interrupt: Interrupt,
    /// What the running turn did so far.
    partial: Partial,
    total_microdollars: u64,
}

/// What is known of an interruption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Interrupt {
    #[default]
    None,
    /// Asked for before the turn began.
    Wanted,
    /// The CLI was told.
    Sent,
}

impl Turns {
    /// Whether another submission can be taken.
    pub(crate) fn has_room(&self) -> bool {
        self.open.len() < OPEN
    }

    /// The submissions that have no outcome yet.
    pub(crate) fn open(&self) -> &[SubmitId] {
        &self.open
    }

    /// Whether the model is at work.
    pub(crate) fn is_running(&self) -> bool {
        self.running
    }

    /// Notes a submission.
    pub(crate) fn submitted(&mut self, id: SubmitId) {
        self.open.push(id);
    }

    /// Forgets a submission that will not run.
    pub(crate) fn dropped(&mut self, id: SubmitId) {
        self.open.retain(|open| *open != id);
        self.replayed.retain(|replayed| *replayed != id);
        if self.open.is_empty() {
            // It was meant for what will not run.
            self.interrupt = Interrupt::None;
        }
    }

    /// Notes that a turn begins; whether the CLI has to be told to interrupt it.
    #[must_use]
    pub(crate) fn began(&mut self) -> bool {
        self.running = true;
        self.partial = Partial::default();
        let wanted = self.interrupt == Interrupt::Wanted;
        if wanted {
            self.interrupt = Interrupt::Sent;
        }
        wanted
    }

    /// Notes what the running turn does.
    pub(crate) fn did(&mut self, event: &AgentEvent) {
        match event {
            AgentEvent::Text { delta } => self.partial.write(delta),
            AgentEvent::TextEnded => self.partial.end_block(),
            AgentEvent::ToolStarted { .. } => {
                self.partial.steps = self.partial.steps.saturating_add(1);
            }
            AgentEvent::Started { .. }
            | AgentEvent::Thinking { .. }
            | AgentEvent::ToolEnded { .. }
            | AgentEvent::Tasks(_)
            | AgentEvent::Retrying(_)
            | AgentEvent::Requested(_)
            | AgentEvent::Withdrawn(_)
            | AgentEvent::Alive
            | AgentEvent::Ended(_)
            | AgentEvent::Exited(_) => {}
        }
    }

    /// Notes that the model answers a submission.
    pub(crate) fn replayed(&mut self, id: SubmitId) {
        if self.open.contains(&id) && !self.replayed.contains(&id) {
            self.replayed.push(id);
        }
    }

    /// Notes that somebody wants the running turn to end; whether the CLI has to be told now.
    ///
    /// The CLI takes an interruption for the turn that runs, so one that comes before the turn
    /// began waits for it.
    #[must_use]
    pub(crate) fn interrupt(&mut self) -> bool {
        if self.open.is_empty() {
            return false;
        }
        self.interrupt = if self.running {
            Interrupt::Sent
        } else {
            Interrupt::Wanted
        };
        self.running
    }

    /// What a result means; `None` for one that covers nothing that was submitted.
    pub(crate) fn ended(&mut self, result: TurnResult) -> Option<TurnReport> {
        let began = std::mem::take(&mut self.running);
        let partial = std::mem::take(&mut self.partial).finish();
        let spent = result
            .total_microdollars
            .saturating_sub(self.total_microdollars);
        self.total_microdollars = self.total_microdollars.max(result.total_microdollars);
        let mut submits = std::mem::take(&mut self.replayed);
        if submits.is_empty() && began && result.steps == 0 {
            submits.extend(self.open.first().copied());
        }
        if submits.is_empty() {
            return None;
        }
        self.open.retain(|open| !submits.contains(open));
        let interrupted = std::mem::take(&mut self.interrupt) == Interrupt::Sent;
        let usage = Usage {
            cost_microdollars: spent,
            ..result.usage
        };
        let result = match (result.is_error, interrupted || result.aborted, result.limit) {
            (false, _, _) => Ok(result.text),
            (true, true, _) => Err(failure(FailureKind::Interrupted, result.text)),
            (true, false, Some(limit)) => Err(TurnFailure {
                resets_at: limit.resets_at,
                ..failure(FailureKind::UsageLimit, result.text)
            }),
            (true, false, None) => Err(failure(FailureKind::Agent, result.text)),
        };
        Some(TurnReport {
            submits,
            partial: partial.filter(|_| result.is_err()),
            result,
            usage,
        })
    }

    /// What the end of the process means for what is still open.
    pub(crate) fn exited(&mut self, exit: &Exit) -> Option<TurnReport> {
        let submits = std::mem::take(&mut self.open);
        if submits.is_empty() {
            return None;
        }
        let message = exit.to_string().chars().take(1_000).collect();
        Some(TurnReport {
            submits,
            result: Err(failure(FailureKind::Exited, message)),
            usage: Usage::default(),
            partial: std::mem::take(&mut self.partial).finish(),
        })
    }
}

fn failure(kind: FailureKind, message: String) -> TurnFailure {
    TurnFailure::new(kind, message)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use crate::stream::UsageLimit;

    use super::*;

    fn id(number: u128) -> SubmitId {
        SubmitId::from_uuid(Uuid::from_u128(number))
    }

    fn success(total_microdollars: u64) -> TurnResult {
        TurnResult {
            text: "fine".to_owned(),
            steps: 1,
            total_microdollars,
            ..TurnResult::default()
        }
    }

    fn error(aborted: bool) -> TurnResult {
        TurnResult {
            is_error: true,
            aborted,
            text: "API Error".to_owned(),
            steps: 1,
            ..TurnResult::default()
        }
    }

    fn begun(ids: &[SubmitId]) -> Turns {
        let mut turns = Turns::default();
        for &id in ids {
            turns.submitted(id);
        }
        assert!(!turns.began());
        turns
    }

    fn kind(report: Option<TurnReport>) -> FailureKind {
        report.unwrap().result.unwrap_err().kind
    }

    #[test]
    fn a_result_covers_what_was_replayed() {
        let mut turns = begun(&[id(1), id(2)]);
        turns.replayed(id(1));
        turns.replayed(id(2));
        turns.replayed(id(9));
        let report = turns.ended(success(10)).unwrap();
        assert_eq!(report.submits, [id(1), id(2)]);
        assert_eq!(report.result, Ok("fine".to_owned()));
        assert!(turns.open.is_empty());
    }

    #[test]
    fn two_results_cover_one_submission_each_and_cost_their_own() {
        let mut turns = begun(&[id(1), id(2)]);
        turns.replayed(id(1));
        let first = turns.ended(success(10)).unwrap();
        assert!(!turns.began());
        turns.replayed(id(2));
        let second = turns.ended(success(25)).unwrap();
        assert_eq!((first.submits, second.submits), (vec![id(1)], vec![id(2)]));
        let costs = [first.usage, second.usage].map(|usage| usage.cost_microdollars);
        assert_eq!(costs, [10, 15]);
    }

    #[test]
    fn a_stray_result_is_ignored() {
        let mut turns = Turns::default();
        assert_eq!(turns.ended(success(10)), None);
        turns.submitted(id(1));
        assert_eq!(turns.ended(error(false)), None);
        assert!(!turns.open.is_empty());
    }

    #[test]
    fn a_command_of_the_cli_covers_the_oldest() {
        let mut turns = begun(&[id(1), id(2)]);
        let result = TurnResult {
            steps: 0,
            ..success(0)
        };
        assert_eq!(turns.ended(result).unwrap().submits, [id(1)]);
        assert!(!turns.open.is_empty());
    }

    #[test]
    fn only_the_error_sign_decides() {
        let mut turns = begun(&[id(1)]);
        turns.replayed(id(1));
        assert_eq!(kind(turns.ended(error(false))), FailureKind::Agent);
    }

    #[test]
    fn a_usage_limit_is_told_with_its_end_unless_somebody_interrupted() {
        let limited = || TurnResult {
            limit: Some(UsageLimit {
                resets_at: Some(Timestamp::UNIX_EPOCH),
            }),
            ..error(false)
        };
        let mut turns = begun(&[id(1)]);
        turns.replayed(id(1));
        let failure = turns.ended(limited()).unwrap().result.unwrap_err();
        assert_eq!(failure.kind, FailureKind::UsageLimit);
        assert_eq!(failure.resets_at, Some(Timestamp::UNIX_EPOCH));
        turns.submitted(id(2));
        assert!(!turns.began());
        turns.replayed(id(2));
        assert!(turns.interrupt());
        assert_eq!(kind(turns.ended(limited())), FailureKind::Interrupted);
    }

    #[test]
    fn an_interruption_waits_for_its_turn() {
        let mut turns = Turns::default();
        assert!(!turns.interrupt());
        turns.submitted(id(1));
        assert!(!turns.interrupt());
        assert!(turns.began());
        turns.replayed(id(1));
        assert_eq!(kind(turns.ended(error(false))), FailureKind::Interrupted);
        turns.submitted(id(2));
        assert!(!turns.began());
        turns.replayed(id(2));
        assert!(turns.interrupt());
        assert!(turns.ended(success(0)).unwrap().result.is_ok());
        turns.submitted(id(3));
        assert!(!turns.began());
        turns.replayed(id(3));
        assert_eq!(kind(turns.ended(error(false))), FailureKind::Agent);
    }

    #[test]
    fn an_exit_ends_what_is_open() {
        let exit = Exit {
            code: Some(137),
            stderr: String::new(),
        };
        let mut turns = begun(&[id(1), id(2)]);
        let report = turns.exited(&exit).unwrap();
        assert_eq!(report.submits, [id(1), id(2)]);
        assert_eq!(kind(Some(report)), FailureKind::Exited);
        assert_eq!(turns.exited(&exit), None);
    }
}
