//! Sessions: beginning, going on, losing them.

use std::time::Duration;

use mpg_testkit::discord::{Discord, GatewayFault, Permission, World};
use serde_json::json;
use twilight_gateway::{
    CloseFrame, Event, EventTypeFlags, Intents, Session, ShardState, StreamExt as _,
};

use crate::bot::{INTENTS, Scene, event, id, next, next_text};

#[tokio::test]
async fn identify_tells_the_guild() {
    let scene = Scene::new().await;
    let discord = &scene.discord;
    let role = discord.add_role(scene.guild, "dev");
    let root = discord.say(scene.channel, scene.user, "before");
    let thread = discord.open_thread(root, scene.user, "a thread");
    let archived = discord.say(scene.channel, scene.user, "more");
    discord.open_thread(archived, scene.user, "archived");
    discord.archive_thread(archived);

    let mut shard = scene.shard();
    let ready = next(&mut shard, event!(Event::Ready(ready) => ready)).await;
    assert_eq!(ready.user.id, id(discord.bot()));
    assert_eq!(ready.resume_gateway_url, discord.gateway_url());
    let guild = next(&mut shard, event!(Event::GuildCreate(guild) => *guild)).await;
    let twilight_model::gateway::payload::incoming::GuildCreate::Available(guild) = guild else {
        panic!("the guild is unavailable");
    };
    assert_eq!(guild.channels[0].name.as_deref(), Some("general"));
    assert_eq!(guild.channels[0].last_message_id, Some(id(archived)));
    assert!(guild.roles.iter().any(|found| found.id == id(role)));
    let threads: Vec<_> = guild.threads.iter().map(|thread| thread.id).collect();
    assert_eq!(threads, [id(thread)]);
    assert_eq!(discord.identify_count(), 1);
}

#[tokio::test]
async fn messages_carry_author_roles_and_text() {
    let scene = Scene::new().await;
    let role = scene.discord.add_role(scene.guild, "dev");
    scene.discord.give_role(scene.guild, scene.user, role);
    let mut shard = scene.connected().await;
    let said = scene.discord.say(scene.channel, scene.user, "hello");
    let message = next(&mut shard, event!(Event::MessageCreate(message) => message)).await;
    assert_eq!(message.id, id(said));
    assert_eq!(message.content, "hello");
    assert_eq!(message.guild_id, Some(id(scene.guild)));
    assert_eq!(message.author.name, "alice");
    assert_eq!(message.member.as_ref().unwrap().roles, [id(role)]);

    scene.discord.edit(said, "hello again");
    let updated = next(&mut shard, event!(Event::MessageUpdate(message) => message)).await;
    assert_eq!(updated.content, "hello again");
    assert!(updated.edited_timestamp.is_some());

    scene.discord.delete_message(said);
    let deleted = next(
        &mut shard,
        event!(Event::MessageDelete(message) => message.id),
    )
    .await;
    assert_eq!(deleted, id(said));
}

#[tokio::test]
async fn without_the_intent_only_own_texts_and_mentions_are_read() {
    let scene = Scene::new().await;
    let intents = INTENTS.difference(Intents::MESSAGE_CONTENT);
    let mut shard = scene.shard_with(scene.discord.token(), intents, None);
    next(&mut shard, event!(Event::GuildCreate(_) => ())).await;
    let mention = format!("<@{}> hi", scene.discord.bot());
    scene.discord.say(scene.channel, scene.user, "hidden");
    scene.discord.say(scene.channel, scene.user, &mention);
    scene.discord.say_as_bot(scene.channel, "mine");
    assert_eq!(next_text(&mut shard).await, "");
    assert_eq!(next_text(&mut shard).await, mention);
    assert_eq!(next_text(&mut shard).await, "mine");
}

#[tokio::test]
async fn a_channel_out_of_sight_is_silent() {
    let scene = Scene::new().await;
    let open = scene.discord.add_channel(scene.guild, "open");
    let mut shard = scene.connected().await;
    scene
        .discord
        .deny_permission(scene.channel, Permission::ViewChannel);
    scene.discord.say(scene.channel, scene.user, "hidden");
    scene.discord.say(open, scene.user, "seen");
    assert_eq!(next_text(&mut shard).await, "seen");
}

#[tokio::test]
async fn a_broken_connection_is_resumed_with_what_was_missed() {
    let scene = Scene::new().await;
    let mut shard = scene.connected().await;
    scene.discord.disconnect();
    scene.discord.say(scene.channel, scene.user, "one");
    scene.discord.say(scene.channel, scene.user, "two");
    assert_eq!(next_text(&mut shard).await, "one");
    assert_eq!(next_text(&mut shard).await, "two");
    next(&mut shard, event!(Event::Resumed => ())).await;
    assert_eq!(scene.discord.identify_count(), 1);
    assert_eq!(scene.discord.resume_count(), 1);
}

#[tokio::test]
async fn a_session_outlives_the_process() {
    let scene = Scene::new().await;
    let mut shard = scene.connected().await;
    let session = shard.session().cloned().unwrap();
    shard.close(CloseFrame::RESUME);
    next(&mut shard, event!(Event::GatewayClose(_) => ())).await;
    drop(shard);
    scene
        .discord
        .wait_for(|world| world.connection_count() == 0)
        .await;
    scene.discord.say(scene.channel, scene.user, "meanwhile");
    let mut shard = scene.shard_with(scene.discord.token(), INTENTS, Some(session));
    assert_eq!(next_text(&mut shard).await, "meanwhile");
    assert_eq!(scene.discord.identify_count(), 1);
}

#[tokio::test]
async fn a_client_that_says_goodbye_loses_its_session() {
    let scene = Scene::new().await;
    let mut shard = scene.connected().await;
    let session = shard.session().cloned().unwrap();
    shard.close(CloseFrame::NORMAL);
    next(&mut shard, event!(Event::GatewayClose(_) => ())).await;
    drop(shard);
    scene
        .discord
        .wait_for(|world| world.connection_count() == 0)
        .await;
    let mut shard = scene.shard_with(scene.discord.token(), INTENTS, Some(session));
    next(&mut shard, event!(Event::Ready(_) => ())).await;
    assert_eq!(scene.discord.identify_count(), 2);
    assert_eq!(scene.discord.resume_count(), 0);
}

#[tokio::test]
async fn an_invalid_session_is_begun_anew() {
    let scene = Scene::new().await;
    let mut shard = scene.connected().await;
    scene.discord.invalidate_sessions();
    next(
        &mut shard,
        event!(Event::GatewayInvalidateSession(false) => ()),
    )
    .await;
    next(&mut shard, event!(Event::GuildCreate(_) => ())).await;
    scene.discord.say(scene.channel, scene.user, "after");
    assert_eq!(next_text(&mut shard).await, "after");
    assert_eq!(scene.discord.identify_count(), 2);
}

#[tokio::test]
async fn a_reconnect_on_request_resumes() {
    let scene = Scene::new().await;
    let mut shard = scene.connected().await;
    scene.discord.request_reconnect();
    next(&mut shard, event!(Event::Resumed => ())).await;
    assert_eq!(scene.discord.resume_count(), 1);
}

#[tokio::test]
async fn fatal_codes_end_the_stream() {
    let scene = Scene::with(Discord::builder().message_content_off()).await;
    let privileged = scene.shard();
    let wrong = scene.shard_with("wrong", INTENTS, None);
    for (mut shard, code) in [(privileged, 4014), (wrong, 4004)] {
        let mut seen = None;
        while let Some(item) = shard.next_event(EventTypeFlags::all()).await {
            if let Ok(Event::GatewayClose(frame)) = item {
                seen = frame.map(|frame| frame.code);
            }
        }
        assert_eq!(seen, Some(code));
        assert_eq!(shard.state(), ShardState::FatallyClosed);
    }
    assert_eq!(scene.discord.identify_count(), 0);
}

#[tokio::test]
async fn a_dispatch_can_come_twice() {
    let scene = Scene::new().await;
    let mut shard = scene.connected().await;
    let first = scene.discord.say(scene.channel, scene.user, "first");
    scene.discord.duplicate_dispatch();
    scene.discord.say(scene.channel, scene.user, "second");
    scene.discord.send_undecodable();
    scene.discord.replay(first);
    for expected in ["first", "first", "second", "first"] {
        assert_eq!(next_text(&mut shard).await, expected);
    }
}

#[tokio::test]
async fn a_resume_can_be_closed_and_ignored() {
    let scene = Scene::new().await;
    let mut shard = scene.connected().await;
    scene
        .discord
        .gateway_fault(GatewayFault::CloseOnResume(4000), 2);
    scene.discord.close_gateway(4000);
    next(&mut shard, event!(Event::Resumed => ())).await;
    assert_eq!(scene.discord.look(World::resume_attempts), 3);
    assert_eq!(scene.discord.resume_count(), 1);

    scene.discord.gateway_fault(GatewayFault::IgnoreResume, 1);
    scene.discord.disconnect();
    let attempted = async {
        scene
            .discord
            .wait_for(|world| world.resume_attempts() == 4)
            .await;
    };
    tokio::select! {
        () = attempted => {}
        () = next(&mut shard, event!(Event::Resumed => ())) => {
            panic!("the resume was answered");
        }
    }
    assert_eq!(scene.discord.resume_count(), 1);
}

#[tokio::test]
async fn several_bots_hear_the_same() {
    let scene = Scene::new().await;
    let mut one = scene.connected().await;
    let mut two = scene.connected().await;
    scene.discord.say(scene.channel, scene.user, "both");
    assert_eq!(next_text(&mut one).await, "both");
    assert_eq!(next_text(&mut two).await, "both");
}

#[tokio::test]
async fn dropping_the_server_ends_its_connections() {
    let scene = Scene::new().await;
    let mut shard = scene.connected().await;
    drop(scene);
    // An end of the stream without a close frame is told as code 1006 or as an error.
    let item = shard.next_event(EventTypeFlags::all()).await;
    assert!(
        matches!(item, Some(Err(_) | Ok(Event::GatewayClose(_)))),
        "{item:?}"
    );
}

#[tokio::test]
async fn silence_after_heartbeats_makes_a_client_resume() {
    let interval = Duration::from_millis(20);
    let scene = Scene::with(Discord::builder().heartbeat_interval(interval)).await;
    let mut shard = scene.connected().await;
    scene
        .discord
        .gateway_fault(GatewayFault::WithholdAck, 1_000_000);
    let resumed = async {
        scene
            .discord
            .wait_for(|world| world.resume_count() > 0)
            .await;
        scene.discord.clear_faults();
    };
    tokio::join!(resumed, next(&mut shard, event!(Event::Resumed => ())));
}

#[tokio::test]
async fn a_refused_connection_is_tried_again() {
    let scene = Scene::new().await;
    scene
        .discord
        .gateway_fault(GatewayFault::RefuseConnection, 1);
    let mut shard = scene.connected().await;
    scene.discord.say(scene.channel, scene.user, "after");
    assert_eq!(next_text(&mut shard).await, "after");
}

#[tokio::test]
async fn frames_that_make_no_sense_are_closed_with_their_code() {
    let scene = Scene::new().await;
    for (frame, code) in [
        (json!({"op": 99}).to_string(), 4001),
        ("no JSON".to_owned(), 4002),
        (json!({"op": "one"}).to_string(), 4002),
        (json!({"op": 2, "d": {}}).to_string(), 4005),
    ] {
        let mut shard = scene.connected().await;
        shard.send(frame);
        let closed = next(&mut shard, event!(Event::GatewayClose(frame) => frame)).await;
        assert_eq!(closed.map(|frame| frame.code), Some(code));
    }
}

#[tokio::test]
async fn a_deleted_channel_takes_its_threads_along() {
    let scene = Scene::new().await;
    let root = scene.discord.say(scene.channel, scene.user, "root");
    let thread = scene.discord.open_thread(root, scene.user, "thread");
    let mut shard = scene.connected().await;
    scene.discord.delete_channel(scene.channel);
    let deleted = next(
        &mut shard,
        event!(Event::ChannelDelete(channel) => channel.id),
    )
    .await;
    assert_eq!(deleted, id(scene.channel));
    assert!(scene.discord.look(|world| world.channel(thread).is_none()));
}

#[tokio::test]
async fn a_sequence_from_the_future_and_an_unknown_session_cannot_be_resumed() {
    let scene = Scene::new().await;
    let shard = scene.connected().await;
    let known = shard.session().unwrap().id().to_owned();
    drop(shard);
    let mut future = scene.shard_with(
        scene.discord.token(),
        INTENTS,
        Some(Session::new(1_000_000, known)),
    );
    let closed = next(&mut future, event!(Event::GatewayClose(frame) => frame)).await;
    assert_eq!(closed.map(|frame| frame.code), Some(4007));
    let mut unknown = scene.shard_with(
        scene.discord.token(),
        INTENTS,
        Some(Session::new(1, "unknown".to_owned())),
    );
    next(
        &mut unknown,
        event!(Event::GatewayInvalidateSession(false) => ()),
    )
    .await;
    assert_eq!(scene.discord.resume_count(), 0);
}
