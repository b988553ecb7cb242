//! Threads from messages, and what happens to them.

use mpg_testkit::discord::{Discord, Permission};
use twilight_gateway::Event;
use twilight_model::channel::ChannelType;
use twilight_model::channel::message::MessageType;
use twilight_model::channel::thread::AutoArchiveDuration;

use crate::bot::{Scene, event, id, next, next_text, post, refusal};

#[tokio::test]
async fn a_thread_has_the_id_of_its_message() {
    let scene = Scene::new().await;
    let http = scene.http();
    let mut shard = scene.connected().await;
    let said = scene.discord.say(scene.channel, scene.user, "work");
    let thread = http
        .create_thread_from_message(id(scene.channel), id(said), "a title")
        .auto_archive_duration(AutoArchiveDuration::Hour)
        .await
        .unwrap()
        .model()
        .await
        .unwrap();
    assert_eq!(thread.id, id(said));
    assert_eq!(thread.parent_id, Some(id(scene.channel)));
    assert_eq!(scene.discord.thread_of(said), Some(said));
    let created = next(&mut shard, event!(Event::ThreadCreate(thread) => thread)).await;
    assert_eq!(created.kind, ChannelType::PublicThread);
    assert_eq!(created.newly_created, Some(true));
    // A thread begins with a mark of Discord's own, which is no message of anybody.
    let mark = next(&mut shard, event!(Event::MessageCreate(message) => message)).await;
    // The message that the thread came from was read over with the rest.
    assert_eq!(mark.kind, MessageType::ThreadStarterMessage);
    assert!(scene.discord.messages(said).is_empty());

    scene
        .discord
        .say_in_thread(said, scene.user, "in the thread");
    assert_eq!(next_text(&mut shard).await, "in the thread");
    post(&http, said, "answer", "n").await.unwrap();
    assert_eq!(scene.discord.bot_texts(said), ["answer"]);

    let again = http
        .create_thread_from_message(id(scene.channel), id(said), "again")
        .await
        .unwrap_err();
    assert_eq!(refusal(&again), (400, 160_004));

    scene.discord.rename(said, "renamed");
    let renamed = next(
        &mut shard,
        event!(Event::ThreadUpdate(thread) => thread.name.clone().unwrap()),
    )
    .await;
    assert_eq!(renamed, "renamed");
    scene.discord.delete_thread(said);
    let deleted = next(&mut shard, event!(Event::ThreadDelete(thread) => thread.id)).await;
    assert_eq!(deleted, id(said));
    let gone = post(&http, said, "late", "n2").await.unwrap_err();
    assert_eq!(refusal(&gone), (404, 10003));
}

#[tokio::test]
async fn threads_can_be_forbidden() {
    let scene = Scene::with(Discord::builder().threads_forbidden()).await;
    let http = scene.http();
    let said = scene.discord.say(scene.channel, scene.user, "work");
    let refused = http
        .create_thread_from_message(id(scene.channel), id(said), "a title")
        .await
        .unwrap_err();
    assert_eq!(refusal(&refused), (403, 50013));
}

#[tokio::test]
async fn archived_threads_are_listed_and_come_back() {
    let scene = Scene::new().await;
    let http = scene.http();
    let said: Vec<_> = ["one", "two", "three"]
        .iter()
        .map(|text| scene.discord.say(scene.channel, scene.user, text))
        .collect();
    for message in &said {
        scene.discord.open_thread(*message, scene.user, "thread");
    }
    scene.discord.archive_thread(said[0]);
    scene.discord.archive_thread(said[1]);
    let active = http.active_threads(id(scene.guild)).await.unwrap();
    let active = active.model().await.unwrap().threads;
    assert_eq!(active.len(), 1);
    assert_eq!(active[0].id, id(said[2]));
    let page = http
        .public_archived_threads(id(scene.channel))
        .limit(1)
        .await
        .unwrap()
        .model()
        .await
        .unwrap();
    assert_eq!(page.threads[0].id, id(said[1]));
    assert_eq!(page.has_more, Some(true));

    post(&http, said[0], "back", "n").await.unwrap();
    let active = scene.discord.look(|world| {
        let thread = world.channel(said[0]).unwrap();
        !thread.thread.as_ref().unwrap().archived
    });
    assert!(active);
}

#[tokio::test]
async fn a_locked_thread_takes_no_messages() {
    let scene = Scene::new().await;
    let http = scene.http();
    let said = scene.discord.say(scene.channel, scene.user, "work");
    let thread = scene.discord.open_thread(said, scene.user, "thread");
    scene.discord.lock_thread(thread);
    let locked = post(&http, thread, "no", "n").await.unwrap_err();
    assert_eq!(refusal(&locked), (403, 160_005));
    scene.discord.archive_thread(thread);
    let archived = post(&http, thread, "no", "n").await.unwrap_err();
    assert_eq!(refusal(&archived), (400, 50083));
}

#[tokio::test]
async fn a_bot_changes_its_own_threads_only() {
    let scene = Scene::new().await;
    let http = scene.http();
    let mine = scene.discord.say(scene.channel, scene.user, "mine");
    http.create_thread_from_message(id(scene.channel), id(mine), "mine")
        .await
        .unwrap();
    let theirs = scene.discord.say(scene.channel, scene.user, "theirs");
    scene.discord.open_thread(theirs, scene.user, "theirs");
    let renamed = http.update_thread(id(mine)).name("new").archived(true);
    let renamed = renamed.await.unwrap().model().await.unwrap();
    assert_eq!(renamed.name.as_deref(), Some("new"));
    let refused = http.update_thread(id(theirs)).name("new").await;
    assert_eq!(refusal(&refused.unwrap_err()), (403, 50013));
    scene
        .discord
        .deny_permission(scene.channel, Permission::ViewChannel);
    let hidden = http.channel(id(theirs)).await.unwrap_err();
    assert_eq!(refusal(&hidden), (403, 50001));
}
