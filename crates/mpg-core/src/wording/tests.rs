//! Sentences that depend on what they are about, each for all that it can be about.

mod live;
mod sentences;
mod work;

use super::*;
use crate::capability::TextUnit;
use crate::id::RequestId;
use crate::request::{Permission, Question};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn permission(summary: &str) -> Request {
    let permission = Permission::new("Bash", summary, "Bash(ls)");
    Request::permission(RequestId::new("1"), permission)
}

fn question() -> Request {
    let question = Question {
        header: String::new(),
        text: "which?".to_owned(),
        options: Vec::new(),
        multiple: false,
    };
    Request {
        about: About::Questions(vec![question]),
        ..permission("")
    }
}

#[test]
fn a_duration_is_told_in_its_largest_units() {
    for (milliseconds, words) in [
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1s"),
        (59_999, "59s"),
        (60_000, "1m"),
        (3_599_000, "59m"),
        (3_600_000, "1h 0m"),
        (7_500_000, "2h 5m"),
        (86_399_000, "23h 59m"),
        (86_400_000, "1d"),
        (200_000_000, "2d"),
    ] {
        assert_eq!(duration(Duration::from_millis(milliseconds)), words);
    }
}

#[test]
fn what_a_turn_waits_for_is_told_until_it_only_waits_for_a_slot() {
    let now = at(1_000);
    let mut lines = Vec::new();
    for reason in ParkReason::ALL {
        for until in [
            None,
            Some(at(999)),
            Some(now),
            Some(at(1_001)),
            Some(at(9_000)),
        ] {
            let seconds = until.map(Timestamp::as_second);
            let words = parked(Parked { reason, until }, now);
            lines.push(format!("{reason:?} {seconds:?}: {words}"));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn who_is_denied_something_is_told_what_would_allow_it() {
    insta::assert_snapshot!(
        [
            topic(&permission("ls")).to_owned(),
            topic(&question()).to_owned(),
            denied(&permission("ls -l")),
            denied(&permission(" ")),
            denied(&question()),
            denial(&permission("ls")),
            denial(&question()),
        ]
        .join("\n---\n")
    );
}

#[test]
fn what_is_said_about_answers() {
    insta::assert_snapshot!(
        [
            empty_answer().to_owned(),
            answer_cut(1_200),
            undelivered(1),
            undelivered(2),
        ]
        .join("\n---\n")
    );
}

#[test]
fn a_title_is_the_beginning_of_a_text_in_one_line() {
    let most = "x".repeat(80);
    assert_eq!(title(" \n "), "conversation");
    assert_eq!(title("fix\n  the build"), "fix the build");
    assert_eq!(title(&most), most);
    assert_eq!(title(&format!("{most}x")), format!("{}…", &most[1..]));
    let words = "1234567 ".repeat(20);
    assert_eq!(title(&words), format!("{}1234567…", &words[..72]));
}

#[test]
fn that_it_is_sent_again_is_said_where_there_is_room() {
    let limit = |max| TextLimit {
        max,
        unit: TextUnit::CodePoints,
    };
    let noted = "four\n*(sent again)*";
    assert_eq!(sent_again("four", false, limit(noted.len())), noted);
    assert_eq!(sent_again("four", false, limit(noted.len() - 1)), "four");
    let noted = "four\n*(sent again after a restart)*";
    assert_eq!(sent_again("four", true, limit(100)), noted);
}
