//! Posting, editing, reacting, reading back.

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use twilight_gateway::{Event, Message};
use twilight_http::request::channel::reaction::RequestReactionType;
use twilight_model::channel::message::MessageType;
use twilight_model::http::attachment::Attachment;

use crate::bot::{Scene, event, id, next, post, refusal};

#[tokio::test]
async fn an_answer_and_its_echo() {
    let scene = Scene::new().await;
    let http = scene.http();
    let mut shard = scene.connected().await;
    let said = scene.discord.say(scene.channel, scene.user, "question");
    let reply = http
        .create_message(id(scene.channel))
        .content("  answer\n")
        .reply(id(said))
        .nonce(7)
        .await
        .unwrap()
        .model()
        .await
        .unwrap();
    assert_eq!(reply.content, "answer");
    assert_eq!(reply.kind, MessageType::Reply);
    assert_eq!(reply.referenced_message.unwrap().content, "question");
    let echo = next(
        &mut shard,
        event!(Event::MessageCreate(message) if message.author.bot => message),
    )
    .await;
    assert_eq!(echo.id, reply.id);
    let stored = &scene.discord.messages(scene.channel)[1];
    assert_eq!(stored.nonce, Some(json!(7)));
    assert_eq!(stored.reference, Some(said));
}

#[tokio::test]
async fn the_echo_carries_the_nonce_and_history_does_not() {
    let scene = Scene::new().await;
    let http = scene.http();
    let mut shard = scene.connected().await;
    post(&http, scene.channel, "text", "delivery-1")
        .await
        .unwrap();
    let frame = loop {
        // The frame as it is: the client's model has no nonce.
        let Some(Ok(Message::Text(frame))) = shard.next().await else {
            panic!("the gateway has closed");
        };
        let frame: Value = serde_json::from_str(&frame).unwrap();
        if frame["t"] == "MESSAGE_CREATE" {
            break frame;
        }
    };
    assert_eq!(frame["d"]["nonce"], "delivery-1");
    let page = http.channel_messages(id(scene.channel)).await.unwrap();
    let page: Value = serde_json::from_slice(&page.bytes().await.unwrap()).unwrap();
    assert_eq!(page[0]["content"], "text");
    assert_eq!(page[0].get("nonce"), None);
}

#[tokio::test]
async fn a_nonce_posts_once() {
    let scene = Scene::new().await;
    let http = scene.http();
    let first = post(&http, scene.channel, "text", "n1").await.unwrap();
    let again = post(&http, scene.channel, "text", "n1").await.unwrap();
    let other = post(&http, scene.channel, "text", "n2").await.unwrap();
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert_eq!(scene.discord.bot_texts(scene.channel), ["text", "text"]);

    scene.discord.delete_message(first);
    let dead = post(&http, scene.channel, "text", "n1").await.unwrap_err();
    assert_eq!(refusal(&dead), (404, 10008));

    scene.discord.forget_nonces();
    let late = post(&http, scene.channel, "text", "n1").await.unwrap();
    assert!(late > other);
}

#[tokio::test]
async fn edits_keep_what_was_there() {
    let scene = Scene::new().await;
    let http = scene.http();
    let message = post(&http, scene.channel, "one", "n").await.unwrap();
    for text in ["two", "three"] {
        let edited = http
            .update_message(id(scene.channel), id(message))
            .content(Some(text))
            .await
            .unwrap()
            .model()
            .await
            .unwrap();
        assert_eq!(edited.content, text);
    }
    let stored = &scene.discord.messages(scene.channel)[0];
    assert_eq!(stored.earlier, ["one", "two"]);
    http.delete_message(id(scene.channel), id(message))
        .await
        .unwrap();
    assert!(scene.discord.messages(scene.channel).is_empty());
}

#[tokio::test]
async fn nobody_is_notified_whom_the_bot_does_not_mean() {
    let scene = Scene::new().await;
    let http = scene.http();
    let text = format!("<@{}> @everyone", scene.user);
    post(&http, scene.channel, &text, "n").await.unwrap();
    http.create_message(id(scene.channel))
        .content(&text)
        .await
        .unwrap();
    let messages = scene.discord.messages(scene.channel);
    assert!(messages[0].notified.is_empty());
    assert_eq!(messages[0].allowed_mentions, Some(json!({"parse": []})));
    assert!(messages[1].notified.contains(&scene.user));
    // The bot may not mention everyone, whatever it means.
    assert!(!messages[1].notified_everyone);
}

#[tokio::test]
async fn reactions_come_and_go() {
    let scene = Scene::new().await;
    let http = scene.http();
    let mut shard = scene.connected().await;
    let said = scene.discord.say(scene.channel, scene.user, "hi");
    let (channel, message) = (id(scene.channel), id(said));
    for name in ["👀", "✅"] {
        let sign = RequestReactionType::Unicode { name };
        http.create_reaction(channel, message, &sign).await.unwrap();
    }
    assert_eq!(scene.discord.reactions(said), ["👀", "✅"]);
    let eyes = RequestReactionType::Unicode { name: "👀" };
    http.delete_current_user_reaction(channel, message, &eyes)
        .await
        .unwrap();
    assert_eq!(scene.discord.reactions(said), ["✅"]);
    let removed = next(
        &mut shard,
        event!(Event::ReactionRemove(reaction) => reaction.message_id),
    )
    .await;
    assert_eq!(removed, message);
    let read = http.message(channel, message).await.unwrap();
    assert_eq!(read.model().await.unwrap().reactions.len(), 1);
}

#[tokio::test]
async fn history_is_paged_newest_first() {
    let scene = Scene::new().await;
    let http = scene.http();
    let said: Vec<_> = (0..7)
        .map(|n| scene.discord.say(scene.channel, scene.user, &n.to_string()))
        .collect();
    let channel = id(scene.channel);
    let texts = async |response: Result<
        twilight_http::Response<
            twilight_http::response::marker::ListBody<twilight_model::channel::Message>,
        >,
        twilight_http::Error,
    >| {
        let messages = response.unwrap().models().await.unwrap();
        let texts: Vec<String> = messages.into_iter().map(|found| found.content).collect();
        texts.concat()
    };
    let page = || http.channel_messages(channel);
    assert_eq!(texts(page().await).await, "6543210");
    assert_eq!(texts(page().limit(2).await).await, "65");
    assert_eq!(texts(page().after(id(said[1])).limit(3).await).await, "432");
    assert_eq!(texts(page().before(id(said[3])).limit(2).await).await, "21");
    assert_eq!(
        texts(page().around(id(said[3])).limit(3).await).await,
        "432"
    );
}

#[tokio::test]
async fn typing_and_files() {
    let scene = Scene::new().await;
    let http = scene.http();
    http.create_typing_trigger(id(scene.channel)).await.unwrap();
    assert_eq!(scene.discord.typing_count(scene.channel), 1);
    let file = Attachment::from_bytes("log.txt".to_owned(), b"contents".to_vec(), 1);
    let message = http
        .create_message(id(scene.channel))
        .attachments(&[file])
        .await
        .unwrap()
        .model()
        .await
        .unwrap();
    assert_eq!(message.attachments[0].filename, "log.txt");
    assert_eq!(message.attachments[0].size, 8);
    assert!(
        message.attachments[0]
            .url
            .starts_with(&scene.discord.origin())
    );
}

#[tokio::test]
async fn files_of_people_can_be_fetched_and_edits_keep_files() {
    let scene = Scene::new().await;
    let http = scene.http();
    let mut shard = scene.connected().await;
    let files: &[(&str, &[u8])] = &[("a.txt", b"one")];
    scene
        .discord
        .say_with_files(scene.channel, scene.user, "look", files);
    let message = next(&mut shard, event!(Event::MessageCreate(message) => message)).await;
    assert_eq!(message.attachments[0].size, 3);

    let file = |name: &str, id| Attachment::from_bytes(name.to_owned(), b"x".to_vec(), id);
    let channel = id(scene.channel);
    let first = [file("one.txt", 1)];
    let posted = http.create_message(channel).attachments(&first);
    let posted = posted.await.unwrap().model().await.unwrap();
    let kept = [posted.attachments[0].id];
    let second = [file("two.txt", 2)];
    let edited = http
        .update_message(channel, posted.id)
        .keep_attachment_ids(&kept)
        .attachments(&second);
    let edited = edited.await.unwrap().model().await.unwrap();
    let names: Vec<_> = edited
        .attachments
        .iter()
        .map(|file| &file.filename)
        .collect();
    assert_eq!(names, ["one.txt", "two.txt"]);
}
