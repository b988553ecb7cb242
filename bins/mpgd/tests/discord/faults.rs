//! What Discord can do to the post of an answer, and what becomes of the answer then.

use std::time::Duration;

use mpg_core::port::Store as _;
use mpg_core::snapshot::DeadLetter;
use mpg_store::SqliteStore;
use mpg_testkit::discord::{Fault, Scope};

use crate::subject::Server;

/// How posts are asked for.
const POSTS: &str = "/channels/*/messages";

/// A server on which the posts of the answer meet a fault so many times.
async fn answered_once(fault: Fault, times: u32) {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    server.discord.fault("POST", POSTS, fault, times);
    let message = server.say(server.one, "say first");
    assert_eq!(server.answers(message, 1).await, ["first"]);
    let thread = server.discord.thread_of(message).unwrap();
    server
        .discord
        .say_in_thread(thread, server.ann, "say second");
    assert_eq!(server.answers(message, 2).await, ["first", "second"]);
    gateway.stop().await.unwrap();
    assert_eq!(server.answers(message, 2).await, ["first", "second"]);
    assert_eq!(dead_letters(&server).await, []);
}

async fn dead_letters(server: &Server) -> Vec<DeadLetter> {
    let store = SqliteStore::open(&server.root().join("state"))
        .await
        .unwrap();
    let snapshot = store.load().await.unwrap();
    snapshot.dead.into_iter().collect()
}

fn limited(scope: Scope, html: bool) -> Fault {
    Fault::RateLimited {
        retry_after: Duration::from_millis(50),
        scope: Some(scope),
        html,
    }
}

#[tokio::test]
async fn an_error_of_the_server_is_waited_out() {
    for status in [500, 502, 503, 504] {
        answered_once(Fault::Status(status), 2).await;
    }
}

#[tokio::test]
async fn a_storm_of_429_is_waited_out() {
    for scope in [Scope::User, Scope::Shared, Scope::Global] {
        answered_once(limited(scope, false), 8).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_doubles_and_loses_nothing() {
    let cuts = [
        Fault::CutBeforeHandling,
        Fault::CutAfterHandling,
        Fault::CutInBody,
    ];
    for cut in cuts {
        answered_once(cut, 2).await;
    }
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    answered_once(Fault::Delay(Duration::from_secs(1)), 1).await;
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_doubles_nothing() {
    let no_answer = answered_once(Fault::HoldAnswer, 1);
    let no_body = answered_once(Fault::HoldInBody, 1);
    tokio::join!(no_answer, no_body);
}

#[tokio::test]
async fn a_place_that_is_closed_keeps_the_answer_and_ends_no_other_conversation() {
    for (status, code) in [(403, 50_001), (403, 50_013), (404, 10_003)] {
        let server = Server::start().await;
        let gateway = server.gateway().await;
        let message = server.say(server.one, "say kept");
        // The thread will have the id of its message.
        let path = format!("/channels/{message}/messages");
        server
            .discord
            .fault("POST", &path, Fault::Error { status, code }, 100);
        let other = server.say(server.two, "say fine");
        assert_eq!(server.answers(other, 1).await, ["fine"]);
        server
            .discord
            .wait_for(|world| {
                let calls = world.calls();
                calls
                    .iter()
                    .any(|call| call.path == path && call.method == "POST")
            })
            .await;
        gateway.stop().await.unwrap();
        let dead = dead_letters(&server).await;
        let texts: Vec<&str> = dead
            .iter()
            .map(|letter| letter.post.text.as_str())
            .collect();
        assert_eq!(texts, ["kept"], "{status} {code}: {dead:?}");
        assert!(!dead[0].reason.is_empty());
    }
}

#[tokio::test]
async fn an_answer_outlives_a_token_that_is_refused() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    server
        .discord
        .fault("POST", POSTS, Fault::Status(401), 1_000);
    let message = server.say(server.one, "say kept");
    server
        .discord
        .wait_for(|world| world.call_count("POST", POSTS) >= 1)
        .await;
    gateway.kill().await;
    server.discord.clear_faults();
    let gateway = server.gateway().await;
    assert_eq!(server.answers(message, 1).await, ["kept"]);
    gateway.stop().await.unwrap();
    assert_eq!(server.answers(message, 1).await, ["kept"]);
}

#[tokio::test]
async fn what_is_told_twice_or_in_the_wrong_order_is_answered_once() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    server.discord.swap_dispatches();
    let one = server.say(server.one, "say one");
    let two = server.say(server.two, "say two");
    for message in [one, two] {
        server.discord.replay(message);
    }
    server.discord.duplicate_dispatch();
    assert_eq!(server.answers(one, 1).await, ["one"]);
    assert_eq!(server.answers(two, 1).await, ["two"]);
    let last = server.say(server.one, "say last");
    assert_eq!(server.answers(last, 1).await, ["last"]);
    gateway.stop().await.unwrap();
    assert_eq!(server.answers(one, 1).await, ["one"]);
    assert_eq!(server.answers(two, 1).await, ["two"]);
}

#[tokio::test]
async fn a_message_whose_change_is_told_before_it_is_answered_once() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    server.discord.swap_dispatches();
    let edited = server.say(server.one, "say wrong");
    server.discord.edit(edited, "say right");
    server.discord.replay(edited);
    let answers = server.answers(edited, 1).await;
    assert!(answers == ["wrong"] || answers == ["right"], "{answers:?}");
    let last = server.say(server.one, "say last");
    assert_eq!(server.answers(last, 1).await, ["last"]);
    gateway.stop().await.unwrap();
    assert_eq!(server.answers(edited, 1).await, answers);
}

#[tokio::test]
async fn a_message_whose_removal_is_told_before_it_has_one_outcome_at_most() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    server.discord.swap_dispatches();
    let deleted = server.say(server.one, "say nothing");
    server.discord.delete_message(deleted);
    let last = server.say(server.two, "say last");
    assert_eq!(server.answers(last, 1).await, ["last"]);
    gateway.stop().await.unwrap();
    let texts = server.discord.bot_texts(server.one);
    let answers = texts.iter().filter(|text| *text == "nothing").count();
    assert!(answers <= 1, "{texts:?}");
    assert_eq!(server.discord.thread_of(deleted), None);
    assert_eq!(dead_letters(&server).await, []);
}
