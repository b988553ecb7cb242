//! What answers look like on Discord, and what happens where they cannot be posted.

use std::collections::BTreeSet;

use mpg_testkit::discord::{Discord, Fault, Permission};

use crate::subject::{Server, long_text, script};

#[tokio::test]
async fn a_long_answer_is_posted_whole_and_pings_nobody() {
    let mut server = Server::start().await;
    server.adjust = |_, project| project.answer_as_file = 0;
    let gateway = server.gateway().await;
    let message = server.say(server.one, "long");
    server.sign(message, "✅").await;
    server
        .discord
        .wait_for(|world| {
            world.thread_of(message).is_some_and(|thread| {
                let posts = world.bot_messages(thread);
                posts
                    .last()
                    .is_some_and(|post| post.content.contains("that was all"))
            })
        })
        .await;
    let thread = server.discord.thread_of(message).unwrap();
    let posts = server.discord.messages(thread);
    for post in &posts {
        assert!(post.content.chars().count() <= 2000);
        let fences = post.content.matches("```").count();
        assert!(fences.is_multiple_of(2), "an open fence: {}", post.content);
        assert!(!post.notified_everyone && post.notified.is_empty());
    }
    let all: String = posts.iter().map(|post| post.content.as_str()).collect();
    for line in long_text().lines().filter(|line| line.contains("value_")) {
        assert!(all.contains(line), "missing: {line}");
    }
    let cells = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let lines: BTreeSet<Vec<String>> = all.lines().map(cells).collect();
    for row in 0..400 {
        let cells = [format!("src/file_{row}.rs"), row.to_string()];
        assert!(lines.contains(&cells[..]), "missing: {cells:?}");
    }
    let tables = posts
        .iter()
        .filter(|post| post.content.contains("src/file_"));
    for post in tables {
        let mut lines = post.content.lines().map(cells);
        assert!(
            lines.any(|line| line == ["file", "lines"]),
            "no head: {}",
            post.content
        );
    }
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn an_empty_answer_is_said() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let message = server.say(server.one, "say");
    let answers = server.answers(message, 1).await;
    assert_eq!(answers, ["*(the agent ended its turn without a text)*"]);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn nobody_is_pinged_by_an_answer() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let text = format!("say @everyone @here <@{}> <@&1>", server.ann);
    let message = server.say(server.one, &text);
    server.answers(message, 1).await;
    let thread = server.discord.thread_of(message).unwrap();
    for post in server.discord.messages(thread) {
        assert!(
            !post.notified_everyone && post.notified.is_empty(),
            "{post:?}"
        );
    }
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn bots_and_unmapped_channels_are_passed_over() {
    let server = Server::start().await;
    let other = server.discord.add_channel(server.guild, "other");
    let gateway = server.gateway().await;
    let robot = server.discord.say_as_bot(server.one, "hello");
    let unmapped = server.say(other, "hello");
    let answered = server.say(server.one, "say done");
    server.answers(answered, 1).await;
    assert_eq!(server.discord.thread_of(robot), None);
    assert_eq!(server.discord.thread_of(unmapped), None);
    assert!(server.discord.bot_texts(other).is_empty());
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn without_the_permission_for_threads_the_channel_serves_and_says_so_once() {
    let server = Server::with(Discord::builder().threads_forbidden(), script).await;
    let gateway = server.gateway().await;
    server.say(server.one, "remember 7");
    server
        .discord
        .wait_for(|world| world.bot_messages(server.one).len() == 2)
        .await;
    server.say(server.one, "recall");
    server
        .discord
        .wait_for(|world| world.bot_messages(server.one).len() == 3)
        .await;
    let texts = server.discord.bot_texts(server.one);
    let notices = texts
        .iter()
        .filter(|text| text.contains("threads cannot be opened"));
    assert_eq!(notices.count(), 1, "{texts:?}");
    assert!(
        texts.contains(&"remember 7".to_owned()),
        "it goes on: {texts:?}"
    );
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_thread_deleted_during_a_turn_ends_only_that_conversation() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let doomed = server.say(server.one, "wait for nothing");
    let thread = server
        .discord
        .wait_until(|world| world.thread_of(doomed))
        .await;
    server.discord.delete_thread(thread);
    let other = server.say(server.one, "say fine");
    assert_eq!(server.answers(other, 1).await, ["fine"]);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_lost_permission_ends_only_that_conversation() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let message = server.say(server.one, "wait for nothing");
    server.sign(message, "👀").await;
    server
        .discord
        .deny_permission(server.one, Permission::SendMessagesInThreads);
    let other = server.say(server.two, "say fine");
    assert_eq!(server.answers(other, 1).await, ["fine"]);
    server
        .discord
        .wait_for(|world| !world.reactions(message).contains(&"👀".to_owned()))
        .await;
    server
        .discord
        .allow_permission(server.one, Permission::SendMessagesInThreads);
    let again = server.say(server.one, "say back");
    assert_eq!(server.answers(again, 1).await, ["back"]);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_post_whose_reply_is_lost_stands_there_once() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    server
        .discord
        .fault("POST", "/channels/*/messages", Fault::CutAfterHandling, 1);
    let message = server.say(server.one, "say once");
    server.answers(message, 1).await;
    server
        .discord
        .wait_for(|world| world.call_count("POST", "/channels/*/messages") >= 2)
        .await;
    let thread = server.discord.thread_of(message).unwrap();
    server
        .discord
        .say_in_thread(thread, server.ann, "say twice");
    assert_eq!(server.answers(message, 2).await, ["once", "twice"]);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_429_on_every_route_delays_and_loses_nothing() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let limited = || Fault::RateLimited {
        retry_after: std::time::Duration::from_millis(200),
        scope: None,
        html: false,
    };
    for (method, path) in [
        ("POST", "/channels/*/messages/*/threads"),
        ("POST", "/channels/*/messages"),
        ("POST", "/channels/*/typing"),
        ("PUT", "/channels/*/messages/*/reactions/**"),
        ("DELETE", "/channels/*/messages/*/reactions/**"),
    ] {
        server.discord.fault(method, path, limited(), 2);
    }
    let message = server.say(server.one, "say patience");
    assert_eq!(server.answers(message, 1).await, ["patience"]);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_error_is_repeated_with_the_same_nonce() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    server
        .discord
        .fault("POST", "/channels/*/messages", Fault::Status(502), 1);
    let message = server.say(server.one, "say again");
    assert_eq!(server.answers(message, 1).await, ["again"]);
    let calls = server.discord.look(|world| {
        let posts = world
            .calls()
            .into_iter()
            .filter(|call| call.method == "POST" && call.path.ends_with("/messages"));
        posts
            .map(|call| call.body["nonce"].clone())
            .collect::<Vec<_>>()
    });
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert_eq!(calls[0], calls[1]);
    gateway.stop().await.unwrap();
}
