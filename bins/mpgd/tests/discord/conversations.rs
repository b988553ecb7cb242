//! Threads, follow-ups, two projects, restarts.

use mpg_engine::Ended;
use mpg_testkit::discord::Discord;

use crate::subject::{Server, script};

#[tokio::test]
async fn a_message_opens_a_thread_and_is_answered_there() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let message = server.say(server.one, "wait hello\nthere");
    assert_eq!(server.answers(message, 1).await, ["hello\nthere"]);
    server.sign(message, "✅").await;
    let thread = server.discord.thread_of(message).unwrap();
    let title = server
        .discord
        .look(|world| world.channel(thread).unwrap().name.clone());
    assert_eq!(title, "wait hello there");
    let archive = server.discord.look(|world| {
        let channel = world.channel(thread).unwrap();
        channel.thread.as_ref().unwrap().auto_archive_minutes
    });
    assert_eq!(archive, 1440, "as the settings of the channel say");
    assert!(server.discord.typing_count(thread) > 0, "typing is shown");

    let follow_up = server.discord.say_in_thread(thread, server.ann, "recall");
    assert_eq!(server.answers(message, 2).await[1], "wait hello\nthere");
    server.sign(follow_up, "✅").await;
    assert_eq!(gateway.stop().await.unwrap(), Ended::Drained);
}

#[tokio::test]
async fn two_channels_have_two_conversations_at_once() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let slow = server.say(server.one, "wait slow");
    let quick = server.say(server.two, "say quick");
    assert_eq!(server.answers(quick, 1).await, ["quick"]);
    assert_eq!(server.answers(slow, 1).await, ["slow"]);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn messages_in_a_thread_are_answered_in_order() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let message = server.say(server.one, "wait 0");
    let thread = server
        .discord
        .wait_until(|world| world.thread_of(message))
        .await;
    for number in 1..10 {
        server
            .discord
            .say_in_thread(thread, server.ann, &format!("say {number}"));
    }
    let answers = server.answers(message, 10).await;
    let expected: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    assert_eq!(answers, expected);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_restart_continues_the_conversation() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let message = server.say(server.one, "remember 7");
    server.answers(message, 1).await;
    server.sign(message, "✅").await;
    assert_eq!(gateway.stop().await.unwrap(), Ended::Drained);

    let thread = server.discord.thread_of(message).unwrap();
    let gateway = server.gateway().await;
    server.discord.say_in_thread(thread, server.ann, "recall");
    assert_eq!(server.answers(message, 2).await[1], "remember 7");
    gateway.stop().await.unwrap();
    assert_eq!(
        server.discord.identify_count(),
        1,
        "the session was resumed"
    );
}

#[tokio::test]
async fn what_ran_when_the_gateway_was_killed_goes_on_with_a_visible_notice() {
    let server = Server::with(Discord::builder(), |prompt| {
        if prompt.text.starts_with("hang") && prompt.earlier.is_empty() {
            return vec![mpg_engine::ScriptStep::Hang];
        }
        script(prompt)
    })
    .await;
    let gateway = server.gateway().await;
    let message = server.say(server.one, "hang");
    server.sign(message, "👀").await;
    let thread = server
        .discord
        .wait_until(|world| world.thread_of(message))
        .await;
    server
        .discord
        .wait_for(|world| world.typing_count(thread) > 0)
        .await;
    gateway.kill().await;

    let gateway = server.gateway().await;
    let answers = server.answers(message, 1).await;
    assert!(
        answers[0].starts_with("*(resumed after an interruption)*"),
        "{answers:?}"
    );
    server.sign(message, "✅").await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn messages_posted_while_the_gateway_was_away_are_replayed_and_answered_once() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let first = server.say(server.one, "say first");
    server.answers(first, 1).await;
    server.sign(first, "✅").await;
    gateway.kill().await;
    server
        .discord
        .wait_for(|world| world.connection_count() == 0)
        .await;
    let missed = server.say(server.one, "say missed");
    let gateway = server.gateway().await;
    assert_eq!(server.answers(missed, 1).await, ["missed"]);
    server.sign(missed, "✅").await;
    assert_eq!(
        server.answers(first, 1).await,
        ["first"],
        "not answered again"
    );
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn commands_are_answered_where_they_are_given() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let message = server.say(server.one, "hang");
    server.sign(message, "👀").await;
    // The reply in the channel waits neither for the thread nor for the turn to be started.
    let thread = server
        .discord
        .wait_until(|world| world.thread_of(message))
        .await;
    server
        .discord
        .wait_for(|world| world.typing_count(thread) > 0)
        .await;
    server.say(server.one, "!sessions");
    server
        .discord
        .wait_for(|world| {
            let posts = world.bot_messages(server.one);
            posts.iter().any(|post| post.text().contains("working for"))
        })
        .await;
    server.discord.say_in_thread(thread, server.ann, "!kill");
    let answers = server.answers(message, 1).await;
    assert_eq!(answers, ["1 session ended; the next message starts afresh"]);
    server.sign(message, "⏹️").await;
    server.discord.say_in_thread(thread, server.ann, "recall");
    assert_eq!(
        server.answers(message, 2).await[1],
        "*(the agent ended its turn without a text)*",
        "the new session knows nothing"
    );
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn an_agent_that_fails_or_exits_is_said_in_the_thread() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    let failing = server.say(server.one, "fail no more credit");
    assert_eq!(
        server.answers(failing, 1).await,
        ["the agent failed: no more credit"]
    );
    server.sign(failing, "❌").await;
    let exiting = server.say(server.one, "exit");
    let answers = server.answers(exiting, 1).await;
    assert!(
        answers[0].starts_with("failed after 3 attempts:"),
        "{answers:?}"
    );
    server.sign(exiting, "❌").await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_that_is_gone_is_said_and_ends_only_that_turn() {
    let server = Server::start().await;
    let gateway = server.gateway().await;
    std::fs::remove_dir(server.root().join("one")).unwrap();
    let message = server.say(server.one, "hello");
    let answers = server.answers(message, 1).await;
    assert!(
        answers[0].starts_with("the agent could not be started:")
            && answers[0].ends_with("is not there"),
        "{answers:?}"
    );
    let other = server.say(server.two, "say fine");
    assert_eq!(server.answers(other, 1).await, ["fine"]);
    gateway.stop().await.unwrap();
}
