//! What is said about a turn that runs.

use super::*;
use crate::agent::Usage;
use crate::agent::tool::{LineCount, ToolKind};
use crate::record::TurnOutcome;
use crate::wording::live::*;

#[test]
fn an_edit_counts_its_lines_where_there_are_any() {
    for (added, removed, said) in [
        (0, 0, "edited `a.rs`"),
        (1, 0, "edited `a.rs` +1 −0"),
        (0, 1, "edited `a.rs` +0 −1"),
        (2, 3, "edited `a.rs` +2 −3"),
    ] {
        let kind = ToolKind::Editing(LineCount { added, removed });
        assert_eq!(step(kind, true, "Edit", "a.rs", 40), said);
    }
}

#[test]
fn what_a_step_is_about_says_where_it_was_cut() {
    let read = |summary: &str| step(ToolKind::Reading, true, "Read", summary, 10);
    assert_eq!(read("0123456789"), "read `0123456789`");
    assert_eq!(read("0123456789a"), "read `0123456789…`");
}

#[test]
fn tokens_and_times_are_told_in_the_unit_that_fits() {
    let spent = |output_tokens| {
        let usage = Usage {
            output_tokens,
            ..Usage::default()
        };
        summary(&TurnOutcome::Answered, Duration::from_secs(10), &usage)
    };
    for (tokens, said) in [
        (1, "1"),
        (999, "999"),
        (1_000, "1.0k"),
        (999_999, "999.9k"),
        (1_000_000, "1.0M"),
    ] {
        let said = format!("✓ done in 10s · {said} tokens (0% cached)");
        assert_eq!(spent(tokens), said);
    }
    assert_eq!(span(Duration::from_millis(9_999)), "9.9s");
    assert_eq!(span(Duration::from_secs(10)), "10s");
    assert_eq!(tasks_done(1), "☑ 1 task done");
    assert_eq!(tasks_done(2), "☑ 2 tasks done");
    assert_eq!(tasks_left_out(3), "☐ and 3 more");
}
