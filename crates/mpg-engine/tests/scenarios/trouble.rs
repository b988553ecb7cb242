//! A platform and a store that fail.

use std::time::Duration;

use mpg_core::capability::Capabilities;
use mpg_core::id::{DeliveryId, InstallationId, TurnId};
use mpg_engine::{CommitFault, Ended, EngineError};
use mpg_testkit::fake::{FakePlatform, Fault, Happening, Verb, World};
use uuid::Uuid;

use crate::stage::{Stage, echo};

#[tokio::test(start_paused = true)]
async fn a_post_that_fails_for_now_is_made_later_under_its_id() {
    let stage = Stage::new(echo());
    let chat = &stage.chat;
    let retry_after = Some(Duration::from_secs(20));
    chat.fault(Verb::Post, Fault::Transient { retry_after: None });
    chat.fault(Verb::Post, Fault::Transient { retry_after });
    let engine = stage.start().await;
    let message = chat.say(&stage.general, "ann", "hello");
    stage.posts(1).await;
    engine.drain().await;
    let installation = InstallationId::from_uuid(Uuid::from_u128(1));
    let turn = TurnId::of_message(installation, &message, None);
    let id = chat.look(|world| world.posts()[0].post.id);
    assert_eq!(id, DeliveryId::of_turn(turn, 0));
    insta::assert_snapshot!(chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_post_whose_outcome_is_unknown_is_repeated_and_shown_once() {
    let stage = Stage::new(echo());
    stage.chat.fault(Verb::Post, Fault::ReplyLost);
    stage.chat.fault(Verb::Post, Fault::Lost);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    stage.posts(1).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["re: hello"]);
    insta::assert_snapshot!(stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn where_posts_cannot_be_found_again_one_is_repeated_once() {
    let stage = Stage::on(FakePlatform::with(Capabilities::default()), echo());
    for fault in [Fault::Lost, Fault::ReplyLost, Fault::Lost, Fault::Lost] {
        stage.chat.fault(Verb::Post, fault);
    }
    for text in ["one", "two", "three"] {
        stage.chat.say(&stage.general, "ann", text);
    }
    stage.chat.end();
    let engine = stage.start().await;
    assert_eq!(engine.ended().await.unwrap(), Ended::Drained);
    // The first one was made at its repeat, of which nothing was heard; the second one never was.
    assert_eq!(stage.texts(), ["re: one\n*(sent again)*", "re: three"]);
}

#[tokio::test(start_paused = true)]
async fn a_thread_that_is_refused_falls_back_to_the_channel() {
    let stage = Stage::new(echo());
    stage.chat.fault(Verb::OpenThread, Fault::Unsupported);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    stage.posts(2).await;
    engine.drain().await;
    insta::assert_snapshot!(stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_thread_that_is_gone_ends_its_turn_and_nothing_else() {
    let stage = Stage::new(echo());
    let engine = stage.start().await;
    let gone = stage.chat.say(&stage.general, "ann", "never mind");
    let opened = |happening: &Happening| matches!(happening, Happening::ThreadOpened { .. });
    stage
        .chat
        .wait_until(|world| world.entries().iter().any(|e| opened(&e.happening)))
        .await;
    stage.chat.remove(&stage.chat.thread_of(&gone));
    stage.chat.say(&stage.general, "ann", "but this");
    stage.posts(1).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["re: but this"]);
    insta::assert_snapshot!(stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_post_that_finds_its_place_gone_is_not_tried_again() {
    let stage = Stage::new(echo());
    stage.chat.fault(Verb::Post, Fault::Gone);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    stage.chat.say(&stage.general, "bob", "hello too");
    stage.posts(1).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["re: hello too"]);
    let stored = stage.state().await;
    assert!(stored.threads.values().all(|t| t.deliveries.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn nothing_happens_once_something_could_not_be_stored() {
    for fault in [CommitFault::Lost, CommitFault::ReplyLost] {
        let stage = Stage::new(echo());
        stage.store.fail_next(fault);
        let engine = stage.start().await;
        stage.chat.say(&stage.general, "ann", "hello");
        let ended = engine.ended().await;
        assert!(matches!(ended, Err(EngineError::Store(_))), "{ended:?}");
        let calls = stage.chat.look(World::calls);
        assert_eq!(calls, 0, "{fault:?}: {}", stage.chat.transcript());
        assert!(!stage.chat.look(World::is_acknowledged));

        let engine = stage.start().await;
        stage.posts(1).await;
        engine.drain().await;
        assert_eq!(stage.texts(), ["re: hello"], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_could_not_be_stored_is_not_posted_by_this_engine() {
    for fault in [CommitFault::Lost, CommitFault::ReplyLost] {
        let stage = Stage::new(echo());
        let engine = stage.start().await;
        stage.chat.say(&stage.general, "ann", "hello");
        let typing = |happening: &Happening| matches!(happening, Happening::Typing(_));
        stage
            .chat
            .wait_until(|world| world.entries().iter().any(|e| typing(&e.happening)))
            .await;
        stage.store.fail_next(fault);
        let ended = engine.ended().await;
        assert!(matches!(ended, Err(EngineError::Store(_))), "{ended:?}");
        assert_eq!(stage.texts(), Vec::<String>::new());

        let engine = stage.start().await;
        stage.posts(1).await;
        engine.drain().await;
        let texts = stage.texts();
        assert_eq!(texts.len(), 1, "{fault:?}: {texts:?}");
        // What the agent said was lost with the commit, so it was asked to go on.
        let resumed = texts[0].starts_with(mpg_core::wording::resumed());
        assert_eq!(resumed, fault == CommitFault::Lost, "{texts:?}");
    }
}
