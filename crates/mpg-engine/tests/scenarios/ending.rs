//! How an engine ends.

use std::time::Duration;

use mpg_core::message::Link;
use mpg_engine::{Ended, EngineError};
use mpg_testkit::fake::{Fault, Happening, Verb, World};

use crate::stage::{Stage, echo, say, script, wait};

/// Waits until a turn runs.
async fn works(stage: &Stage) {
    let typing = |happening: &Happening| matches!(happening, Happening::Typing(_));
    stage
        .chat
        .wait_until(|world| world.entries().iter().any(|e| typing(&e.happening)))
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_running_turn_ends_within_the_limit() {
    let stage = Stage::new(script(|_, _| vec![wait(20), say("done")]));
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "work");
    works(&stage).await;
    stage.chat.say(&stage.chat.thread_of(&first), "ann", "more");
    stage.chat.wait_until(World::is_acknowledged).await;
    engine.drain().await;
    let told =
        "the gateway is being restarted; what waits here is kept, and answered when it is back";
    assert_eq!(stage.texts(), [told, "done"]);
    let engine = stage.start().await;
    stage.posts(3).await;
    engine.drain().await;
    assert_eq!(stage.texts(), [told, "done", "done"]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_beyond_the_limit_is_cut_and_goes_on_at_the_next_start() {
    let stage = Stage::new(script(|_, earlier| match earlier {
        0 => vec![wait(50), say("never said")],
        _ => vec![say("done")],
    }));
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "work");
    works(&stage).await;
    engine.stop.drain();
    let ended = engine.ended().await.unwrap();
    assert_eq!(ended, Ended::Cut { turns: 1, posts: 0 });
    assert_eq!(stage.texts(), Vec::<String>::new());
    let engine = stage.start().await;
    stage.posts(1).await;
    engine.drain().await;
    insta::assert_snapshot!(stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_second_stop_does_not_wait() {
    // The first stop alone would let this turn end.
    let stage = Stage::new(script(|_, _| vec![wait(10), say("never said")]));
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "work");
    works(&stage).await;
    engine.stop.next();
    engine.stop.next();
    assert_eq!(
        engine.ended().await.unwrap(),
        Ended::Cut { turns: 1, posts: 0 }
    );
    assert_eq!(stage.texts(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_post_that_is_still_tried_at_the_limit_is_owed_to_the_next_start() {
    let stage = Stage::new(echo());
    let retry_after = Some(Duration::from_mins(10));
    stage
        .chat
        .fault(Verb::Post, Fault::Transient { retry_after });
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    let failed = |happening: &Happening| matches!(happening, Happening::Faulty(Verb::Post, ..));
    stage
        .chat
        .wait_until(|world| world.entries().iter().any(|e| failed(&e.happening)))
        .await;
    engine.stop.drain();
    let ended = engine.ended().await.unwrap();
    assert_eq!(ended, Ended::Cut { turns: 0, posts: 1 });
    let engine = stage.start().await;
    stage.posts(1).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["re: hello"]);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_input_everything_is_answered() {
    let mut stage = Stage::new(script(|text, _| vec![wait(45), say(text)]));
    stage.slots = 1;
    let first = stage.chat.say(&stage.general, "ann", "one");
    stage.chat.say(&stage.chat.thread_of(&first), "ann", "two");
    stage.chat.say(&stage.general, "ann", "three");
    stage.chat.end();
    let engine = stage.start().await;
    assert_eq!(engine.ended().await.unwrap(), Ended::Drained);
    let mut texts = stage.texts();
    texts.sort();
    assert_eq!(texts, ["one", "three", "two"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_waits_for_its_thread_at_the_end_of_input() {
    let stage = Stage::new(echo());
    let delay = Fault::Delay(Duration::from_secs(10));
    stage.chat.fault(Verb::OpenThread, delay);
    stage.chat.say(&stage.general, "ann", "one");
    stage.chat.end();
    let engine = stage.start().await;
    assert_eq!(engine.ended().await.unwrap(), Ended::Drained);
    assert_eq!(stage.texts(), ["re: one"]);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_failed_for_good_ends_the_engine_with_its_reason() {
    let stage = Stage::new(echo());
    let engine = stage.start().await;
    let reason = "the token was refused; set a new one".to_owned();
    stage.chat.link(Link::Connected);
    stage.chat.link(Link::Failed { reason });
    stage.chat.end();
    match engine.ended().await {
        Err(EngineError::Platform { platform, reason }) => {
            assert_eq!(platform, stage.chat.id());
            assert_eq!(reason, "the token was refused; set a new one");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_that_hangs_holds_up_no_end() {
    let mut stage = Stage::new(echo());
    stage.drain_limit = Duration::from_mins(10);
    stage.chat.fault(Verb::SetStatus, Fault::Hang);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    stage.posts(1).await;
    engine.drain().await;
    let signs = stage.chat.look(|world| {
        let entries = world.entries().iter();
        entries
            .filter(|entry| matches!(entry.happening, Happening::Sign { .. }))
            .count()
    });
    assert_eq!(signs, 1, "the newest one is set once the first is given up");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_told_to_end_before_it_starts_does_nothing() {
    let stage = Stage::new(echo());
    stage.chat.say(&stage.general, "ann", "hello");
    let connection = stage.chat.connect();
    let engine = stage.builder().await.connection(connection).build();
    let (stop, signal) = mpg_engine::stop();
    stop.drain();
    assert_eq!(engine.run(signal).await.unwrap(), Ended::Drained);
    assert_eq!(stage.chat.look(World::calls), 0);
}
