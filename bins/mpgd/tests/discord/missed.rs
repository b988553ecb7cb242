//! What was said while no gateway listened.

use mpg_testkit::discord::{Fault, Snowflake};

use crate::subject::Server;

/// A server whose gateway has answered once, is gone, and will not be able to resume.
async fn left() -> (Server, Snowflake) {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let first = server.say(server.one, "say first");
    server.answers(first, 1).await;
    server.sign(first, "✅").await;
    gateway.stop().await.unwrap();
    server.discord.invalidate_sessions();
    (server, first)
}

#[tokio::test]
async fn what_was_said_everywhere_is_answered_once_and_in_order() {
    let (server, first) = left().await;
    let known = server.discord.thread_of(first).unwrap();
    let ann = server.ann;
    server
        .discord
        .say_in_thread(known, ann, "say in the known thread");
    let channel = server.say(server.one, "say in the channel");
    // A thread that was opened meanwhile, and one that was archived again.
    let root = server.say(server.two, "say root");
    let opened = server.discord.open_thread(root, ann, "opened meanwhile");
    server
        .discord
        .say_in_thread(opened, ann, "say in the new thread");
    let other = server.discord.say(server.two, ann, "say other root");
    let archived = server.discord.open_thread(other, ann, "archived meanwhile");
    server
        .discord
        .say_in_thread(archived, ann, "say in the archived thread");
    server.discord.archive_thread(archived);
    server
        .discord
        .say_in_thread(known, ann, "say and once more");

    let gateway = server.gateway().await;
    assert_eq!(
        server.answers(first, 3).await,
        ["first", "in the known thread", "and once more"]
    );
    assert_eq!(server.answers(channel, 1).await, ["in the channel"]);
    assert_eq!(server.answers(root, 2).await, ["root", "in the new thread"]);
    assert_eq!(
        server.answers(other, 2).await,
        ["other root", "in the archived thread"]
    );
    gateway.stop().await.unwrap();

    // Nothing of it is answered by another look back.
    server.discord.invalidate_sessions();
    let gateway = server.gateway().await;
    let last = server.say(server.one, "say last");
    server.answers(last, 1).await;
    assert_eq!(server.answers(first, 3).await.len(), 3);
    assert_eq!(server.answers(root, 2).await.len(), 2);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn beyond_the_limit_one_line_says_how_many_were_skipped() {
    let (mut server, _) = left().await;
    server.catch_up_limit = 2;
    let said: Vec<Snowflake> = (0..5)
        .map(|number| server.say(server.one, &format!("say {number}")))
        .collect();
    let gateway = server.gateway().await;
    assert_eq!(server.answers(said[3], 1).await, ["3"]);
    assert_eq!(server.answers(said[4], 1).await, ["4"]);
    let line = server
        .discord
        .wait_until(|world| {
            let posts = world.bot_messages(server.one);
            posts.first().map(|post| post.text().to_owned())
        })
        .await;
    assert!(
        line.contains("the 3 oldest messages were skipped"),
        "{line}"
    );
    gateway.stop().await.unwrap();
    let threads = server.discord.look(|world| {
        let opened = said.iter().filter(|said| world.thread_of(**said).is_some());
        opened.count()
    });
    assert_eq!(threads, 2, "the others are not answered");
}

#[tokio::test]
async fn an_invalid_session_loses_nothing() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let first = server.say(server.one, "say first");
    server.answers(first, 1).await;
    // What is said between two sessions is replayed to neither.
    server
        .discord
        .gateway_fault(mpg_testkit::discord::GatewayFault::RefuseConnection, 1);
    server.discord.disconnect();
    server
        .discord
        .wait_for(|world| world.connection_count() == 0)
        .await;
    let missed = server.say(server.one, "say missed");
    server.discord.invalidate_sessions();
    assert_eq!(server.answers(missed, 1).await, ["missed"]);
    let live = server.say(server.one, "say live");
    assert_eq!(server.answers(live, 1).await, ["live"]);
    assert_eq!(server.discord.identify_count(), 2);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_said_now_waits_for_what_was_missed() {
    let (server, first) = left().await;
    let known = server.discord.thread_of(first).unwrap();
    server
        .discord
        .say_in_thread(known, server.ann, "say missed");
    server
        .discord
        .fault("GET", "/channels/*/messages", Fault::Hold, 1);
    let gateway = server.gateway().await;
    server
        .discord
        .wait_for(|world| world.held_count() == 1)
        .await;
    server.discord.say_in_thread(known, server.ann, "say live");
    let elsewhere = server.say(server.two, "say elsewhere");
    assert_eq!(server.answers(elsewhere, 1).await, ["elsewhere"]);
    server.discord.release();
    assert_eq!(server.answers(first, 3).await, ["first", "missed", "live"]);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_crash_while_it_looks_back_loses_nothing() {
    let (server, first) = left().await;
    let known = server.discord.thread_of(first).unwrap();
    server
        .discord
        .say_in_thread(known, server.ann, "say missed");
    server
        .discord
        .fault("GET", "/channels/*/messages", Fault::Hold, 1);
    let gateway = server.gateway().await;
    server
        .discord
        .wait_for(|world| world.held_count() == 1)
        .await;
    server.discord.say_in_thread(known, server.ann, "say live");
    gateway.kill().await;
    server.discord.release();
    server
        .discord
        .wait_for(|world| world.connection_count() == 0)
        .await;
    let gateway = server.gateway().await;
    assert_eq!(server.answers(first, 3).await, ["first", "missed", "live"]);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_look_back_that_fails_for_now_is_made_again() {
    let (server, first) = left().await;
    let known = server.discord.thread_of(first).unwrap();
    server
        .discord
        .say_in_thread(known, server.ann, "say missed");
    for fault in [
        Fault::Status(503),
        Fault::CutAfterHandling,
        Fault::CutBeforeHandling,
    ] {
        server
            .discord
            .fault("GET", "/channels/*/messages", fault, 1);
    }
    server
        .discord
        .fault("GET", "/guilds/*/threads/active", Fault::Status(500), 1);
    let gateway = server.gateway().await;
    assert_eq!(server.answers(first, 2).await, ["first", "missed"]);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn nothing_is_read_where_nothing_is_new() {
    let (server, first) = left().await;
    let known = server.discord.thread_of(first).unwrap();
    let reads = || {
        let path = format!("/channels/{known}/messages");
        server.discord.look(|world| world.call_count("GET", &path))
    };
    let mut counts = Vec::new();
    for _ in 0..2 {
        let gateway = server.gateway().await;
        // What is said in the channel is answered once the look back is done.
        let message = server.say(server.one, "say now");
        server.answers(message, 1).await;
        gateway.stop().await.unwrap();
        server.discord.invalidate_sessions();
        counts.push(reads());
    }
    assert_eq!(counts, [1, 1], "the answer is read over once");
}

#[tokio::test]
async fn what_somebody_edited_or_deleted_meanwhile_counts_as_it_is_now() {
    let (server, _) = left().await;
    let edited = server.say(server.one, "say wrong");
    let deleted = server.say(server.one, "say nothing");
    server.discord.edit(edited, "say right");
    server.discord.delete_message(deleted);
    let gateway = server.gateway().await;
    assert_eq!(server.answers(edited, 1).await, ["right"]);
    gateway.stop().await.unwrap();
    let threads = server
        .discord
        .look(|world| world.thread_of(deleted).is_some());
    assert!(!threads);
}
