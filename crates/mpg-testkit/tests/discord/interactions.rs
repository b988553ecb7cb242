//! Buttons and commands, and the answers to them.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where it fails, in its helpers too"
)]

use std::time::Duration;

use mpg_testkit::discord::{Discord, Snowflake};
use serde_json::{Value, json};
use twilight_gateway::Event;
use twilight_http::request::Request;
use twilight_http::routing::Route;
use twilight_model::application::command::{CommandOptionChoice, CommandOptionChoiceValue};
use twilight_model::application::interaction::InteractionData;
use twilight_model::channel::message::MessageFlags;
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

/// A bot with a declared command, whose REST is used without a client of Discord's.
struct Raw {
    scene: Scene,
    http: twilight_http::Client,
}

impl Raw {
    async fn new(deadline: Duration) -> Self {
        let scene = Scene::with(Discord::builder().interaction_deadline(deadline)).await;
        let http = scene.http();
        let application = http.interaction(id(scene.discord.bot()));
        application
            .create_global_command()
            .chat_input("stop", "Stops.")
            .await
            .unwrap();
        Self { scene, http }
    }

    fn used(&self) -> (Snowflake, String) {
        let Scene {
            discord,
            channel,
            user,
            ..
        } = &self.scene;
        let used = discord.command(*channel, *user, "stop", &json!([]));
        let token = discord.look(|world| world.interaction(used).unwrap().token.clone());
        (used, token)
    }

    async fn answer(
        &self,
        (used, token): &(Snowflake, String),
        kind: InteractionResponseType,
        hidden: bool,
    ) -> Result<(), (u16, u64)> {
        let answer = InteractionResponse {
            kind,
            data: hidden.then(|| InteractionResponseData {
                flags: Some(MessageFlags::EPHEMERAL),
                ..InteractionResponseData::default()
            }),
        };
        let client = self.http.interaction(id(self.scene.discord.bot()));
        let answered = client.create_response(id(*used), token, &answer).await;
        answered.map(drop).map_err(|error| refusal(&error))
    }

    /// Declares one command, and tells the status that was answered.
    async fn declare(&self, form: &Value) -> u16 {
        let route = Route::SetGlobalCommands {
            application_id: self.scene.discord.bot().get(),
        };
        let body = serde_json::to_vec(&json!([form])).unwrap();
        let request = Request::builder(&route).body(body).build().unwrap();
        match self.http.request::<Vec<Value>>(request).await {
            Ok(answer) => answer.status().get(),
            Err(error) => refusal(&error).0,
        }
    }

    async fn edit(&self, (_, token): &(Snowflake, String), text: &str) -> Result<(), (u16, u64)> {
        let client = self.http.interaction(id(self.scene.discord.bot()));
        let edited = client.update_response(token).content(Some(text)).await;
        edited.map(drop).map_err(|error| refusal(&error))
    }
}

const DEFERRED: InteractionResponseType = InteractionResponseType::DeferredChannelMessageWithSource;

#[tokio::test]
async fn a_deferred_answer_is_seen_by_those_it_was_announced_to() {
    let raw = Raw::new(Duration::from_mins(5)).await;
    let discord = &raw.scene.discord;
    for (hidden, public, private) in [
        (false, Some("done".to_owned()), vec![]),
        (true, None, vec!["done".to_owned()]),
    ] {
        let used = raw.used();
        raw.answer(&used, DEFERRED, hidden).await.unwrap();
        assert_eq!(discord.public_reply(used.0), None);
        assert_eq!(discord.private_replies(used.0), [""; 0]);
        raw.edit(&used, "done").await.unwrap();
        assert_eq!(discord.public_reply(used.0), public);
        assert_eq!(discord.private_replies(used.0), private);
    }
    assert_eq!(discord.bot_texts(raw.scene.channel), ["done"]);
}

#[tokio::test]
async fn what_comes_too_late_is_refused() {
    let raw = Raw::new(Duration::ZERO).await;
    let late = raw.answer(&raw.used(), DEFERRED, false).await;
    assert_eq!(late, Err((404, 10062)));
    let raw = Raw::new(Duration::from_mins(5)).await;
    let used = raw.used();
    raw.answer(&used, DEFERRED, false).await.unwrap();
    raw.scene.discord.expire_interactions();
    assert_eq!(raw.edit(&used, "late").await, Err((401, 50027)));
}

#[tokio::test]
async fn only_what_is_typed_is_completed() {
    let raw = Raw::new(Duration::from_mins(5)).await;
    let completion = InteractionResponseType::ApplicationCommandAutocompleteResult;
    let used = raw.used();
    let wrong = raw.answer(&used, completion, false).await;
    assert_eq!(wrong, Err((400, 50035)));
    let Scene {
        discord,
        channel,
        user,
        ..
    } = &raw.scene;
    let typing = discord.complete(*channel, *user, "stop", &json!([]));
    let token = discord.look(|world| world.interaction(typing).unwrap().token.clone());
    let typing = (typing, token);
    let wrong = raw.answer(&typing, DEFERRED, false).await;
    assert_eq!(wrong, Err((400, 50035)));
    for (count, expected) in [(26, Err((400, 50035))), (25, Ok(()))] {
        let choice = |number: usize| CommandOptionChoice {
            name: number.to_string(),
            name_localizations: None,
            value: CommandOptionChoiceValue::String(number.to_string()),
        };
        let answer = InteractionResponse {
            kind: completion,
            data: Some(InteractionResponseData {
                choices: Some((0..count).map(choice).collect()),
                ..InteractionResponseData::default()
            }),
        };
        let client = raw.http.interaction(id(discord.bot()));
        let answered = client.create_response(id(typing.0), &typing.1, &answer);
        let answered = answered.await.map(drop).map_err(|error| refusal(&error));
        assert_eq!(answered, expected, "{count} choices");
    }
    assert_eq!(discord.choices(typing.0).unwrap().len(), 25);
}

/// A change of a form.
type Change = fn(&mut Value);

#[tokio::test]
async fn commands_of_a_wrong_form_are_refused() {
    let raw = Raw::new(Duration::from_mins(5)).await;
    let good = json!({
        "name": "kill",
        "description": "Ends.",
        "options": [
            {"name": "agent", "description": "Who.", "type": 3, "required": true},
            {"name": "project", "description": "Which.", "type": 3, "autocomplete": true},
        ],
    });
    let changes: [(&str, Change); 9] = [
        ("name", |form| form["name"] = "Kill".into()),
        ("name", |form| form["name"] = "a b".into()),
        ("description", |form| {
            form["description"] = "x".repeat(101).into();
        }),
        ("description", |form| form["description"] = "".into()),
        ("option", |form| form["options"][0]["name"] = "A".into()),
        ("order", |form| {
            form["options"][0]["required"] = false.into();
        }),
        ("twice", |form| form["options"][1]["name"] = "agent".into()),
        ("type", |form| form["options"][1]["type"] = 99.into()),
        ("choices", |form| {
            form["options"][0]["choices"] = (0..26)
                .map(|number: u8| json!({"name": number.to_string(), "value": "x"}))
                .collect();
        }),
    ];
    assert_eq!(raw.declare(&good).await, 200);
    for (what, change) in changes {
        let mut form = good.clone();
        change(&mut form);
        if what == "order" {
            form["options"][1]["required"] = true.into();
        }
        assert_eq!(raw.declare(&form).await, 400, "{what}");
    }
}
