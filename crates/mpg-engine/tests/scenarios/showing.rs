//! The message that a running turn is shown in: how often it changes, and that nothing waits for it.

use std::collections::BTreeMap;
use std::time::Duration;

use mpg_core::agent::AgentEvent;
use mpg_core::agent::tool::ToolKind;
use mpg_core::config::Verbosity;
use mpg_core::id::{MessageId, Place};
use mpg_core::post::{Post, PostKind, Status};
use mpg_engine::ScriptStep;
use mpg_testkit::fake::{FakePlatform, Fault, Happening, Verb};

use crate::stage::{Stage, say, script, wait, with_edits};

fn tool(id: &str, kind: ToolKind, summary: &str) -> ScriptStep {
    ScriptStep::Report(AgentEvent::ToolStarted {
        id: id.to_owned(),
        parent: None,
        kind,
        name: "Tool".to_owned(),
        summary: summary.to_owned(),
    })
}

fn done(id: &str) -> ScriptStep {
    ScriptStep::Report(AgentEvent::ToolEnded {
        id: id.to_owned(),
        is_error: false,
        excerpt: "fine".to_owned(),
    })
}

fn millis(millis: u64) -> ScriptStep {
    ScriptStep::Wait(Duration::from_millis(millis))
}

/// Words for so many seconds, ten a second.
fn words(seconds: u64) -> Vec<ScriptStep> {
    let words = (0..seconds * 10).flat_map(|number| [say(&format!("word{number} ")), millis(100)]);
    words.collect()
}

/// A post or an edit: when, where, and what it became.
type Change = (Duration, Place, MessageId, Post, bool);

fn changes(chat: &FakePlatform) -> Vec<Change> {
    chat.look(|world| {
        let entries = world.entries().iter();
        entries
            .filter_map(|entry| {
                let is_edit = matches!(entry.happening, Happening::Replaced { .. });
                let (Happening::Posted { place, id, post }
                | Happening::Replaced { place, id, post }) = &entry.happening
                else {
                    return None;
                };
                Some((entry.at, place.clone(), id.clone(), post.clone(), is_edit))
            })
            .collect()
    })
}

fn edits(chat: &FakePlatform) -> Vec<Change> {
    let mut changes = changes(chat);
    changes.retain(|(.., is_edit)| *is_edit);
    changes
}

/// The last thing that each message said that a turn was shown in.
fn last_words(chat: &FakePlatform) -> Vec<String> {
    let mut live: BTreeMap<MessageId, Post> = BTreeMap::new();
    for (_, _, id, post, is_edit) in changes(chat) {
        if is_edit || matches!(post.kind, PostKind::Live { .. }) {
            live.insert(id, post);
        }
    }
    live.into_values().map(|post| post.text).collect()
}

#[tokio::test(start_paused = true)]
async fn a_turn_has_one_message_that_changes_within_its_pace_and_shrinks_to_a_line() {
    let stage = Stage::on(
        FakePlatform::with(with_edits()),
        script(|_, _| {
            let mut steps = vec![
                say("I look at it first. "),
                tool("1", ToolKind::Reading, "a.rs"),
                millis(300),
                done("1"),
                tool("2", ToolKind::Running, "cargo test"),
                wait(20),
                done("2"),
            ];
            steps.extend(words(4));
            steps
        }),
    );
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "test it");
    stage.posts(2).await;
    engine.drain().await;
    insta::assert_snapshot!(stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_at_once_has_no_message() {
    let stage = Stage::on(
        FakePlatform::with(with_edits()),
        script(|_, _| vec![say("one "), millis(900), say("two")]),
    );
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "count");
    stage.posts(1).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["one two"]);
    assert!(edits(&stage.chat).is_empty());
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_deltas_a_second_make_no_more_edits_than_a_few() {
    let stage = Stage::on(
        FakePlatform::with(with_edits()),
        script(|_, _| {
            let mut steps = Vec::new();
            for number in 0..100_000 {
                steps.push(say(if number % 10 == 9 { "x\n" } else { "x " }));
                if number % 1_000 == 999 {
                    steps.push(millis(100));
                }
            }
            steps
        }),
    );
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "write");
    stage.posts(2).await;
    engine.drain().await;
    let edits = edits(&stage.chat);
    assert!((4..=9).contains(&edits.len()), "{} edits", edits.len());
    for pair in edits.windows(2) {
        assert_ne!(
            pair[0].3.text, pair[1].3.text,
            "an edit that changes nothing"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_overtakes_what_is_on_its_way_and_the_last_line_does_not() {
    let stage = Stage::on(FakePlatform::with(with_edits()), script(|_, _| words(6)));
    for _ in 0..2 {
        stage
            .chat
            .fault(Verb::Edit, Fault::Delay(Duration::from_secs(8)));
    }
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "write");
    stage.posts(2).await;
    let answered = changes(&stage.chat).pop().expect("something was posted");
    assert!(matches!(answered.3.kind, PostKind::Answer { .. }));
    assert_eq!(answered.0, Duration::from_secs(6), "it waited");
    engine.drain().await;
    let last = last_words(&stage.chat);
    assert_eq!(last, ["✓ done in 6s"], "{}", stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_thread_that_is_gone_ends_what_is_shown_in_it() {
    for fault in [Fault::Gone, Fault::Rejected, Fault::Panic, Fault::Hang] {
        let stage = Stage::on(FakePlatform::with(with_edits()), script(|_, _| words(30)));
        stage.chat.fault(Verb::Edit, fault);
        let engine = stage.start().await;
        stage.chat.say(&stage.general, "ann", "write");
        stage.posts(2).await;
        engine.drain().await;
        let last = last_words(&stage.chat);
        assert_eq!(
            last,
            ["✓ done in 30s"],
            "{fault:?}\n{}",
            stage.chat.transcript()
        );
    }
    let stage = Stage::on(FakePlatform::with(with_edits()), script(|_, _| words(10)));
    let engine = stage.start().await;
    let asked = stage.chat.say(&stage.general, "ann", "write");
    stage.posts(1).await;
    stage.chat.remove(&stage.chat.thread_of(&asked));
    stage.chat.say(&stage.general, "ann", "write on");
    stage.posts(3).await;
    engine.drain().await;
    let gone = stage.chat.thread_of(&asked);
    let kept: Vec<usize> = {
        let snapshot = stage.state().await;
        let mut threads: Vec<_> = snapshot.threads.values().collect();
        threads.retain(|thread| thread.place.as_ref() != Some(&gone));
        threads.iter().map(|thread| thread.kept.len()).collect()
    };
    assert!(kept.iter().all(|kept| *kept == 0), "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_stopped_is_shown_as_stopped() {
    let stage = Stage::on(FakePlatform::with(with_edits()), script(|_, _| words(60)));
    let engine = stage.start().await;
    let asked = stage.chat.say(&stage.general, "ann", "write");
    stage.posts(1).await;
    stage
        .chat
        .say(&stage.chat.thread_of(&asked), "ann", "!stop");
    stage.posts(2).await;
    engine.drain().await;
    assert_eq!(last_words(&stage.chat), ["◼ stopped after 1s"]);
}

#[tokio::test(start_paused = true)]
async fn who_wants_less_is_shown_signs_alone() {
    let mut stage = Stage::on(FakePlatform::with(with_edits()), script(|_, _| words(10)));
    stage.verbosity = Verbosity::Quiet;
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "write");
    stage.posts(1).await;
    engine.drain().await;
    let changes = changes(&stage.chat);
    assert_eq!(changes.len(), 1, "{}", stage.chat.transcript());
    assert!(matches!(changes[0].3.kind, PostKind::Answer { .. }));
    assert!(signs(&stage.chat).contains(&Status::Thinking));
}

#[tokio::test(start_paused = true)]
async fn how_much_is_shown_changes_while_a_turn_runs() {
    let stage = Stage::on(FakePlatform::with(with_edits()), script(|_, _| words(20)));
    let engine = stage.start().await;
    let asked = stage.chat.say(&stage.general, "ann", "write");
    stage.posts(1).await;
    stage
        .chat
        .say(&stage.chat.thread_of(&asked), "ann", "!verbosity quiet");
    stage.posts(3).await;
    engine.drain().await;
    let edits = edits(&stage.chat);
    let late = edits.iter().filter(|(at, ..)| *at > Duration::from_secs(2));
    assert_eq!(late.count(), 1, "{}", stage.chat.transcript());
}

fn signs(chat: &FakePlatform) -> Vec<Status> {
    chat.look(|world| {
        let entries = world.entries().iter();
        let signs = entries.filter_map(|entry| {
            let Happening::Sign { status, .. } = &entry.happening else {
                return None;
            };
            Some(*status)
        });
        signs.collect()
    })
}

#[tokio::test(start_paused = true)]
async fn signs_tell_what_a_turn_does_one_at_a_time_and_not_too_often() {
    let mut stage = Stage::on(
        FakePlatform::with(with_edits()),
        script(|_, _| {
            let mut steps = vec![wait(3)];
            for number in 0..100 {
                let id = number.to_string();
                steps.extend([
                    tool(&id, ToolKind::Reading, ""),
                    millis(5),
                    done(&id),
                    millis(5),
                ]);
            }
            steps.extend([
                tool("w", ToolKind::Web, "a page"),
                wait(6),
                done("w"),
                tool("r", ToolKind::Running, "make"),
                wait(6),
                done("r"),
                wait(90),
                say("done"),
            ]);
            steps
        }),
    );
    stage.turn_timeout = Duration::from_mins(10);
    stage.patience.notice = Duration::from_secs(30);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "work");
    stage
        .chat
        .wait_until(|world| {
            let mut posts = world.posts().iter();
            posts.any(|posted| matches!(posted.post.kind, PostKind::Answer { .. }))
        })
        .await;
    engine.drain().await;
    assert_eq!(
        signs(&stage.chat),
        [
            Status::Received,
            Status::Thinking,
            Status::Web,
            Status::Running,
            Status::Thinking,
            Status::Stalled,
            Status::Thinking,
            Status::Done,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn twenty_threads_at_once_stay_within_every_limit() {
    let mut stage = Stage::on(FakePlatform::with(with_edits()), script(|_, _| words(30)));
    stage.slots = 20;
    stage
        .chat
        .set_latency(Duration::from_millis(40), Duration::from_millis(40));
    let engine = stage.start().await;
    for number in 0..20 {
        stage
            .chat
            .say(&stage.general, "ann", &format!("write {number}"));
    }
    stage.posts(40).await;
    engine.drain().await;
    let mut by_place: BTreeMap<Place, Vec<Duration>> = BTreeMap::new();
    let mut all = Vec::new();
    for (at, place, _, _, _) in edits(&stage.chat) {
        by_place.entry(place).or_default().push(at);
        all.push(at);
    }
    assert_eq!(by_place.len(), 20);
    let most = |times: &[Duration], window: Duration| {
        let within = |from: &Duration| {
            let until = *from + window;
            times
                .iter()
                .filter(|at| (*from..until).contains(*at))
                .count()
        };
        times.iter().map(within).max().unwrap_or(0)
    };
    for (place, times) in &by_place {
        assert!(
            most(times, Duration::from_secs(5)) <= 5,
            "{place}: {times:?}"
        );
        assert!(times.len() > 15, "{place}: {times:?}");
    }
    assert!(
        most(&all, Duration::from_secs(1)) <= 25 + 20,
        "the last lines come at once"
    );
    let answers: Vec<Duration> = changes(&stage.chat)
        .into_iter()
        .filter(|(.., post, _)| matches!(post.kind, PostKind::Answer { .. }))
        .map(|(at, ..)| at)
        .collect();
    let latest = answers.iter().max().expect("there are answers");
    assert!(*latest < Duration::from_secs(31), "{answers:?}");
    assert_eq!(last_words(&stage.chat).len(), 20);
    assert!(
        last_words(&stage.chat)
            .iter()
            .all(|text| text.starts_with("✓ done in"))
    );
}
