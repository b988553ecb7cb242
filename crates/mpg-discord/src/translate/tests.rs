//! Events and what the core hears of them, as tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use mpg_core::id::ChannelId;
use serde_json::{Value, json};

use super::*;
use crate::event::parse;

fn event(name: &str, data: &Value) -> Event {
    let frame = json!({"op": 0, "s": 1, "t": name, "d": data});
    parse(&frame.to_string()).unwrap().unwrap()
}

fn directory() -> Directory {
    let mut directory = Directory::new(&BTreeSet::from([ChannelId::new("10")]));
    directory.apply(&event("READY", &json!({"user": {"id": "7"}})));
    directory.apply(&event(
        "GUILD_CREATE",
        &json!({
            "id": "1",
            "roles": [{"id": "3", "name": "dev", "permissions": "0"}],
            "channels": [{"id": "10", "type": 0}],
            "threads": [{"id": "12", "type": 11, "parent_id": "10"}],
        }),
    ));
    directory
}

/// A person's message in the mapped channel, with some fields replaced.
fn message(changes: Value) -> Value {
    let mut message = json!({
        "id": "100",
        "channel_id": "10",
        "guild_id": "1",
        "type": 0,
        "author": {"id": "20", "username": "alice", "global_name": "Alice"},
        "member": {"nick": null, "roles": ["3", "4"]},
        "content": "hello",
        "edited_timestamp": null,
        "attachments": [],
    });
    let (Value::Object(message_fields), Value::Object(changes)) = (&mut message, changes) else {
        unreachable!("both are objects");
    };
    message_fields.extend(changes);
    message
}

fn show(inbound: &Inbound) -> String {
    match inbound {
        Inbound::Interaction(interaction) => format!(
            "interaction {} in {} by {} ({}): {:?}",
            interaction.id,
            interaction.place,
            interaction.author.name,
            interaction.author.id,
            interaction.action,
        ),
        Inbound::Message(message) => {
            let roles: Vec<String> = message
                .author
                .roles
                .iter()
                .map(|role| format!("{}={:?}", role.id, role.name))
                .collect();
            let files: Vec<&str> = message
                .attachments
                .iter()
                .map(|file| file.name.as_str())
                .collect();
            format!(
                "message {} in {} by {} ({}, {:?}, roles {roles:?}): {:?} files {files:?}",
                message.id,
                message.place,
                message.author.name,
                message.author.id,
                message.author.kind,
                message.text,
            )
        }
        Inbound::Edited { message, text } => {
            format!("edited {} in {}: {text:?}", message.message, message.place)
        }
        Inbound::Deleted(message) => {
            format!("deleted {} in {}", message.message, message.place)
        }
        Inbound::PlaceGone(place) => format!("gone {place}"),
        Inbound::CapabilitiesChanged(place) => format!("capabilities of {place}"),
        Inbound::Link(link) => format!("link {link}"),
        Inbound::OwnEcho { delivery, message } => {
            format!(
                "echo {delivery} as {} in {}",
                message.message, message.place
            )
        }
    }
}

fn table(cases: &[(&str, Value)]) -> String {
    let directory = directory();
    let mut shown = String::new();
    for (name, data) in cases {
        let event = event(name, data);
        writeln!(shown, "{name} {data}").unwrap();
        if let Some(missing) = missing(&event, &directory) {
            writeln!(shown, "  needs {missing:?}").unwrap();
        }
        for inbound in translate(&event, &directory) {
            writeln!(shown, "  {}", show(&inbound)).unwrap();
        }
    }
    shown
}

#[test]
fn messages() {
    let bot = json!({"id": "7", "username": "mpg", "bot": true});
    let cases = [
        ("READY", json!({"user": {"id": "7"}})),
        ("RESUMED", json!({})),
        ("MESSAGE_CREATE", message(json!({}))),
        (
            "MESSAGE_CREATE",
            message(json!({"member": {"nick": "Al", "roles": []}})),
        ),
        (
            "MESSAGE_CREATE",
            message(json!({"type": 19, "channel_id": "12"})),
        ),
        ("MESSAGE_CREATE", message(json!({"type": 6}))),
        (
            "MESSAGE_CREATE",
            message(json!({"type": 18, "content": "a thread"})),
        ),
        (
            "MESSAGE_CREATE",
            message(json!({"content": " <@7>  do it"})),
        ),
        ("MESSAGE_CREATE", message(json!({"content": "<@!7>do it"}))),
        ("MESSAGE_CREATE", message(json!({"content": "do it <@7>"}))),
        ("MESSAGE_CREATE", message(json!({"content": "<@77> do it"}))),
        (
            "MESSAGE_CREATE",
            message(json!({"content": "", "attachments": [
                {"id": "1", "filename": "a.txt", "size": 3, "url": "https://cdn.example/a.txt"},
            ]})),
        ),
        ("MESSAGE_CREATE", message(json!({"author": bot}))),
        (
            "MESSAGE_CREATE",
            message(json!({"author": bot, "nonce": "abcdefghij234567abcd"})),
        ),
        (
            "MESSAGE_CREATE",
            message(json!({"author": bot, "nonce": 12})),
        ),
        (
            "MESSAGE_CREATE",
            message(json!({"nonce": "abcdefghij234567abcd"})),
        ),
        (
            "MESSAGE_CREATE",
            message(json!({"author": {"id": "21", "username": "other", "bot": true}})),
        ),
        (
            "MESSAGE_CREATE",
            message(json!({"webhook_id": "30", "member": null})),
        ),
        (
            "MESSAGE_CREATE",
            message(json!({"channel_id": "13", "channel_type": 0})),
        ),
        (
            "MESSAGE_CREATE",
            message(json!({"channel_id": "13", "channel_type": 11})),
        ),
        ("MESSAGE_CREATE", message(json!({"guild_id": "2"}))),
    ];
    insta::assert_snapshot!(table(&cases));
}

#[test]
fn changes() {
    let edited = "2026-01-01T00:00:00+00:00";
    let bot = json!({"id": "7", "username": "mpg", "bot": true});
    let cases = [
        ("MESSAGE_UPDATE", message(json!({}))),
        (
            "MESSAGE_UPDATE",
            message(json!({"edited_timestamp": edited, "content": "<@7> new"})),
        ),
        (
            "MESSAGE_UPDATE",
            message(json!({"edited_timestamp": edited, "author": bot})),
        ),
        (
            "MESSAGE_UPDATE",
            json!({"id": "100", "channel_id": "10", "edited_timestamp": edited}),
        ),
        ("MESSAGE_DELETE", json!({"id": "100", "channel_id": "12"})),
        (
            "MESSAGE_DELETE_BULK",
            json!({"ids": ["100", "101"], "channel_id": "10"}),
        ),
        ("MESSAGE_DELETE", json!({"id": "100", "channel_id": "13"})),
        (
            "THREAD_CREATE",
            json!({"id": "14", "type": 11, "parent_id": "10"}),
        ),
        (
            "THREAD_UPDATE",
            json!({"id": "12", "type": 11, "parent_id": "10",
            "thread_metadata": {"archived": true, "locked": false}}),
        ),
        (
            "THREAD_UPDATE",
            json!({"id": "12", "type": 11, "parent_id": "10",
            "thread_metadata": {"archived": true, "locked": true}}),
        ),
        (
            "THREAD_DELETE",
            json!({"id": "12", "type": 11, "parent_id": "10"}),
        ),
        ("CHANNEL_DELETE", json!({"id": "10", "type": 0})),
        ("GUILD_DELETE", json!({"id": "1"})),
    ];
    insta::assert_snapshot!(table(&cases));
}
