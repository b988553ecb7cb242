//! Interactions as what the core hears.

use mpg_core::id::{MessageId, Place, UserId};
use mpg_core::interaction::{self, Action, ActionId};
use mpg_core::message::{Author, AuthorKind, Role};

use crate::controls::{is_opener, sent};
use crate::directory::{Directory, channel_place, is_thread, thread_place};
use crate::event::interaction::{COMMAND, COMPLETION, COMPONENT, FORM, Interaction, Part};

/// What the core hears of an interaction; `None` of a command that is still being typed, and of
/// what Discord has thought of since.
pub(crate) fn heard(
    interaction: &Interaction,
    directory: &Directory,
) -> Option<interaction::Interaction> {
    let data = &interaction.data;
    let action_id = || ActionId::parse(data.custom_id.as_deref().unwrap_or_default());
    let action = match interaction.kind {
        COMMAND => Action::Command {
            name: data.name.clone()?,
            arguments: data
                .options
                .iter()
                .map(|option| (option.name.clone(), option.text()))
                .collect(),
        },
        // What it opens was shown; who fills that in says more.
        COMPONENT if data.custom_id.as_deref().is_some_and(is_opener) => return None,
        COMPONENT => Action::Press {
            id: action_id()?,
            values: data.values.clone(),
        },
        FORM => Action::Submit {
            id: action_id()?,
            fields: sent(data.components.iter().flat_map(Part::fields).collect()),
        },
        COMPLETION.. | 0..COMMAND => return None,
    };
    Some(interaction::Interaction {
        place: place_of(interaction, directory)?,
        id: MessageId::new(interaction.id.to_string()),
        author: author_of(interaction, directory)?,
        action,
    })
}

/// Where it happened. Interactions bring the channel with them.
pub(crate) fn place_of(interaction: &Interaction, directory: &Directory) -> Option<Place> {
    let channel = interaction.channel.as_ref();
    let id = interaction
        .channel_id
        .or(channel.map(|channel| channel.id))?;
    let kind = channel.map(|channel| channel.kind);
    if let Some(parent) = channel.and_then(|channel| channel.parent_id)
        && kind.is_some_and(is_thread)
    {
        return Some(thread_place(parent, id));
    }
    Some(
        directory
            .place(id, kind)
            .unwrap_or_else(|| channel_place(id)),
    )
}

/// Who it was, with what is known of the roles.
pub(crate) fn author_of(interaction: &Interaction, directory: &Directory) -> Option<Author> {
    let user = interaction.author()?;
    let member = interaction.member.as_ref();
    let name = member
        .and_then(|member| member.nick.clone())
        .or_else(|| user.global_name.clone())
        .unwrap_or_else(|| user.username.clone());
    let roles = member
        .map(|member| member.roles.as_slice())
        .unwrap_or_default();
    Some(Author {
        id: UserId::new(user.id.to_string()),
        name,
        kind: if user.bot {
            AuthorKind::Bot
        } else {
            AuthorKind::Human
        },
        roles: roles
            .iter()
            .map(|role| Role {
                id: role.to_string(),
                name: interaction
                    .guild_id
                    .and_then(|guild| directory.role_name(guild, *role))
                    .map(str::to_owned),
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::event::{Event, parse};

    fn read(data: &Value) -> Option<Interaction> {
        let frame = json!({"op": 0, "s": 1, "t": "INTERACTION_CREATE", "d": data});
        match parse(&frame.to_string()) {
            Ok(Some(Event::InteractionCreated(interaction))) => Some(*interaction),
            _ => None,
        }
    }

    fn base(changes: &[(&str, Value)]) -> Value {
        let mut base = json!({
            "id": "30",
            "application_id": "7",
            "type": 2,
            "token": "secret",
            "channel_id": "10",
            "channel": {"id": "10", "type": 0},
            "guild_id": "1",
            "member": {
                "user": {"id": "5", "username": "ann", "global_name": "Ann"},
                "nick": null,
                "roles": ["3"],
            },
            "data": {"name": "kill", "type": 1},
        });
        for (key, value) in changes {
            base[*key] = value.clone();
        }
        base
    }

    #[test]
    fn interactions() {
        let rows = json!([
            {"type": 1, "components": [{"custom_id": "why", "value": "because"}]},
            {"type": 18, "component": {"custom_id": "when", "value": "now"}},
        ]);
        let thread = json!({"id": "20", "type": 11, "parent_id": "10"});
        let options = json!([
            {"name": "project", "type": 3, "value": "one"},
            {"name": "count", "type": 4, "value": 3},
        ]);
        let cases = [
            base(&[]),
            base(&[("data", json!({"name": "kill", "options": options}))]),
            base(&[("channel_id", "20".into()), ("channel", thread)]),
            base(&[
                ("member", json!(null)),
                ("user", json!({"id": "6", "username": "bob"})),
            ]),
            base(&[("member", json!(null))]),
            base(&[
                ("type", 3.into()),
                ("data", json!({"custom_id": "a:1", "values": ["x"]})),
            ]),
            base(&[
                ("type", 3.into()),
                ("data", json!({"custom_id": "a".repeat(101)})),
            ]),
            base(&[
                ("type", 3.into()),
                ("data", json!({"custom_id": ">Lreason|deny:1"})),
            ]),
            base(&[("type", 4.into())]),
            base(&[
                ("type", 5.into()),
                ("data", json!({"custom_id": "f", "components": rows})),
            ]),
            base(&[("type", 99.into())]),
        ];
        let directory = Directory::default();
        let mut shown = String::new();
        for case in cases {
            let interaction = read(&case).unwrap();
            assert!(!format!("{interaction:?}").contains("secret"));
            let heard = heard(&interaction, &directory);
            let heard = heard.map(|heard| {
                let author = &heard.author;
                let roles: Vec<&str> = author.roles.iter().map(|role| role.id.as_str()).collect();
                let who = format!("{} ({}) {roles:?}", author.name, author.id);
                format!(
                    "{} in {} by {who}: {:?}",
                    heard.id, heard.place, heard.action
                )
            });
            writeln!(shown, "{}", heard.as_deref().unwrap_or("nothing")).unwrap();
        }
        insta::assert_snapshot!(shown);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "[0-9]{0,3}|\\PC{0,5}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 3, |inner| {
            let keys =
                "id|name|value|values|options|custom_id|components|component|type|user|roles";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map(keys, inner, 0..4)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_read_or_passed_over(
            key in "type|token|channel_id|channel|guild_id|member|user|message|data",
            value in any_json(),
        ) {
            if let Some(interaction) = read(&base(&[(key.as_str(), value)])) {
                drop(heard(&interaction, &Directory::default()));
                drop(place_of(&interaction, &Directory::default()));
            }
        }
    }
}
