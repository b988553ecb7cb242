//! Which messages were seen: what keeps one from being answered twice.

use mpg_core::id::MessageId;
use mpg_core::snapshot::SeenMessages;

fn id(number: usize) -> MessageId {
    MessageId::new(number.to_string())
}

fn seen(numbers: impl IntoIterator<Item = usize>) -> SeenMessages {
    numbers.into_iter().map(id).collect()
}

#[test]
fn what_was_seen_is_known_in_whatever_order_it_came() {
    let seen = seen([12, 10, 14, 12]);
    for (number, known) in [(9, false), (10, true), (11, false), (12, true), (14, true)] {
        assert_eq!(seen.contains(&id(number)), known, "{number}");
    }
    assert_eq!(seen.newest(), Some(&id(14)));
    assert_eq!(SeenMessages::default().newest(), None);
}

#[test]
fn what_is_older_than_what_is_kept_counts_as_seen() {
    let most = SeenMessages::CAPACITY;
    // Every second one, so that what lies between was not seen.
    let numbers = |count: usize| (0..count).map(|number| 1_000 + 2 * number);
    let full = seen(numbers(most));
    assert!(!full.contains(&id(999)) && !full.contains(&id(1_001)));
    let mut more = full.clone();
    more.insert(id(2_000));
    assert!(more.contains(&id(999)) && more.contains(&id(1_000)));
    assert!(!more.contains(&id(1_001)) && more.contains(&id(1_002)));
    assert_eq!(more, seen(numbers(most).chain([2_000])));
    // Nothing changes by what counts as seen.
    more.insert(id(999));
    assert_eq!(more, seen(numbers(most).chain([2_000])));
}

#[test]
fn everything_up_to_what_was_read_back_counts_as_seen() {
    let mut seen = seen([10, 20, 30]);
    seen.read(id(20));
    for (number, known) in [(1, true), (15, true), (20, true), (21, false), (30, true)] {
        assert_eq!(seen.contains(&id(number)), known, "{number}");
    }
    seen.read(id(5));
    assert!(seen.contains(&id(15)), "reading less takes nothing back");
    assert_eq!(seen.newest(), Some(&id(30)));
    seen.read(id(40));
    assert_eq!(seen.newest(), Some(&id(40)));
}
