//! Each refusal with its status and code.

use mpg_testkit::discord::{Discord, Permission, Snowflake};
use serde_json::{Value, json};
use twilight_http::request::channel::reaction::RequestReactionType;
use twilight_http::response::StatusCode;

use crate::bot::{Scene, id, post, refusal};

/// Posts a body as it is.
async fn posted(scene: &Scene, body: Value) -> Result<(), (u16, u64)> {
    let body = serde_json::to_vec(&body).expect("JSON is serialisable");
    let http = scene.http();
    let posted = http
        .create_message(id(scene.channel))
        .payload_json(&body)
        .await;
    posted.map(drop).map_err(|error| refusal(&error))
}

#[tokio::test]
async fn forms_are_checked_in_code_points() {
    let scene = Scene::new().await;
    let button = |action: &str| {
        json!([{"type": 1, "components": [
            {"type": 2, "style": 1, "label": "Stop", "custom_id": action},
        ]}])
    };
    let bad = Err((400, 50035));
    for (body, expected) in [
        (json!({"content": "é".repeat(2000)}), Ok(())),
        (json!({"content": "𝄞".repeat(2000)}), Ok(())),
        (json!({"content": "a".repeat(2001)}), bad),
        (json!({"content": 7}), bad),
        (json!({"content": ""}), Err((400, 50006))),
        (json!({"content": " \n "}), Err((400, 50006))),
        (json!({}), Err((400, 50006))),
        (json!({"content": "a", "nonce": "n".repeat(25)}), Ok(())),
        (json!({"content": "a", "nonce": "n".repeat(26)}), bad),
        (json!({"content": "a", "nonce": true}), bad),
        (
            json!({"embeds": [{"description": "d".repeat(4096)}]}),
            Ok(()),
        ),
        (json!({"embeds": [{"description": "d".repeat(4097)}]}), bad),
        (
            json!({"embeds": [{"description": format!(" {}\n", "d".repeat(4096))}]}),
            Ok(()),
        ),
        (
            json!({"embeds": [{"description": "d", "color": 0x00ff_ffff}]}),
            Ok(()),
        ),
        (
            json!({"embeds": [{"description": "d", "color": 0x0100_0000}]}),
            bad,
        ),
        (json!({"embeds": [{"description": "d", "color": -1}]}), bad),
        (
            json!({"embeds": [{"description": "d", "author": {"name": " "}}]}),
            bad,
        ),
        (
            json!({"embeds": vec![json!({"description": "d".repeat(3001)}); 2]}),
            bad,
        ),
        (json!({"embeds": vec![json!({"title": "t"}); 11]}), bad),
        (
            json!({"content": "a", "components": button("stop")}),
            Ok(()),
        ),
        (
            json!({"content": "a", "components": button(&"x".repeat(101))}),
            bad,
        ),
        (
            json!({"content": "a", "allowed_mentions": {"parse": ["people"]}}),
            bad,
        ),
        (
            json!({"content": "a", "message_reference": {"message_id": "1"}}),
            bad,
        ),
        (
            json!({"content": "a", "message_reference": {
                "message_id": "1", "fail_if_not_exists": false,
            }}),
            Ok(()),
        ),
    ] {
        let shown = body.to_string().chars().take(120).collect::<String>();
        assert_eq!(posted(&scene, body).await, expected, "{shown}");
    }
}

/// A message with these components.
fn rows(rows: &[Value]) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| json!({"type": 1, "components": row}))
        .collect();
    json!({"content": "a", "components": rows})
}

#[tokio::test]
async fn components_are_checked() {
    let scene = Scene::new().await;
    let button = |number: usize, label: &str| json!({"type": 2, "style": 1, "label": label, "custom_id": number.to_string()});
    let menu = |options: usize, most: usize| {
        let options: Vec<Value> = (0..options)
            .map(|number| json!({"label": "l", "value": number.to_string()}))
            .collect();
        json!({"type": 3, "custom_id": "menu", "options": options, "max_values": most})
    };
    let row = |from: usize, count: usize| -> Value {
        (from..from + count)
            .map(|number| button(number, "b"))
            .collect()
    };
    let full: Vec<Value> = (0..5).map(|number| row(number * 5, 5)).collect();
    let bad = Err((400, 50035));
    for (body, expected) in [
        (rows(&full), Ok(())),
        (rows(&[full.as_slice(), &[row(90, 1)]].concat()), bad),
        (rows(&[row(0, 6)]), bad),
        (rows(&[json!([])]), bad),
        (rows(&[row(0, 1), row(0, 1)]), bad),
        (rows(&[json!([button(0, &"l".repeat(80))])]), Ok(())),
        (rows(&[json!([button(0, &"l".repeat(81))])]), bad),
        (rows(&[json!([button(0, " ")])]), bad),
        (rows(&[json!([{"type": 2, "style": 1, "label": "b"}])]), bad),
        (
            rows(&[json!([{"type": 2, "style": 9, "label": "b", "custom_id": "c"}])]),
            bad,
        ),
        (rows(&[json!([menu(25, 25)])]), Ok(())),
        (rows(&[json!([menu(26, 1)])]), bad),
        (rows(&[json!([menu(0, 1)])]), bad),
        (rows(&[json!([menu(2, 3)])]), bad),
        (rows(&[json!([menu(2, 1), button(0, "b")])]), bad),
        (json!({"content": "a", "components": [button(0, "b")]}), bad),
    ] {
        let shown = body.to_string().chars().take(200).collect::<String>();
        assert_eq!(posted(&scene, body).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn what_is_not_there() {
    let scene = Scene::new().await;
    let http = scene.http();
    let nowhere = Snowflake(1);
    let channel = id(scene.channel);
    let unknown = post(&http, nowhere, "a", "n").await.unwrap_err();
    assert_eq!(refusal(&unknown), (404, 10003));
    let unknown = http.message(channel, id(nowhere)).await.unwrap_err();
    assert_eq!(refusal(&unknown), (404, 10008));
    let unknown = http.update_message(channel, id(nowhere)).content(Some("a"));
    assert_eq!(refusal(&unknown.await.unwrap_err()), (404, 10008));
    let unknown = http.create_thread_from_message(channel, id(nowhere), "a");
    assert_eq!(refusal(&unknown.await.unwrap_err()), (404, 10008));
    let eyes = RequestReactionType::Unicode { name: "👀" };
    let unknown = http.create_reaction(channel, id(nowhere), &eyes).await;
    assert_eq!(refusal(&unknown.unwrap_err()), (404, 10008));
    let said = scene.discord.say(scene.channel, scene.user, "hi");
    let word = RequestReactionType::Unicode { name: "eyes" };
    let unknown = http.create_reaction(channel, id(said), &word).await;
    assert_eq!(refusal(&unknown.unwrap_err()), (400, 10014));
    let unknown = http.guild_channels(id(nowhere)).await.unwrap_err();
    assert_eq!(refusal(&unknown), (404, 10004));
}

#[tokio::test]
async fn what_the_bot_may_not() {
    let scene = Scene::new().await;
    let http = scene.http();
    let channel = id(scene.channel);
    let said = scene.discord.say(scene.channel, scene.user, "hi");
    let others = http.update_message(channel, id(said)).content(Some("a"));
    assert_eq!(refusal(&others.await.unwrap_err()), (403, 50005));
    let others = http.delete_message(channel, id(said)).await.unwrap_err();
    assert_eq!(refusal(&others), (403, 50013));
    let eyes = RequestReactionType::Unicode { name: "👀" };
    for (permission, code) in [
        (Permission::AddReactions, 50013),
        (Permission::ViewChannel, 50001),
    ] {
        scene.discord.deny_permission(scene.channel, permission);
        let refused = http.create_reaction(channel, id(said), &eyes).await;
        assert_eq!(refusal(&refused.unwrap_err()), (403, code));
        scene.discord.allow_permission(scene.channel, permission);
    }
    scene
        .discord
        .deny_permission(scene.channel, Permission::SendMessages);
    let refused = post(&http, scene.channel, "a", "n").await.unwrap_err();
    assert_eq!(refusal(&refused), (403, 50013));
    let typing = http.create_typing_trigger(channel).await.unwrap_err();
    assert_eq!(refusal(&typing), (403, 50013));
    scene
        .discord
        .deny_permission(scene.channel, Permission::ReadMessageHistory);
    let page = http.channel_messages(channel).await.unwrap();
    assert!(page.models().await.unwrap().is_empty());
}

#[tokio::test]
async fn titles_are_between_1_and_100_code_points() {
    let scene = Scene::new().await;
    let path = |message: Snowflake| {
        twilight_http::request::Request::builder(
            &twilight_http::routing::Route::CreateThreadFromMessage {
                channel_id: scene.channel.get(),
                message_id: message.get(),
            },
        )
    };
    let http = scene.http();
    for (title, minutes, expected) in [
        ("é".repeat(100), 60, None),
        ("a".repeat(101), 60, Some((400, 50035))),
        (String::new(), 60, Some((400, 50035))),
        (" ".repeat(3), 60, Some((400, 50035))),
        ("a".to_owned(), 61, Some((400, 50035))),
    ] {
        let said = scene.discord.say(scene.channel, scene.user, "work");
        let body = json!({"name": title, "auto_archive_duration": minutes});
        let request = path(said).json(&body).build().unwrap();
        let answer = http
            .request::<twilight_http::response::marker::EmptyBody>(request)
            .await;
        let refused = answer.err().map(|error| refusal(&error));
        assert_eq!(refused, expected, "{title:?} {minutes}");
    }
}

#[tokio::test]
async fn a_wrong_token() {
    let scene = Scene::new().await;
    let http = scene.http_as("wrong");
    let error = http.current_user().await.unwrap_err();
    assert_eq!(refusal(&error), (401, 0));
}

#[tokio::test]
async fn commands_are_checked_and_kept() {
    let scene = Scene::new().await;
    let http = scene.http();
    let application = http.current_user_application().await.unwrap();
    let application = application.model().await.unwrap();
    assert_eq!(application.id, id(scene.discord.bot()));
    let set = async |body: Value| {
        let route = twilight_http::routing::Route::SetGuildCommands {
            application_id: application.id.get(),
            guild_id: scene.guild.get(),
        };
        let request = twilight_http::request::Request::builder(&route)
            .json(&body)
            .build()
            .unwrap();
        let answer = http
            .request::<twilight_http::response::marker::EmptyBody>(request)
            .await;
        answer
            .map(|answer| answer.status())
            .map_err(|error| refusal(&error))
    };
    let stop = json!({"name": "stop", "description": "Stops."});
    assert_eq!(set(json!([stop])).await, Ok(StatusCode::OK));
    let bad = Err((400, 50035));
    assert_eq!(set(json!([stop, stop])).await, bad);
    assert_eq!(
        set(json!([{"name": "Stop", "description": "x"}])).await,
        bad
    );
    assert_eq!(set(json!([{"name": "stop"}])).await, bad);
    let names = scene.discord.look(|world| {
        let commands = world.commands(Some(scene.guild)).iter();
        commands
            .map(|command| command["name"].clone())
            .collect::<Vec<_>>()
    });
    assert_eq!(names, ["stop"]);
}

#[tokio::test]
async fn without_the_intent_rest_shows_no_texts() {
    let scene = Scene::with(Discord::builder().message_content_off()).await;
    scene.discord.say(scene.channel, scene.user, "hidden");
    scene.discord.say_as_bot(scene.channel, "mine");
    let http = scene.http();
    let page = http.channel_messages(id(scene.channel)).await.unwrap();
    let texts: Vec<String> = page
        .models()
        .await
        .unwrap()
        .into_iter()
        .map(|message| message.content)
        .collect();
    assert_eq!(texts, ["mine", ""]);
}
