//! What was said while nobody listened, and how it is looked for.

use std::time::Duration;

use mpg_core::id::MessageRef;
use mpg_core::message::Link;
use mpg_core::wording;
use mpg_testkit::fake::{Fault, Verb};

use crate::stage::{Running, Stage, echo};

/// Longer than a look back is tried before it is given up.
const LONG: Duration = Duration::from_hours(2);

/// A gateway that was connected and has answered a first message.
async fn connected(stage: &Stage) -> (Running, MessageRef) {
    let engine = stage.start().await;
    stage.chat.link(Link::Connected);
    let first = stage.chat.say(&stage.general, "ann", "first");
    stage.posts(1).await;
    stage
        .chat
        .wait_until(mpg_testkit::fake::World::is_acknowledged)
        .await;
    (engine, first)
}

fn count(stage: &Stage, text: &str) -> usize {
    let texts = stage.texts();
    texts.iter().filter(|posted| *posted == text).count()
}

/// Waits until a look back has met a fault.
async fn met(stage: &Stage, fault: &str) {
    stage
        .chat
        .wait_until(|world| world.transcript().contains(fault))
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_answered_first_and_what_is_said_meanwhile_waits() {
    let stage = Stage::new(echo());
    let (engine, first) = connected(&stage).await;
    let thread = stage.chat.thread_of(&first);
    stage.chat.say_unheard(&thread, "ann", "missed");
    stage.chat.say_unheard(&thread, "ann", "missed too");
    let slow = Fault::Delay(Duration::from_secs(20));
    stage.chat.fault(Verb::Missed, slow);
    stage.chat.link(Link::Connected);
    met(&stage, "delayed").await;
    stage.chat.say(&thread, "ann", "live");
    stage.posts(4).await;
    engine.drain().await;
    assert_eq!(
        stage.texts(),
        ["re: first", "re: missed", "re: missed too", "re: live"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_back_that_fails_for_now_is_made_again() {
    for fault in [
        Fault::Transient { retry_after: None },
        Fault::Lost,
        Fault::ReplyLost,
        Fault::Panic,
    ] {
        let stage = Stage::new(echo());
        let (engine, first) = connected(&stage).await;
        let thread = stage.chat.thread_of(&first);
        stage.chat.say_unheard(&thread, "ann", "missed");
        stage.chat.fault(Verb::Missed, fault);
        stage.chat.link(Link::Connected);
        stage.posts(2).await;
        engine.drain().await;
        assert_eq!(stage.texts(), ["re: first", "re: missed"], "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_back_that_keeps_failing_is_given_up_and_said_once_somebody_waits() {
    let stage = Stage::new(echo());
    let (engine, first) = connected(&stage).await;
    let thread = stage.chat.thread_of(&first);
    for _ in 0..1_000 {
        let fault = Fault::Transient { retry_after: None };
        stage.chat.fault(Verb::Missed, fault);
    }
    stage.chat.link(Link::Connected);
    met(&stage, "look back").await;
    stage.chat.say(&thread, "ann", "live");
    let answered = stage.chat.until(|world| world.posts().len() >= 3);
    tokio::time::timeout(LONG, answered).await.unwrap();
    engine.drain().await;
    assert_eq!(count(&stage, "re: live"), 1);
    assert_eq!(count(&stage, wording::catch_up_failed()), 1);
    assert_eq!(stage.texts().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_is_answered_where_nobody_can_look_back() {
    let stage = Stage::new(echo());
    let (engine, first) = connected(&stage).await;
    let thread = stage.chat.thread_of(&first);
    stage.chat.fault(Verb::Missed, Fault::Unsupported);
    stage.chat.link(Link::Connected);
    stage.chat.say(&thread, "ann", "live");
    stage.posts(2).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["re: first", "re: live"]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_while_it_looks_back_loses_and_doubles_nothing() {
    let stage = Stage::new(echo());
    let (engine, first) = connected(&stage).await;
    let thread = stage.chat.thread_of(&first);
    stage.chat.say_unheard(&thread, "ann", "missed");
    stage.chat.fault(Verb::Missed, Fault::Hang);
    stage.chat.link(Link::Connected);
    met(&stage, "hangs").await;
    stage.chat.say(&thread, "ann", "live");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(stage.texts(), ["re: first"], "it waits");
    engine.abort().await;
    let engine = stage.start().await;
    stage.posts(3).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["re: first", "re: missed", "re: live"]);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_the_oldest_are_skipped_and_one_line_says_so() {
    let mut stage = Stage::new(echo());
    stage.catch_up_limit = 2;
    let (engine, first) = connected(&stage).await;
    let thread = stage.chat.thread_of(&first);
    for number in 0..5 {
        let text = format!("missed {number}");
        stage.chat.say_unheard(&thread, "ann", &text);
    }
    stage.chat.link(Link::Connected);
    stage.posts(4).await;
    // Looked for once more, nothing of it is found.
    stage.chat.link(Link::Connected);
    stage.chat.say(&thread, "ann", "live");
    stage.posts(5).await;
    engine.drain().await;
    assert_eq!(count(&stage, &wording::skipped(3)), 1);
    let answers: Vec<String> = stage.texts();
    let answers = answers.iter().filter(|text| text.starts_with("re:"));
    let answers: Vec<&str> = answers.map(String::as_str).collect();
    let expected = ["re: first", "re: missed 3", "re: missed 4", "re: live"];
    assert_eq!(answers, expected);
}
