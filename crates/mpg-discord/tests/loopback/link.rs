//! The connection: resumed, begun anew, refused.

use std::time::Duration;

use mpg_core::message::{Inbound, Link};
use mpg_discord::{ConnectError, Token, connect};
use mpg_testkit::discord::{Discord, GatewayFault, World};

use crate::subject::{Subject, place, settings, thread};

#[tokio::test]
async fn a_restart_resumes_at_the_stored_position() {
    let mut subject = Subject::start().await;
    let bot = subject.discord.bot();
    subject.say("stored");
    let (stored, position) = subject.message().await;
    assert_eq!(stored.text, "stored");
    subject.say("read, and not stored");
    subject.message().await;

    let stopped = subject.stop().await;
    stopped
        .discord
        .say(stopped.channel, stopped.person, &format!("<@{bot}> missed"));
    let mut subject = stopped.restart(Some(position)).await;
    let (first, _) = subject.message().await;
    let (second, _) = subject.message().await;
    assert_eq!(first.text, "read, and not stored");
    // The bot knows itself although no READY came.
    assert_eq!(second.text, "missed");
    assert_eq!(subject.link().await, Link::Resumed);
    assert_eq!(subject.discord.identify_count(), 1);
    assert_eq!(subject.discord.resume_count(), 1);
}

#[tokio::test]
async fn a_restart_without_a_position_begins_anew() {
    let subject = Subject::start().await;
    let mut subject = subject.stop().await.restart(None).await;
    assert_eq!(subject.link().await, Link::Connected);
    assert_eq!(subject.discord.identify_count(), 2);
}

#[tokio::test]
async fn a_position_of_something_else_begins_anew() {
    let subject = Subject::start().await;
    let position = mpg_core::id::Position::new("42");
    let mut subject = subject.stop().await.restart(Some(position)).await;
    assert_eq!(subject.link().await, Link::Connected);
}

#[tokio::test]
async fn threads_and_roles_are_looked_up_after_a_restart() {
    let mut subject = Subject::start().await;
    let role = subject.discord.add_role(subject.guild, "dev");
    subject
        .discord
        .give_role(subject.guild, subject.person, role);
    let root = subject.say("root");
    let (_, position) = subject.message().await;

    let stopped = subject.stop().await;
    let opened = stopped.discord.open_thread(root, stopped.person, "thread");
    let mut subject = stopped.restart(Some(position)).await;
    assert_eq!(subject.link().await, Link::Resumed);
    subject
        .discord
        .say_in_thread(opened, subject.person, "inside");
    let (inside, _) = subject.message().await;
    assert_eq!(inside.place, thread(subject.channel, opened));
    assert_eq!(inside.author.roles[0].name.as_deref(), Some("dev"));

    // A thread that was there before the session, of which the new process knows nothing.
    let (_, position) = {
        subject
            .discord
            .say_in_thread(opened, subject.person, "more");
        subject.message().await
    };
    let mut subject = subject.stop().await.restart(Some(position)).await;
    subject
        .discord
        .say_in_thread(opened, subject.person, "again");
    let (again, _) = subject.message().await;
    assert_eq!(again.place, thread(subject.channel, opened));
    assert_eq!(again.author.roles[0].name.as_deref(), Some("dev"));
}

#[tokio::test]
async fn a_lost_connection_is_resumed() {
    let mut subject = Subject::start().await;
    subject.say("before");
    subject.message().await;
    subject.discord.disconnect();
    subject.say("meanwhile");
    assert_eq!(subject.message().await.0.text, "meanwhile");
    assert_eq!(subject.link().await, Link::Resumed);
    assert_eq!(subject.discord.identify_count(), 1);
}

#[tokio::test]
async fn an_outage_is_told_once_and_its_end_too() {
    let mut subject = Subject::start().await;
    subject
        .discord
        .gateway_fault(GatewayFault::RefuseConnection, 1);
    subject.discord.disconnect();
    assert!(matches!(subject.link().await, Link::Degraded { .. }));
    assert_eq!(subject.link().await, Link::Resumed);
}

#[tokio::test]
async fn a_request_to_reconnect_is_followed() {
    let mut subject = Subject::start().await;
    subject.discord.request_reconnect();
    subject.say("meanwhile");
    assert_eq!(subject.message().await.0.text, "meanwhile");
    assert_eq!(subject.discord.identify_count(), 1);
}

#[tokio::test]
async fn an_invalid_session_begins_anew() {
    let mut subject = Subject::start().await;
    subject.say("stored");
    let (_, position) = subject.message().await;
    let stopped = subject.stop().await;
    stopped.discord.invalidate_sessions();
    let mut subject = stopped.restart(Some(position)).await;
    assert!(matches!(subject.link().await, Link::Degraded { .. }));
    assert_eq!(subject.link().await, Link::Connected);
    subject.say("after");
    assert_eq!(subject.message().await.0.text, "after");
    assert_eq!(subject.discord.resume_count(), 0);
    assert_eq!(subject.discord.identify_count(), 2);
}

#[tokio::test]
async fn a_server_that_closes_every_resume_is_not_hammered() {
    let mut subject = Subject::start().await;
    subject
        .discord
        .gateway_fault(GatewayFault::CloseOnResume(4000), 2);
    subject.discord.disconnect();
    assert!(matches!(subject.link().await, Link::Degraded { .. }));
    assert_eq!(subject.link().await, Link::Resumed);
    let attempts = subject.discord.look(World::resume_attempts);
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn a_resume_that_is_not_answered_is_given_up() {
    let mut subject = Subject::start().await;
    subject.say("stored");
    let (_, position) = subject.message().await;
    let stopped = subject.stop().await;
    stopped.discord.gateway_fault(GatewayFault::IgnoreResume, 1);
    let mut subject = stopped.restart(Some(position)).await;
    subject
        .discord
        .wait_for(|world| world.resume_attempts() == 1)
        .await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    assert!(matches!(subject.link().await, Link::Degraded { .. }));
    assert_eq!(subject.link().await, Link::Connected);
    assert_eq!(subject.discord.identify_count(), 2);
}

#[tokio::test]
async fn the_intent_that_is_off_is_named() {
    let mut subject = Subject::begin_on(Discord::builder().message_content_off()).await;
    let Link::Failed { reason } = subject.link().await else {
        panic!("the intent is off");
    };
    assert!(reason.contains("Message Content Intent"), "{reason}");
    assert!(reason.contains("Developer Portal"), "{reason}");
    assert!(subject.connection.inbox.next().await.is_none());
    assert_eq!(subject.discord.identify_count(), 0);
}

#[tokio::test]
async fn a_wrong_token_is_named_and_not_shown() {
    let discord = Discord::start().await;
    let guild = discord.add_guild("guild");
    let channel = discord.add_channel(guild, "dev");
    for ask in [false, true] {
        let mut settings = settings(&discord, channel);
        settings.token = Token::new("not-the-token");
        if ask {
            settings.gateway_url = None;
        }
        let mut connection = connect(settings, None).await.unwrap();
        let (inbound, _) = connection.inbox.next().await.unwrap();
        let Inbound::Link(Link::Failed { reason }) = inbound else {
            panic!("the token is wrong: {inbound:?}");
        };
        assert!(reason.contains("token is wrong"), "{reason}");
        assert!(!reason.contains("not-the-token"), "{reason}");
        assert!(connection.inbox.next().await.is_none());
    }
}

#[tokio::test]
async fn the_gateway_is_asked_for_where_it_is_not_set() {
    let discord = Discord::start().await;
    let guild = discord.add_guild("guild");
    let channel = discord.add_channel(guild, "dev");
    let mut settings = settings(&discord, channel);
    settings.gateway_url = None;
    let mut connection = connect(settings, None).await.unwrap();
    let (inbound, position) = connection.inbox.next().await.unwrap();
    assert_eq!(inbound, Inbound::Link(Link::Connected));
    assert!(position.is_some());
    let calls = discord.look(|world| world.call_count("GET", "/gateway/bot"));
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn undecodable_events_are_passed_over() {
    let mut subject = Subject::start().await;
    subject.discord.send_undecodable();
    subject.say("after");
    assert_eq!(subject.message().await.0.text, "after");
    assert_eq!(subject.discord.look(World::connection_count), 1);
}

#[tokio::test]
async fn a_full_queue_ends_the_connection_and_loses_nothing() {
    let mut subject = Subject::start().await;
    let count = 3000;
    for number in 0..count {
        subject.say(&number.to_string());
    }
    subject
        .discord
        .wait_for(|world| world.connection_count() == 0)
        .await;
    for number in 0..count {
        assert_eq!(subject.message().await.0.text, number.to_string());
    }
    assert_eq!(subject.discord.identify_count(), 1);
}

#[tokio::test]
async fn settings_that_cannot_be_right_are_refused() {
    let discord = Discord::start().await;
    let guild = discord.add_guild("guild");
    let channel = discord.add_channel(guild, "dev");
    let good = settings(&discord, channel);
    let mut api = good.clone();
    api.api_url = Some("discord.com".to_owned());
    let mut gateway = good.clone();
    gateway.gateway_url = Some("https://discord.com".to_owned());
    let mut token = good.clone();
    token.token = Token::new(" ");
    assert!(matches!(
        connect(api, None).await,
        Err(ConnectError::ApiUrl(_))
    ));
    assert!(matches!(
        connect(gateway, None).await,
        Err(ConnectError::GatewayUrl(_))
    ));
    assert!(matches!(
        connect(token, None).await,
        Err(ConnectError::Token)
    ));
}

#[tokio::test]
async fn dropping_the_inbox_ends_the_connection() {
    let subject = Subject::start().await;
    let outbox = subject.outbox();
    let channel = subject.channel;
    let stopped = subject.stop().await;
    // What goes out does not need it.
    outbox
        .post(&place(channel), &crate::subject::post(1, "still here"))
        .await
        .unwrap();
    let shown = stopped
        .discord
        .look(|world| world.bot_messages(channel).len());
    assert_eq!(shown, 1);
}
