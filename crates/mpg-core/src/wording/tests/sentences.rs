//! Sentences that are always the same, and those that name what they are about.

use super::*;
use crate::attachment::{LeftOut, Omission};
use crate::capability::TextUnit;
use crate::gateway::lifted::Reach;
use crate::id::{ChannelId, ChannelKey, PlatformId, ProjectName};
use crate::out_file::{Content, OutFile};
use crate::wording::{budget, limits, work};

fn channel() -> ChannelKey {
    ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1"))
}

#[test]
fn what_was_not_done_is_said_with_what_helps() {
    let shop = ProjectName::new("shop");
    insta::assert_snapshot!(
        [
            forks::nothing_to_ask_about(),
            forks::busy(),
            stopped_turn(),
            limits::lifted_too_often(),
            &limits::in_force_already(&Reach::Channel(channel())),
            work::too_much_at_once(),
            &budget::no_budget(&shop),
            &budget::lifted(&shop, 0, at(60), at(0)),
            &budget::lifted(&shop, 2, at(60), at(0)),
        ]
        .join("\n")
    );
}

#[test]
fn a_size_is_told_in_the_unit_that_fits() {
    for (bytes, told) in [
        (0, "0 bytes"),
        (1_023, "1023 bytes"),
        (1 << 10, "1 KB"),
        (1_740, "1.6 KB"),
        ((1 << 20) - 1, "1023.9 KB"),
        (25 << 20, "25 MB"),
        (5 << 29, "2.5 GB"),
    ] {
        assert_eq!(size(bytes), told);
    }
}

#[test]
fn ten_files_that_are_left_out_are_named() {
    let named = |count: usize| {
        let left_out = LeftOut {
            name: "a.png".to_owned(),
            why: Omission::Total,
        };
        files_left_out(&vec![left_out; count])
    };
    assert!(!named(10).contains("more"), "{}", named(10));
    assert!(named(11).contains("and 1 more"), "{}", named(11));
}

#[test]
fn a_post_whose_files_are_left_out_names_them_where_there_is_room() {
    let file = OutFile {
        name: "a.txt".to_owned(),
        size: 1,
        content: Content::Text("a".into()),
    };
    let text = "word ".repeat(20);
    let said = |max| {
        let limit = TextLimit {
            max,
            unit: TextUnit::CodePoints,
        };
        without_files(&text, std::slice::from_ref(&file), limit)
    };
    let named = format!("{text}\n(could not be attached: a.txt)");
    let length = named.chars().count();
    assert_eq!(said(length), named);
    let cut = said(length - 1);
    assert!(
        cut.ends_with("word\n(files could not be attached)"),
        "{cut}"
    );
    assert!(cut.chars().count() < length, "{cut}");
    let least = TextLimit::SMALLEST + "\n(files could not be attached)".len();
    let cut = said(least);
    assert!(
        cut.chars().count() <= least && cut.ends_with("attached)"),
        "{cut}"
    );
    assert_eq!(said(least - 1), text);
}
