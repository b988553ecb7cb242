//! The connection to Discord: lost, resumed, replaced, refused.

use mpg_engine::EngineError;
use mpg_testkit::discord::Discord;

use crate::subject::{Server, script};

#[tokio::test]
async fn a_lost_connection_is_resumed_and_nothing_is_lost() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let first = server.say(server.one, "say first");
    server.answers(first, 1).await;
    server.discord.disconnect();
    let message = server.say(server.one, "say missed");
    assert_eq!(server.answers(message, 1).await, ["missed"]);
    assert_eq!(server.discord.identify_count(), 1);
    assert!(server.discord.resume_count() >= 1);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_dispatch_that_comes_twice_is_answered_once() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let message = server.say(server.one, "say once");
    server.answers(message, 1).await;
    server.discord.replay(message);
    let after = server.say(server.one, "say after");
    server.answers(after, 1).await;
    assert_eq!(server.answers(message, 1).await, ["once"]);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn an_invalid_session_is_replaced() {
    let server = Server::with(Discord::builder().max_concurrency(16), script).await;
    let gateway = server.gateway().await;
    let first = server.say(server.one, "say first");
    server.answers(first, 1).await;
    server.discord.invalidate_sessions();
    server
        .discord
        .wait_for(|world| world.identify_count() == 2)
        .await;
    let message = server.say(server.one, "say new");
    assert_eq!(server.answers(message, 1).await, ["new"]);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_missing_intent_is_named_and_ends_the_gateway() {
    let server = Server::with(Discord::builder().message_content_off(), script).await;
    let gateway = server.begin().await;
    let Err(EngineError::Platform { reason, .. }) = gateway.ended().await else {
        panic!("it cannot work");
    };
    assert!(reason.contains("Message Content Intent"), "{reason}");
}
