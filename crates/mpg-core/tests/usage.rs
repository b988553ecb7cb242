//! What turns took, and what is kept of them.

use std::time::Duration;

use mpg_core::agent::{ContextUse, Usage};
use mpg_core::job::PastTurn;

#[test]
fn what_several_turns_took_is_the_sum() {
    let one = Usage {
        input_tokens: 1,
        output_tokens: 2,
        cache_read_tokens: 3,
        cache_creation_tokens: 4,
        cost_microdollars: 5,
        duration: Duration::from_secs(6),
        steps: 7,
        context: Some(ContextUse { used: 1, window: 2 }),
    };
    let mut sum = one;
    sum.add(&one);
    assert_eq!(
        sum,
        Usage {
            input_tokens: 2,
            output_tokens: 4,
            cache_read_tokens: 6,
            cache_creation_tokens: 8,
            cost_microdollars: 10,
            duration: Duration::from_secs(12),
            steps: 14,
            context: None,
        }
    );
}

#[test]
fn the_beginning_of_what_was_asked_is_kept() {
    assert_eq!(PastTurn::beginning("short"), "short");
    let long = format!("x{}", "é".repeat(PastTurn::LONGEST));
    let kept = PastTurn::beginning(&long);
    assert_eq!(kept.len(), PastTurn::LONGEST - 1);
    assert!(long.starts_with(kept));
}

#[test]
fn what_is_left_of_a_context_is_rounded_down() {
    for (used, window, left) in [
        (0, 200, 100),
        (1, 200, 99),
        (100, 200, 50),
        (199, 200, 0),
        (300, 200, 0),
        (1, 0, 0),
        (u64::MAX / 4, u64::MAX, 75),
    ] {
        assert_eq!(
            ContextUse { used, window }.left(),
            left,
            "{used} of {window}"
        );
    }
}
