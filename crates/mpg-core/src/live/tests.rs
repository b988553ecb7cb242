mod documents;

use std::fmt::Write as _;

use uuid::Uuid;

use super::*;
use crate::agent::tool::{LineCount, Task, TaskState};
use crate::capability::{TextLimit, TextUnit};
use crate::config::Verbosity;
use crate::request::{Permission, Request};

fn view() -> LiveView {
    LiveView::new(TurnId::from_uuid(Uuid::from_u128(1)), None)
}

fn look(max: usize, verbosity: Verbosity) -> Look {
    Look {
        limit: TextLimit {
            max,
            unit: TextUnit::CodePoints,
        },
        spoilers: true,
        verbosity,
    }
}

fn seconds(tenths: u64) -> Duration {
    Duration::from_millis(tenths * 100)
}

fn text(delta: &str) -> AgentEvent {
    AgentEvent::Text {
        delta: delta.to_owned(),
    }
}

fn started(id: &str, parent: Option<&str>, kind: ToolKind, summary: &str) -> AgentEvent {
    AgentEvent::ToolStarted {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        kind,
        name: "Tool".to_owned(),
        summary: summary.to_owned(),
    }
}

fn ended(id: &str, is_error: bool, excerpt: &str) -> AgentEvent {
    AgentEvent::ToolEnded {
        id: id.to_owned(),
        is_error,
        excerpt: excerpt.to_owned(),
    }
}

fn task(text: &str, state: TaskState) -> Task {
    Task {
        text: text.to_owned(),
        state,
    }
}

/// A turn with every kind of step, by the tenths of a second at which something happens.
fn story() -> Vec<(u64, AgentEvent)> {
    let edit = ToolKind::Editing(LineCount {
        added: 12,
        removed: 3,
    });
    let thinking = AgentEvent::Thinking {
        delta: "The test wants || a list, so first I look at it.".to_owned(),
    };
    vec![
        (
            0,
            AgentEvent::Started {
                model: "m".to_owned(),
            },
        ),
        (5, thinking),
        (10, text("I'll look at the list first.")),
        (11, AgentEvent::TextEnded),
        (12, started("1", None, ToolKind::Reading, "src/list.rs")),
        (14, ended("1", false, "fn list() {}")),
        (
            15,
            AgentEvent::Tasks(vec![
                task("read the list", TaskState::Done),
                task("make it sorted", TaskState::Active),
                task("test it", TaskState::Open),
            ]),
        ),
        (20, started("2", None, ToolKind::Searching, "fn sort")),
        (
            21,
            started("3", None, ToolKind::SubAgent, "Review the list"),
        ),
        (
            22,
            started("4", Some("3"), ToolKind::Reading, "src/sort.rs"),
        ),
        (24, ended("2", false, "src/sort.rs:3")),
        (26, ended("4", false, "")),
        (30, started("5", None, edit, "src/list.rs")),
        (33, ended("5", false, "")),
        (
            40,
            started("6", None, ToolKind::Running, "cargo test --workspace `all`"),
        ),
        (
            180,
            ended(
                "6",
                true,
                "error[E0308]: mismatched types\n  --> src/list.rs:3:9",
            ),
        ),
        (190, ended("3", false, "It looks right.")),
        (
            200,
            started("7", None, ToolKind::Web, "https://doc.rust-lang.org/std"),
        ),
        (215, started("8", None, ToolKind::Other, "")),
        (
            250,
            text("The list is sorted now:\n\n```rs\nlist.sort();\n```\nand so is wha"),
        ),
    ]
}

#[test]
fn a_turn_as_it_is_shown() {
    let mut shown = String::new();
    for verbosity in [Verbosity::Normal, Verbosity::Full] {
        let mut view = view();
        for (at, event) in story() {
            view.apply(&event, seconds(at));
            if matches!(at, 5 | 15 | 40 | 215 | 250) {
                let text = view.render(look(2_000, verbosity), seconds(at + 5));
                let name = verbosity.name();
                writeln!(shown, "--- {name}, {:?}\n{text}", seconds(at + 5)).unwrap();
            }
        }
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn a_step_that_was_not_watched_from_its_beginning_to_its_end_has_no_time() {
    let mut view = view();
    for id in ["before", "across"] {
        view.apply_replayed(&started(id, None, ToolKind::Reading, id));
    }
    view.apply_replayed(&ended("before", false, ""));
    view.apply(
        &started("watched", None, ToolKind::Reading, "watched"),
        seconds(30),
    );
    let at = |view: &mut LiveView, tenths| {
        let text = view.render(look(2_000, Verbosity::Normal), seconds(tenths));
        let steps = text.lines().filter(|line| line.contains('`'));
        steps.map(str::to_owned).collect::<Vec<_>>()
    };
    let running = at(&mut view, 50);
    for id in ["across", "watched"] {
        view.apply(&ended(id, false, ""), seconds(70));
    }
    insta::assert_debug_snapshot!([running, at(&mut view, 90)]);
}

#[test]
fn what_is_shown_fits_however_little_room_there_is() {
    for unit in [TextUnit::Bytes, TextUnit::CodePoints, TextUnit::Utf16] {
        for max in (64..700).step_by(7) {
            let mut view = view();
            for (at, event) in story() {
                view.apply(&event, seconds(at));
                let mut look = look(max, Verbosity::Full);
                look.limit.unit = unit;
                let text = view.render(look, seconds(at));
                assert!(unit.count(&text) <= max, "{max} {unit:?}: {text}");
                assert!(!text.trim().is_empty());
            }
        }
    }
}

#[test]
fn five_hundred_steps_fold_to_a_count() {
    let mut view = view();
    for number in 0..500_u32 {
        let id = number.to_string();
        let kind = if number % 5 == 0 {
            ToolKind::Running
        } else {
            ToolKind::Reading
        };
        let at = seconds(u64::from(number) * 10);
        view.apply(&started(&id, None, kind, &format!("file {number}")), at);
        // One never ends.
        if number != 3 {
            view.apply(
                &ended(&id, number % 100 == 0, "no such file"),
                at + seconds(3),
            );
        }
    }
    let text = view.render(look(2_000, Verbosity::Normal), seconds(5_000));
    insta::assert_snapshot!(text);
    assert_eq!(view.steps(), 500);
}

#[test]
fn a_long_input_and_a_long_result_are_bounded() {
    let mut view = view();
    let long = "word ".repeat(200_000);
    view.apply(
        &started(&long, Some(&long), ToolKind::Running, &long),
        seconds(0),
    );
    view.apply(&ended(&long, true, &long), seconds(1));
    view.apply(
        &AgentEvent::Thinking {
            delta: long.clone(),
        },
        seconds(1),
    );
    let tasks = vec![task(&long[..10_000], TaskState::Active); 1_000];
    view.apply(&AgentEvent::Tasks(tasks), seconds(1));
    view.apply(&text(&long), seconds(1));
    let text = view.render(look(2_000, Verbosity::Full), seconds(2));
    assert!(text.chars().count() <= 2_000, "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() < 1_900),
        "{text}"
    );
    assert!(view.thought.len() <= 2 * MAX_THOUGHT);
    assert!(view.whole.is_none());
}

#[test]
fn what_it_does_is_told_by_what_was_heard_last() {
    let mut view = view();
    assert_eq!(view.doing(), Status::Received);
    view.apply(&AgentEvent::Alive, seconds(0));
    assert_eq!(view.doing(), Status::Thinking);
    let kinds = [
        (ToolKind::Reading, Status::Reading),
        (ToolKind::Searching, Status::Reading),
        (ToolKind::Editing(LineCount::default()), Status::Editing),
        (ToolKind::Running, Status::Running),
        (ToolKind::Web, Status::Web),
        (ToolKind::Other, Status::Running),
        (ToolKind::SubAgent, Status::Thinking),
        (ToolKind::Tasks, Status::Thinking),
    ];
    for (kind, status) in kinds {
        view.apply(&started("1", None, kind, ""), seconds(1));
        assert_eq!(view.doing(), status, "{kind:?}");
        view.apply(&ended("1", false, ""), seconds(1));
    }
    view.fell_silent();
    assert_eq!(view.doing(), Status::Stalled);
    let id = RequestId::new("r");
    let permission = Permission::new("Bash", "ls", "Bash(ls)");
    let request = Request::permission(id.clone(), permission);
    view.apply(&AgentEvent::Requested(request), seconds(2));
    assert_eq!(view.doing(), Status::Waiting);
    view.answered(&id);
    assert_eq!(view.doing(), Status::Thinking);
}

#[test]
fn tasks_that_are_done_are_left_out_first() {
    let mut shown = String::new();
    for (done, active, open) in [
        (2, 1, 5),
        (0, 0, 9),
        (0, 0, 12),
        (3, 1, 7),
        (6, 1, 4),
        (12, 0, 0),
        (1, 2, 12),
    ] {
        let tasks = [
            (done, TaskState::Done),
            (active, TaskState::Active),
            (open, TaskState::Open),
        ];
        let tasks = tasks.into_iter().flat_map(|(count, state)| {
            (1..=count).map(move |number| task(&format!("{} {number}", state.name()), state))
        });
        let mut view = view();
        view.apply(&AgentEvent::Tasks(tasks.collect()), seconds(0));
        let text = view.render(look(2_000, Verbosity::Normal), seconds(0));
        writeln!(shown, "# {done} done, {active} active, {open} open\n{text}").unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn steps_stand_below_the_one_that_made_them() {
    let mut view = view();
    for (id, parent) in [
        ("a", None),
        ("b", None),
        ("a1", Some("a")),
        ("b1", Some("b")),
        ("a2", Some("a")),
        ("a1x", Some("a1")),
        ("a3", Some("a")),
        ("c", Some("nobody")),
    ] {
        view.apply(&started(id, parent, ToolKind::Running, id), seconds(0));
    }
    insta::assert_snapshot!(view.render(look(2_000, Verbosity::Normal), seconds(0)));
}

#[test]
fn an_edit_tells_its_lines_where_it_has_some() {
    let line = |added, removed| {
        let mut view = view().with_whole_text();
        let kind = ToolKind::Editing(LineCount { added, removed });
        view.apply(&started("1", None, kind, "a.rs"), seconds(0));
        view.frame(Verbosity::Normal).activity.unwrap()
    };
    assert_eq!(line(0, 0), "Tool a.rs");
    assert_eq!(line(2, 0), "Tool a.rs +2 −0");
    assert_eq!(line(0, 1), "Tool a.rs +0 −1");
    assert_eq!(line(2, 2), "Tool a.rs +2 −2");
}

fn thinks(delta: &str) -> AgentEvent {
    AgentEvent::Thinking {
        delta: delta.to_owned(),
    }
}

#[test]
fn the_end_of_a_thought_is_kept_and_a_change() {
    let mut view = view();
    view.apply(&thinks("x"), seconds(0));
    assert!(view.has_changed());
    view.thought.clear();

    let all: String = (0..2 * MAX_THOUGHT)
        .map(|n| char::from(b'a' + u8::try_from(n % 26).unwrap()))
        .collect();
    view.apply(&thinks(&all), seconds(0));
    assert!(view.thought == all, "nothing is forgotten up to the limit");
    view.apply(&thinks("!"), seconds(0));
    let kept = format!("{all}!");
    assert!(
        view.thought == kept[kept.len() - MAX_THOUGHT..],
        "{}",
        view.thought.len()
    );
    view.apply(&thinks("!"), seconds(0));
    assert_eq!(view.thought.len(), 2_048 + 1);
}

#[test]
fn a_thought_is_cut_where_it_is_longer_than_what_is_shown() {
    let mut view = view();
    view.apply(&thinks("four"), seconds(0));
    assert_eq!(view.thought(4), "four");
    assert_eq!(view.thought(3), "…our");
    assert_eq!(view.thought(5), "four");
}

#[test]
fn so_many_requests_are_open_and_no_more() {
    let mut view = view();
    for number in 0..=MAX_OPEN {
        let id = RequestId::new(number.to_string());
        let request = Request::permission(id, Permission::new("Bash", "ls", "Bash(ls)"));
        view.apply(&AgentEvent::Requested(request), seconds(0));
        assert_eq!(view.open.len(), (number + 1).min(MAX_OPEN));
    }
}

#[test]
fn text_grows_and_blocks_become_paragraphs() {
    let mut view = view().with_whole_text();
    for event in [
        text("one"),
        AgentEvent::TextEnded,
        started("t", None, ToolKind::Reading, "a.rs"),
    ] {
        view.apply(&event, seconds(0));
    }
    assert!(view.has_changed());
    let frame = view.frame(Verbosity::Normal);
    assert_eq!(frame.text, "one");
    assert_eq!(frame.activity.as_deref(), Some("Tool a.rs"));
    assert!(!view.has_changed());
    view.apply(&text("two"), seconds(0));
    let frame = view.frame(Verbosity::Normal);
    assert_eq!(frame.text, "one\n\ntwo");
    assert_eq!(frame.activity, None);
}

#[test]
fn text_beyond_the_limit_leaves_no_hole() {
    let write = |view: &mut LiveView, delta: &str| view.apply(&text(delta), seconds(0));
    let mut whole = view().with_whole_text();
    let most = "a".repeat(MAX_LIVE_TEXT - 10);
    write(&mut whole, &most);
    write(&mut whole, &"b".repeat(11));
    write(&mut whole, "c");
    assert!(
        whole.frame(Verbosity::Normal).text == most,
        "something follows what is left out"
    );

    let mut whole = whole.anew();
    write(&mut whole, &"a".repeat(1_000));
    write(&mut whole, &"b".repeat(1_000));
    assert_eq!(whole.frame(Verbosity::Normal).text.len(), 2_000);

    let mut whole = whole.anew();
    write(&mut whole, &most);
    write(&mut whole, &"b".repeat(10));
    assert_eq!(whole.frame(Verbosity::Normal).text.len(), MAX_LIVE_TEXT);

    let mut whole = whole.anew();
    write(&mut whole, &most);
    whole.apply(&AgentEvent::TextEnded, seconds(0));
    write(&mut whole, &"b".repeat(10));
    assert!(
        whole.frame(Verbosity::Normal).text == most,
        "a gap counts too"
    );
    write(&mut whole, "c");
    assert!(!whole.has_changed());
}

#[test]
fn ten_thousand_deltas_cost_what_they_add() {
    let mut view = view();
    for number in 0..10_000 {
        view.apply(&text(&format!("word {number} ")), seconds(0));
        assert!(view.has_changed());
    }
    let text = view.render(look(500, Verbosity::Normal), seconds(10));
    assert!(
        text.starts_with("…\n") && text.contains("word 9999"),
        "{text}"
    );
}

/// What stands on a channel that appends, line by line.
fn appended(frame: &LiveFrame) -> String {
    let mut shown = String::new();
    let mut from = 0;
    for line in &frame.lines {
        let text = frame.text[from..line.at].trim_matches('\n');
        writeln!(shown, "{text}\n[{}] {}", line.number, line.text).unwrap();
        from = line.at;
    }
    shown + frame.text[from..].trim_matches('\n')
}

#[test]
fn what_steps_came_to_stands_between_the_text_where_a_channel_appends() {
    let mut shown = String::new();
    for verbosity in [Verbosity::Normal, Verbosity::Full] {
        let mut view = view().with_whole_text();
        for (at, event) in story() {
            view.apply(&event, seconds(at));
        }
        // That a step has ended twice is heard of once.
        view.apply(&ended("1", false, "again"), seconds(300));
        let text = appended(&view.frame(verbosity));
        writeln!(shown, "--- {}\n{text}", verbosity.name()).unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn the_newest_lines_are_kept_and_counted_on_in_the_next_turn() {
    let mut view = view().with_whole_text();
    for number in 0..200 {
        let id = number.to_string();
        view.apply(&started(&id, None, ToolKind::Reading, &id), seconds(number));
        view.apply(&ended(&id, false, ""), seconds(number));
    }
    let lines = view.frame(Verbosity::Normal).lines;
    let numbers: Vec<u64> = lines.iter().map(|line| line.number).collect();
    assert_eq!(numbers, (136..200).collect::<Vec<_>>());
    let mut next = view.anew();
    assert_eq!(next.frame(Verbosity::Normal).lines, []);
    next.apply(&started("a", None, ToolKind::Reading, "a"), seconds(0));
    next.apply(&ended("a", false, ""), seconds(0));
    let lines = next.frame(Verbosity::Normal).lines;
    assert_eq!(lines[0].number, 200);
}

#[test]
fn so_much_is_shown_as_there_is_room_for() {
    let mut told = String::new();
    for max in (100..700).step_by(15) {
        let mut view = view();
        for (at, event) in story() {
            view.apply(&event, seconds(at));
        }
        let shown = view.render(look(max, Verbosity::Full), seconds(400));
        let blocks: Vec<usize> = shown
            .split("\n\n")
            .map(|block| block.chars().count())
            .collect();
        writeln!(told, "{max}: {blocks:?}").unwrap();
    }
    insta::assert_snapshot!(told);
}
