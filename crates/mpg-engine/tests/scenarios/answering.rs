//! Messages and their answers.

use mpg_core::port::Connection;
use mpg_engine::channel_inbox;
use mpg_testkit::fake::World;

use crate::stage::{Stage, echo};

#[tokio::test(start_paused = true)]
async fn a_message_gets_a_thread_and_an_answer() {
    let stage = Stage::new(echo());
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "fix the build");
    stage.posts(1).await;
    let thread = stage.chat.thread_of(&first);
    stage.chat.say(&thread, "ann", "and the tests");
    stage.posts(2).await;
    engine.drain().await;
    insta::assert_snapshot!(stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn messages_wait_for_their_turn_and_for_a_slot() {
    let mut stage = Stage::new(echo());
    stage.slots = 1;
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "first");
    let thread = stage.chat.thread_of(&first);
    stage.chat.say(&thread, "bob", "second");
    stage.chat.say(&stage.general, "cid", "a thread of its own");
    stage.chat.say(&thread, "ann", "third");
    stage.posts(4).await;
    engine.drain().await;
    let in_thread = stage.chat.look(|world| {
        let texts = world.texts(&thread).into_iter();
        texts.map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(in_thread, ["re: first", "re: second", "re: third"]);
    insta::assert_snapshot!(stage.chat.transcript());
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_is_acknowledged_and_only_that() {
    let stage = Stage::new(echo());
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    stage.posts(1).await;
    stage.chat.wait_until(World::is_acknowledged).await;
    engine.drain().await;
    stage.chat.say(&stage.general, "ann", "anybody there?");
    assert!(!stage.chat.look(World::is_acknowledged));
    let engine = stage.start().await;
    stage.posts(2).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["re: hello", "re: anybody there?"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_told_twice_is_answered_once() {
    let stage = Stage::new(echo());
    // An adapter that never says that anything is stored is told everything again.
    let mut deaf = stage.chat.connect();
    stage.chat.say(&stage.general, "ann", "hello");
    let told = deaf.inbox.next().await;
    assert!(told.is_some());
    let (sender, inbox) = channel_inbox();
    let connection = Connection { inbox, ..deaf };
    let engine = stage.start_with(connection).await;
    let (inbound, position) = told.unwrap();
    for _ in 0..3 {
        sender
            .send(inbound.clone(), position.clone())
            .await
            .unwrap();
    }
    stage.posts(1).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["re: hello"]);
}
