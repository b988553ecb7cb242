//! Buttons and commands, and the answers to them.

use serde_json::json;
use twilight_gateway::Event;
use twilight_model::application::interaction::InteractionData;
use twilight_model::http::interaction::{
    InteractionResponse, InteractionResponseData, InteractionResponseType,
};

use crate::bot::{Scene, event, id, next, refusal};

#[tokio::test]
async fn a_button_is_answered_once() {
    let scene = Scene::new().await;
    let http = scene.http();
    let mut shard = scene.connected().await;
    let message = scene.discord.say_as_bot(scene.channel, "working");
    let pressed = scene.discord.press(message, scene.user, "stop");
    let interaction = next(
        &mut shard,
        event!(Event::InteractionCreate(interaction) => interaction),
    )
    .await;
    assert_eq!(interaction.id, id(pressed));
    assert_eq!(interaction.author_id(), Some(id(scene.user)));
    let answer = InteractionResponse {
        kind: InteractionResponseType::DeferredUpdateMessage,
        data: None,
    };
    let client = http.interaction(interaction.application_id);
    let respond = || client.create_response(interaction.id, &interaction.token, &answer);
    respond().await.unwrap();
    let again = respond().await.unwrap_err();
    assert_eq!(refusal(&again), (400, 40060));
    let kept = scene
        .discord
        .look(|world| world.interaction(pressed).cloned());
    assert_eq!(kept.unwrap().answer, Some(json!({"type": 6})));
}

#[tokio::test]
async fn a_button_can_change_its_message() {
    let scene = Scene::new().await;
    let http = scene.http();
    let mut shard = scene.connected().await;
    let message = scene.discord.say_as_bot(scene.channel, "working");
    scene.discord.press(message, scene.user, "stop");
    let interaction = next(&mut shard, event!(Event::InteractionCreate(found) => found)).await;
    let answer = InteractionResponse {
        kind: InteractionResponseType::UpdateMessage,
        data: Some(InteractionResponseData {
            content: Some("stopped".to_owned()),
            ..InteractionResponseData::default()
        }),
    };
    http.interaction(interaction.application_id)
        .create_response(interaction.id, &interaction.token, &answer)
        .await
        .unwrap();
    assert_eq!(scene.discord.bot_texts(scene.channel), ["stopped"]);
}

#[tokio::test]
async fn a_command_is_answered_later() {
    let scene = Scene::new().await;
    let http = scene.http();
    let mut shard = scene.connected().await;
    let client = http.interaction(id(scene.discord.bot()));
    client
        .create_guild_command(id(scene.guild))
        .chat_input("stop", "Stops.")
        .await
        .unwrap();
    scene
        .discord
        .command(scene.channel, scene.user, "stop", &json!([]));
    let interaction = next(&mut shard, event!(Event::InteractionCreate(found) => found)).await;
    let Some(InteractionData::ApplicationCommand(command)) = &interaction.data else {
        panic!("no command: {interaction:?}");
    };
    assert_eq!(command.name, "stop");
    let unknown = client
        .update_response(&interaction.token)
        .content(Some("x"));
    assert_eq!(refusal(&unknown.await.unwrap_err()), (404, 10015));
    let deferred = InteractionResponse {
        kind: InteractionResponseType::DeferredChannelMessageWithSource,
        data: None,
    };
    client
        .create_response(interaction.id, &interaction.token, &deferred)
        .await
        .unwrap();
    for text in ["stopping", "stopped"] {
        client
            .update_response(&interaction.token)
            .content(Some(text))
            .await
            .unwrap();
    }
    client
        .create_followup(&interaction.token)
        .content("more")
        .await
        .unwrap();
    let texts = scene.discord.bot_texts(scene.channel);
    assert_eq!(texts, ["stopped", "more"]);
}
