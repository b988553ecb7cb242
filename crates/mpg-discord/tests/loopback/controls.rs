//! Buttons, menus and forms, and posts that become others.

use mpg_core::control::{Button, ButtonStyle, Control, Field, Form};
use mpg_core::id::{MessageId, UserId};
use mpg_core::interaction::{Action, ActionId, Interaction};
use mpg_core::persona::Persona;
use mpg_core::port::DeliveryError;
use mpg_core::post::Post;
use mpg_testkit::discord::{Discord, Permission, Snowflake};
use serde_json::Value;

use crate::subject::{Subject, place, post};

const UUID: &str = "0f0e0d0c-0b0a-4908-8706-050403020100";

fn id(text: &str) -> ActionId {
    ActionId::parse(text).unwrap()
}

fn button(name: &str, label: &str) -> Button {
    Button::new(id(name), label, ButtonStyle::Plain)
}

/// A button that opens a form with these fields.
fn opener(fields: &[&str]) -> Control {
    let field = |name: &&str| Field {
        name: (*name).to_owned(),
        label: format!("What is the {name}?"),
        long: false,
        required: true,
    };
    Control::Button(Button {
        opens: Some(Form {
            id: id(&format!("ask:{UUID}:3")),
            title: "Say more".to_owned(),
            fields: fields.iter().map(field).collect(),
        }),
        ..button("open", "Other…")
    })
}

fn asking(controls: Vec<Control>) -> Post {
    Post {
        controls,
        ..post(1, "Which one?")
    }
}

fn snowflake(message: &MessageId) -> Snowflake {
    Snowflake(message.as_str().parse().unwrap())
}

impl Subject {
    async fn asks(&self, post: &Post) -> MessageId {
        let posted = self.outbox().post(&place(self.channel), post).await;
        posted.unwrap()
    }

    /// The modal that a press shows.
    async fn opened(&self, message: &MessageId) -> (Snowflake, Value) {
        let message = snowflake(message);
        let pressed = self.discord.press_labelled(message, self.person, "Other…");
        let answer = self
            .discord
            .wait_until(|world| world.interaction(pressed)?.answer.clone())
            .await;
        (pressed, answer["data"].clone())
    }
}

fn submitted(interaction: Interaction) -> Vec<(String, String)> {
    let Action::Submit { id: form, fields } = interaction.action else {
        panic!("{interaction:?}");
    };
    assert_eq!(form, id(&format!("ask:{UUID}:3")));
    fields
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

#[tokio::test]
async fn a_form_opens_at_once_and_after_a_restart() {
    let mut subject = Subject::start().await;
    let made = subject.asks(&asking(vec![opener(&["reason"])])).await;
    let (pressed, modal) = subject.opened(&made).await;
    assert_eq!(modal["title"], "Say more");
    assert_eq!(modal["components"][0]["label"], "What is the reason?");
    subject.discord.fill(pressed, &[("reason", "a\nb")]).await;
    let sent = subject.interaction().await;
    assert_eq!(submitted(sent), pairs(&[("reason", "a\nb")]));

    let mut subject = subject.stop().await.restart(None).await;
    subject.link().await;
    let (pressed, modal) = subject.opened(&made).await;
    assert_eq!(modal["title"], "Other…", "what is known is in the button");
    assert_eq!(modal["components"][0]["label"], "reason");
    subject.discord.fill(pressed, &[("reason", "later")]).await;
    let sent = subject.interaction().await;
    assert_eq!(submitted(sent), pairs(&[("reason", "later")]));
}

#[tokio::test]
async fn fields_that_no_button_holds_are_asked_in_one_text_after_a_restart() {
    let long = "passport_number_of_the_very_first_of_all_travellers";
    let subject = Subject::start().await;
    let made = subject.asks(&asking(vec![opener(&[long, "name"])])).await;
    let (_, modal) = subject.opened(&made).await;
    assert_eq!(modal["components"].as_array().unwrap().len(), 2);
    let mut subject = subject.stop().await.restart(None).await;
    subject.link().await;
    let (pressed, _) = subject.opened(&made).await;
    let text = format!("{long}: 7\nname: Ann");
    subject.discord.fill(pressed, &[("*", &text)]).await;
    let sent = subject.interaction().await;
    assert_eq!(submitted(sent), pairs(&[(long, "7"), ("name", "Ann")]));
}

#[tokio::test]
async fn a_press_is_heard_and_the_message_becomes_another_one() {
    let mut subject = Subject::start().await;
    let stop = Control::Button(button("stop:1", "Stop"));
    let made = subject.asks(&asking(vec![stop, opener(&["reason"])])).await;
    let message = snowflake(&made);
    for _ in 0..2 {
        subject
            .discord
            .press_labelled(message, subject.person, "Stop");
        let pressed = subject.interaction().await;
        let expected = Action::Press {
            id: id("stop:1"),
            values: Vec::new(),
        };
        assert_eq!(pressed.action, expected);
    }
    let outbox = subject.outbox();
    let at = place(subject.channel);
    outbox
        .edit(&at, &made, &post(2, "stopped by alice"))
        .await
        .unwrap();
    let (text, components) = subject.discord.look(|world| {
        let message = world.message(message).unwrap();
        (message.content.clone(), message.components.clone())
    });
    assert_eq!((text.as_str(), components.len()), ("stopped by alice", 0));
    subject.discord.delete_message(message);
    let gone = outbox.edit(&at, &made, &post(2, "stopped by alice")).await;
    assert!(matches!(gone, Err(DeliveryError::Removed(_))), "{gone:?}");
}

#[tokio::test]
async fn a_post_calls_the_one_person_that_it_is_for() {
    let mut all = Permission::BOT.to_vec();
    all.push(Permission::MentionEveryone);
    let talk = [
        Permission::ViewChannel,
        Permission::SendMessages,
        Permission::ReadMessageHistory,
        Permission::MentionEveryone,
    ];
    for permissions in [all.as_slice(), &talk] {
        let mut subject = Subject::start_on(Discord::builder().permissions(permissions)).await;
        // By then it is known what the bot may do.
        subject.say("before");
        subject.message().await;
        let other = subject.discord.add_user("bob");
        let text = format!("<@{other}> @everyone look");
        let at = place(subject.channel);
        for (number, persona) in [(1, None), (2, Some(Persona::new("QA", None)))] {
            let calling = Post {
                mentions: Some(UserId::new(subject.person.to_string())),
                persona,
                ..post(number, &text)
            };
            let made = subject.asks(&calling).await;
            let (notified, everyone) = subject.discord.look(|world| {
                let message = world.message(snowflake(&made)).unwrap();
                (message.notified.clone(), message.notified_everyone)
            });
            assert_eq!((notified, everyone), ([subject.person].into(), false));
            let found = subject.outbox().sent(&at, None, &calling).await;
            assert_eq!(found.unwrap(), Some(made), "it is found again");
        }
    }
}
