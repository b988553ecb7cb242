//! Posts of which it is not known whether they were made.

use std::time::Duration;

use mpg_core::capability::{Capabilities, NONCE_LIFE, Reconcile, Threads};
use mpg_engine::Ended;
use mpg_testkit::fake::{FakePlatform, Fault, Happening, Verb, World};

use crate::stage::{Running, Stage, echo};

fn platform(reconcile: Reconcile) -> FakePlatform {
    FakePlatform::with(Capabilities {
        threads: Threads::FromMessage,
        reconcile,
        ..Capabilities::default()
    })
}

fn look_ups(world: &World) -> usize {
    let entries = world.entries().iter();
    entries
        .filter(|entry| matches!(entry.happening, Happening::LookedFor { .. }))
        .count()
}

/// A gateway that dies when its answer is, or is not, made and nobody has heard of it.
async fn dies_while_posting(stage: &Stage, made: bool) {
    let fault = if made { Fault::ReplyLost } else { Fault::Lost };
    stage.chat.fault(Verb::Post, fault);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    stage
        .chat
        .wait_until(|world| {
            world.transcript().contains("reply lost") || world.transcript().contains("post: lost")
        })
        .await;
    kill(engine).await;
}

async fn kill(engine: Running) {
    engine.stop.drain();
    engine.stop.cut();
    let ended = engine.ended().await;
    assert!(
        matches!(ended, Ok(Ended::Cut { posts: 1, .. })),
        "{ended:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_restart_finds_the_post_that_was_made_and_makes_the_one_that_was_not() {
    for reconcile in [Reconcile::Nonce, Reconcile::History, Reconcile::Marker] {
        for made in [true, false] {
            let stage = Stage::on(platform(reconcile), echo());
            dies_while_posting(&stage, made).await;
            // Long enough for every platform to forget that it knew the id.
            tokio::time::advance(NONCE_LIFE * 2).await;
            let engine = stage.start().await;
            stage.chat.wait_until(|world| look_ups(world) == 1).await;
            engine.drain().await;
            assert_eq!(stage.texts(), ["re: hello"], "{reconcile:?} {made}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_tells_a_restart_repeats_a_post_once_and_says_so() {
    let stage = Stage::on(platform(Reconcile::None), echo());
    dies_while_posting(&stage, true).await;
    let engine = stage.start().await;
    stage.posts(2).await;
    engine.drain().await;
    assert_eq!(
        stage.texts(),
        ["re: hello", "re: hello\n*(sent again after a restart)*"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_nonce_protects_for_minutes_and_the_history_after_that() {
    let stage = Stage::new(echo());
    // The first attempt is made, and everything fails for longer than its nonce lives.
    stage.chat.fault(Verb::Post, Fault::ReplyLost);
    for _ in 0..9 {
        stage.chat.fault(Verb::Post, Fault::Lost);
    }
    stage
        .chat
        .fault(Verb::Sent, Fault::Transient { retry_after: None });
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    let found = stage.chat.until(|world| look_ups(world) == 1);
    tokio::time::timeout(NONCE_LIFE * 5, found).await.unwrap();
    engine.drain().await;
    assert_eq!(stage.texts(), ["re: hello"]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_hours_costs_no_answer() {
    let stage = Stage::new(echo());
    let engine = stage.start().await;
    for _ in 0..200 {
        stage.chat.fault(Verb::Post, Fault::Lost);
    }
    stage.chat.say(&stage.general, "ann", "hello");
    let made = tokio::time::timeout(Duration::from_hours(20), async {
        stage.chat.until(|world| !world.posts().is_empty()).await;
    });
    made.await.unwrap();
    engine.drain().await;
    assert_eq!(stage.texts(), ["re: hello"]);
}

#[tokio::test(start_paused = true)]
async fn history_is_looked_at_when_it_has_settled() {
    let stage = Stage::on(platform(Reconcile::History), echo());
    stage.chat.fault(Verb::Post, Fault::ReplyLost);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    stage.chat.wait_until(|world| look_ups(world) == 1).await;
    let waited = stage.chat.look(|world| {
        let at = |text: &str| {
            let entry = world
                .entries()
                .iter()
                .find(|e| e.to_string().contains(text));
            entry.unwrap().at
        };
        at("looked for").saturating_sub(at("reply lost"))
    });
    assert!(waited >= Duration::from_secs(15), "{waited:?}");
    engine.drain().await;
    assert_eq!(stage.texts(), ["re: hello"]);
}

#[tokio::test(start_paused = true)]
async fn answers_of_the_same_text_are_not_taken_for_one_another() {
    // Without threads of their own, conversations share the channel.
    let stage = Stage::on(platform(Reconcile::History), echo());
    for _ in 0..2 {
        stage.chat.fault(Verb::OpenThread, Fault::Rejected);
    }
    let engine = stage.start().await;
    for _ in 0..2 {
        stage.chat.say(&stage.general, "ann", "hello");
    }
    // The notices that there is no thread.
    stage.posts(2).await;
    stage.chat.fault(Verb::Post, Fault::ReplyLost);
    stage.chat.fault(Verb::Post, Fault::Lost);
    stage.posts(4).await;
    engine.drain().await;
    let answers = stage.texts();
    let count = answers.iter().filter(|text| *text == "re: hello").count();
    assert_eq!(count, 2, "{answers:?}");
}
