//! What an operator is told, and can do about posts that were given up.

use mpg_core::gateway::Activity;
use mpg_core::id::{DeliveryId, InstallationId, TurnId};
use mpg_core::message::Link;
use mpg_engine::ControlError;
use mpg_testkit::fake::{Fault, Verb};
use uuid::Uuid;

use crate::stage::{Stage, echo};

#[tokio::test(start_paused = true)]
async fn the_loop_says_what_it_does() {
    let stage = Stage::new(echo());
    let engine = stage.start().await;
    let idle = engine.control.status().await.unwrap();
    assert_eq!(idle.overview.active, []);
    assert!(idle.links.is_empty());
    stage.chat.link(Link::Connected);
    let message = stage.chat.say(&stage.general, "ann", "hello");
    let thread = stage.chat.thread_of(&message);
    stage.chat.say(&thread, "ann", "and this");
    stage
        .chat
        .wait_until(|world| world.transcript().contains("typing"))
        .await;
    let busy = engine.control.status().await.unwrap();
    assert_eq!(busy.links[&stage.chat.id()], Link::Connected);
    let overview = busy.overview;
    assert_eq!((overview.conversations, overview.turns), (1, 1));
    assert_eq!(overview.queued, 1);
    let active = &overview.active[0];
    assert!(matches!(active.activity, Activity::Working(Some(_))));
    assert!(active.session.is_some());
    stage.posts(2).await;
    let control = engine.control.clone();
    engine.drain().await;
    assert_eq!(control.status().await, Err(ControlError::Ended));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_given_up_is_kept_and_posted_when_somebody_asks_for_it() {
    let stage = Stage::new(echo());
    stage.chat.fault(Verb::Post, Fault::Rejected);
    let engine = stage.start().await;
    let message = stage.chat.say(&stage.general, "ann", "hello");
    stage
        .chat
        .wait_until(|world| world.transcript().contains("post: rejected"))
        .await;
    let installation = InstallationId::from_uuid(Uuid::from_u128(1));
    let id = DeliveryId::of_turn(TurnId::of_message(installation, &message, None), 0);
    engine.drain().await;

    let engine = stage.start().await;
    let dead = engine.control.status().await.unwrap().dead_letters;
    assert_eq!(dead.len(), 1, "it survives a restart");
    assert_eq!(dead[0].post.id, id);
    stage.chat.say(&stage.general, "ann", "!sessions");
    stage.posts(1).await;
    assert!(stage.texts()[0].contains("1 answer could not be delivered"));
    engine.control.redeliver(id).await.unwrap();
    stage.posts(2).await;
    assert_eq!(stage.texts()[1], "re: hello");
    assert_eq!(
        engine.control.redeliver(id).await,
        Err(ControlError::NotFound)
    );
    engine.drain().await;
    assert!(stage.state().await.dead.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_thread_is_gone_goes_to_the_channel() {
    let stage = Stage::new(echo());
    stage.chat.fault(Verb::Post, Fault::Gone);
    let engine = stage.start().await;
    let message = stage.chat.say(&stage.general, "ann", "hello");
    stage
        .chat
        .wait_until(|world| world.transcript().contains("post: gone"))
        .await;
    stage.chat.remove(&stage.chat.thread_of(&message));
    let dead = loop {
        let dead = engine.control.status().await.unwrap().dead_letters;
        if let Some(dead) = dead.into_iter().next() {
            break dead;
        }
        tokio::task::yield_now().await;
    };
    engine.control.redeliver(dead.post.id).await.unwrap();
    stage.posts(1).await;
    let place = stage.chat.look(|world| world.posts()[0].place.clone());
    assert_eq!(place, stage.general);
    engine.drain().await;
    assert!(stage.state().await.dead.is_empty());
}
