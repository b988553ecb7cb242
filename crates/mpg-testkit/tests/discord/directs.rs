//! Direct conversations.

use twilight_gateway::{Event, Intents};
use twilight_model::channel::ChannelType;

use crate::bot::{INTENTS, Scene, event, id, next, next_text};

#[tokio::test]
async fn what_is_said_directly_belongs_to_no_guild() {
    let scene = Scene::new().await;
    let direct = scene.discord.add_direct(scene.user);
    let intents = INTENTS | Intents::DIRECT_MESSAGES;
    let mut shard = scene.shard_with(scene.discord.token(), intents, None);
    next(&mut shard, event!(Event::GuildCreate(_) => ())).await;
    let said = scene.discord.say(direct, scene.user, "psst");
    let message = next(&mut shard, event!(Event::MessageCreate(message) => message)).await;
    assert_eq!(message.id, id(said));
    assert_eq!(message.content, "psst");
    assert_eq!(message.guild_id, None);
    assert!(message.member.is_none());
    let http = scene.http();
    let channel = http
        .channel(id(direct))
        .await
        .unwrap()
        .model()
        .await
        .unwrap();
    assert_eq!(channel.kind, ChannelType::Private);
    assert_eq!(channel.guild_id, None);
    assert_eq!(channel.recipients.unwrap()[0].id, id(scene.user));
}

#[tokio::test]
async fn without_their_intent_direct_messages_are_not_told() {
    let scene = Scene::new().await;
    let direct = scene.discord.add_direct(scene.user);
    let mut shard = scene.connected().await;
    scene.discord.say(direct, scene.user, "psst");
    scene.discord.say(scene.channel, scene.user, "aloud");
    assert_eq!(next_text(&mut shard).await, "aloud");
}
