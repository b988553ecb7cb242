//! How runs end.

use jiff::Timestamp;
use mpg_core::agent::{FailureKind, Seq, TurnFailure, Usage};
use mpg_core::event::RunEnd;

pub(crate) fn exited() -> RunEnd {
    failed(FailureKind::Exited)
}

pub(crate) fn failed(kind: FailureKind) -> RunEnd {
    reported(Err(TurnFailure::new(kind, "it says why")))
}

pub(crate) fn limited(resets_at: Option<Timestamp>) -> RunEnd {
    reported(Err(TurnFailure {
        resets_at,
        ..TurnFailure::new(FailureKind::UsageLimit, "limit reached")
    }))
}

pub(crate) fn reported(result: Result<String, TurnFailure>) -> RunEnd {
    RunEnd::Reported {
        result,
        usage: Usage::default(),
        seq: Seq(1),
        covers: Vec::new(),
        partial: None,
        results: None,
    }
}
