//! Commands, components and forms: acknowledged, handed in, and answered.

use std::sync::Arc;
use std::time::Duration;

use mpg_core::config::{Config, Limits, Project, RoutingTable};
use mpg_core::id::{MessageId, ProjectName, UserId};
use mpg_core::interaction::{Action, Interaction};
use mpg_core::message::Inbound;
use mpg_core::native::NativeCommands;
use mpg_core::port::DeliveryError;
use mpg_core::post::{Post, PostKind, Status};
use mpg_discord::{Settings, connect};
use mpg_testkit::discord::{Discord, DiscordBuilder, Fault, Snowflake};
use serde_json::{Value, json};

use crate::subject::{Subject, place, post, reference, settings, thread};

const COMMANDS: &str = "/applications/*/commands";

/// The commands of a gateway whose only project is for the person of the subject.
fn commands(subject_channel: Snowflake, person: Snowflake) -> Arc<NativeCommands> {
    let mut project = Project::new(ProjectName::new("dev"), "/srv/dev");
    project.channels.insert(place(subject_channel).channel);
    project.access.users.insert(UserId::new(person.to_string()));
    let config = Config {
        routing: RoutingTable::new([project]).unwrap(),
        limits: Limits::default(),
    };
    Arc::new(NativeCommands::new(Arc::new(config)))
}

/// A patient server: what is slow here is the machine.
fn server() -> DiscordBuilder {
    Discord::builder().interaction_deadline(Duration::from_mins(5))
}

/// Connects with commands, and waits until they are declared.
async fn start_on(builder: DiscordBuilder) -> Subject {
    let subject = Subject::begin_on(builder).await.stop().await;
    let (channel, person) = (subject.channel, subject.person);
    let mut subject = subject
        .restart_with(None, |settings| {
            settings.native = Some(commands(channel, person));
        })
        .await;
    subject.link().await;
    subject
        .discord
        .wait_for(|world| !world.commands(None).is_empty())
        .await;
    subject
}

pub(crate) async fn start() -> Subject {
    start_on(server()).await
}

impl Subject {
    pub(crate) async fn interaction(&mut self) -> Interaction {
        self.read(|inbound, _| match inbound {
            Inbound::Interaction(interaction) => Some(interaction),
            Inbound::Message(_)
            | Inbound::Edited { .. }
            | Inbound::Deleted(_)
            | Inbound::PlaceGone(_)
            | Inbound::CapabilitiesChanged(_)
            | Inbound::Link(_)
            | Inbound::OwnEcho { .. } => None,
        })
        .await
    }

    async fn post_reply(&self, post: &Post) -> Result<MessageId, DeliveryError> {
        self.outbox().post(&place(self.channel), post).await
    }

    /// What the bot said first.
    async fn acknowledged(&self, interaction: Snowflake) -> Value {
        self.discord
            .wait_until(|world| world.interaction(interaction)?.answer.clone())
            .await
    }
}

pub(crate) fn to(interaction: Snowflake, number: u32, kind: PostKind, text: &str) -> Post {
    Post {
        kind,
        reply_to: Some(MessageId::new(interaction.to_string())),
        ..post(number, text)
    }
}

#[tokio::test]
async fn a_command_is_acknowledged_handed_in_and_answered_in_place() {
    let mut subject = start().await;
    let options = json!([{"name": "project", "type": 3, "value": "dev"}]);
    let used = subject
        .discord
        .command(subject.channel, subject.person, "kill", &options);
    // Before anybody has taken it in.
    assert_eq!(subject.acknowledged(used).await, json!({"type": 5}));
    let heard = subject.interaction().await;
    assert_eq!(heard.id, MessageId::new(used.to_string()));
    assert_eq!(heard.place, place(subject.channel));
    assert_eq!(heard.author.id, UserId::new(subject.person.to_string()));
    assert_eq!(
        heard.action,
        Action::Command {
            name: "kill".to_owned(),
            arguments: vec![("project".to_owned(), "dev".to_owned())],
        }
    );
    let reply = to(used, 1, PostKind::Reply, "ended @everyone");
    let message = subject.post_reply(&reply).await.unwrap();
    assert_eq!(
        subject.discord.bot_texts(subject.channel),
        ["ended @everyone"]
    );
    assert_eq!(
        subject.discord.public_reply(used).as_deref(),
        Some("ended @everyone")
    );
    // Once more changes nothing.
    assert_eq!(subject.post_reply(&reply).await.unwrap(), message);
    // What comes behind it is a post as any other.
    let more = Post {
        reply_to: None,
        ..to(used, 2, PostKind::Reply, "and more")
    };
    subject.post_reply(&more).await.unwrap();
    let texts = subject.discord.bot_texts(subject.channel);
    assert_eq!(texts, ["ended @everyone", "and more"]);
    assert_eq!(subject.discord.private_replies(used), [""; 0]);
}

#[tokio::test]
async fn who_may_not_use_a_project_is_answered_alone() {
    let mut subject = start().await;
    let stranger = subject.discord.add_user("mallory");
    let used = subject
        .discord
        .command(subject.channel, stranger, "kill", &json!([]));
    let expected = json!({"type": 5, "data": {"flags": 64}});
    assert_eq!(subject.acknowledged(used).await, expected);
    subject.interaction().await;
    let refusal = to(used, 1, PostKind::Private, "you may not");
    subject.post_reply(&refusal).await.unwrap();
    assert_eq!(subject.discord.private_replies(used), ["you may not"]);
    assert_eq!(subject.discord.bot_texts(subject.channel), [""; 0]);
}

#[tokio::test]
async fn what_was_announced_to_the_wrong_people_is_taken_back() {
    let mut subject = start().await;
    let stranger = subject.discord.add_user("mallory");
    let open = subject
        .discord
        .command(subject.channel, subject.person, "kill", &json!([]));
    let closed = subject
        .discord
        .command(subject.channel, stranger, "kill", &json!([]));
    for _ in 0..2 {
        subject.interaction().await;
    }
    let refusal = to(open, 1, PostKind::Private, "too fast");
    subject.post_reply(&refusal).await.unwrap();
    let reply = to(closed, 2, PostKind::Reply, "it is allowed by now");
    subject.post_reply(&reply).await.unwrap();
    assert_eq!(subject.discord.private_replies(open), ["too fast"]);
    assert_eq!(subject.discord.private_replies(closed), [""; 0]);
    let texts = subject.discord.bot_texts(subject.channel);
    assert_eq!(texts, ["it is allowed by now"]);
    let awaited = subject.discord.look(|world| {
        let channel = world.channel(subject.channel).unwrap();
        channel.messages.values().filter(|m| m.is_awaited()).count()
    });
    assert_eq!(awaited, 0);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_repeated_and_shown_once() {
    let mut subject = start().await;
    let used = subject
        .discord
        .command(subject.channel, subject.person, "kill", &json!([]));
    subject.interaction().await;
    let reply = to(used, 1, PostKind::Reply, "ended");
    subject
        .discord
        .fault("PATCH", "/webhooks/**", Fault::CutAfterHandling, 1);
    let lost = subject.post_reply(&reply).await.unwrap_err();
    assert!(matches!(lost, DeliveryError::Unknown(_)), "{lost}");
    let channel = place(subject.channel);
    let found = subject.outbox().sent(&channel, None, &reply).await.unwrap();
    let message = subject.post_reply(&reply).await.unwrap();
    assert_eq!(found, Some(message));
    assert_eq!(subject.discord.bot_texts(subject.channel), ["ended"]);
}

#[tokio::test]
async fn without_its_token_a_reply_is_posted_and_a_private_one_is_not() {
    let mut subject = start().await;
    let person = subject.person;
    let stranger = subject.discord.add_user("mallory");
    let use_it = |user| {
        subject
            .discord
            .command(subject.channel, user, "kill", &json!([]))
    };
    let used = [use_it(person), use_it(stranger)];
    for used in used {
        subject.acknowledged(used).await;
    }
    for _ in used {
        subject.interaction().await;
    }
    subject.discord.expire_interactions();
    let reply = to(used[0], 1, PostKind::Reply, "late");
    subject.post_reply(&reply).await.unwrap();
    let refusal = to(used[1], 2, PostKind::Private, "you may not");
    let unsaid = subject.post_reply(&refusal).await.unwrap_err();
    assert!(matches!(unsaid, DeliveryError::Removed(_)), "{unsaid}");
    // The bot's own token is as good as before.
    subject.post_reply(&post(3, "as usual")).await.unwrap();
    let texts = subject.discord.bot_texts(subject.channel);
    assert_eq!(texts, ["late", "as usual"]);
    assert_eq!(subject.discord.private_replies(used[1]), [""; 0]);
}

#[tokio::test]
async fn another_process_answers_in_the_channel_and_finds_what_was_answered() {
    let mut subject = start().await;
    let person = subject.person;
    let stranger = subject.discord.add_user("mallory");
    let use_it = |user| {
        subject
            .discord
            .command(subject.channel, user, "kill", &json!([]))
    };
    let used = [use_it(person), use_it(person), use_it(stranger)];
    for _ in used {
        subject.interaction().await;
    }
    let answered = to(used[0], 1, PostKind::Reply, "ended");
    let message = subject.post_reply(&answered).await.unwrap();
    let stopped = subject.stop().await;
    let mut subject = stopped.restart(None).await;
    subject.link().await;
    let channel = place(subject.channel);
    let later = MessageId::new(subject.say("later").to_string());
    let outbox = subject.outbox();
    let found = outbox.sent(&channel, Some(&later), &answered).await;
    assert_eq!(found.unwrap(), Some(message));
    // Its text is the same, and it answers something else.
    let reply = to(used[1], 2, PostKind::Reply, "ended");
    let found = outbox.sent(&channel, Some(&later), &reply).await;
    assert_eq!(found.unwrap(), None);
    outbox.post(&channel, &reply).await.unwrap();
    let refusal = to(used[2], 3, PostKind::Private, "you may not");
    let unsaid = outbox.post(&channel, &refusal).await.unwrap_err();
    assert!(matches!(unsaid, DeliveryError::Removed(_)), "{unsaid}");
    assert_eq!(
        subject.discord.bot_texts(subject.channel),
        ["ended", "ended"]
    );
    // A message is there to be replied to.
    let refusal = to(
        Snowflake(later.as_str().parse().unwrap()),
        4,
        PostKind::Private,
        "no",
    );
    outbox.post(&channel, &refusal).await.unwrap();
    assert_eq!(subject.discord.bot_texts(subject.channel).len(), 3);
}

#[tokio::test]
async fn a_connection_that_is_resumed_tells_an_interaction_twice_and_answers_it_once() {
    let subject = start().await;
    let (channel, person) = (subject.channel, subject.person);
    let said = subject.say("hello");
    let mut subject = subject;
    let (_, position) = subject.message().await;
    let used = subject.discord.command(channel, person, "kill", &json!([]));
    subject.acknowledged(used).await;
    let stopped = subject.stop().await;
    // As after a crash before it was stored: this process has its token again.
    let mut subject = stopped.restart(Some(position)).await;
    let heard = subject.interaction().await;
    assert_eq!(heard.id, MessageId::new(used.to_string()));
    let reply = to(used, 1, PostKind::Reply, "ended");
    subject.post_reply(&reply).await.unwrap_or_else(|failure| {
        panic!("{failure}\n{}", subject.discord.transcript());
    });
    assert_eq!(subject.discord.bot_texts(channel), ["ended"]);
    let refused = subject.discord.look(|world| {
        let calls = world.calls();
        calls.iter().filter(|call| call.code == Some(40060)).count()
    });
    assert_eq!(refused, 1);
    assert!(said < used);
}

#[tokio::test]
async fn a_thread_and_signs_are_on_the_reply() {
    let mut subject = start().await;
    let used = subject
        .discord
        .command(subject.channel, subject.person, "kill", &json!([]));
    subject.interaction().await;
    let outbox = subject.outbox();
    let on = reference(subject.channel, used);
    let reply = to(used, 1, PostKind::Reply, "ann: do this");
    let channel = place(subject.channel);
    let (opened, sign, posted) = tokio::join!(
        outbox.open_thread(&on, "do this"),
        outbox.set_status(&on, Status::Received),
        outbox.post(&channel, &reply),
    );
    let message: Snowflake = posted.unwrap().as_str().parse().unwrap();
    assert_eq!(opened.unwrap(), thread(subject.channel, message));
    sign.unwrap();
    assert_eq!(subject.discord.reactions(message), ["👀"]);
    assert!(subject.discord.thread_of(message).is_some());
}

#[tokio::test]
async fn components_and_forms_are_handed_in() {
    let mut subject = start().await;
    let message = subject.discord.say_as_bot(subject.channel, "working");
    let pressed = subject.discord.press(message, subject.person, "stop:1");
    assert_eq!(subject.acknowledged(pressed).await, json!({"type": 6}));
    let heard = subject.interaction().await;
    let Action::Press { id, values } = &heard.action else {
        panic!("{heard:?}");
    };
    assert_eq!((id.as_str(), values.as_slice()), ("stop:1", &[][..]));
    let sent = subject
        .discord
        .submit(message, subject.person, "deny:1", &[("why", "because")]);
    assert_eq!(subject.acknowledged(sent).await, json!({"type": 6}));
    let heard = subject.interaction().await;
    let Action::Submit { id, fields } = &heard.action else {
        panic!("{heard:?}");
    };
    assert_eq!(id.as_str(), "deny:1");
    assert_eq!(fields, &[("why".to_owned(), "because".to_owned())]);
    for (number, used) in [(1, pressed), (2, sent)] {
        let closed = to(used, number, PostKind::Private, "no longer open");
        subject.post_reply(&closed).await.unwrap();
        assert_eq!(subject.discord.private_replies(used), ["no longer open"]);
    }
    assert_eq!(subject.discord.bot_texts(subject.channel), ["working"]);
}

#[tokio::test]
async fn an_interaction_in_a_thread_is_in_that_thread() {
    let mut subject = start().await;
    let said = subject.say("a message");
    let opened = subject
        .discord
        .open_thread(said, subject.person, "a thread");
    let used = subject
        .discord
        .command(opened, subject.person, "kill", &json!([]));
    let heard = subject.interaction().await;
    assert_eq!(heard.place, thread(subject.channel, opened));
    assert_eq!(heard.id, MessageId::new(used.to_string()));
}

#[tokio::test]
async fn what_is_typed_is_completed_for_who_may_know() {
    let subject = start().await;
    let stranger = subject.discord.add_user("mallory");
    for (user, typed, expected) in [
        (subject.person, "", &["dev"][..]),
        (subject.person, "D", &["dev"]),
        (subject.person, "x", &[]),
        (stranger, "", &[]),
    ] {
        let options = json!([{"name": "project", "type": 3, "value": typed, "focused": true}]);
        let typing = subject
            .discord
            .complete(subject.channel, user, "kill", &options);
        subject.acknowledged(typing).await;
        let choices = subject.discord.choices(typing).unwrap();
        assert_eq!(choices, expected, "{typed}");
    }
}

#[tokio::test]
async fn a_refused_acknowledgement_is_made_good_in_the_channel() {
    let mut subject = start().await;
    let fault = Fault::Error {
        status: 404,
        code: 10062,
    };
    subject.discord.fault("POST", "/interactions/**", fault, 1);
    let used = subject
        .discord
        .command(subject.channel, subject.person, "kill", &json!([]));
    subject.interaction().await;
    let reply = to(used, 1, PostKind::Reply, "ended");
    subject.post_reply(&reply).await.unwrap();
    assert_eq!(subject.discord.public_reply(used), None);
    assert_eq!(subject.discord.bot_texts(subject.channel), ["ended"]);
}

#[tokio::test]
async fn acknowledgements_wait_for_nothing() {
    let stopped = Subject::begin_on(server()).await.stop().await;
    let (channel, person) = (stopped.channel, stopped.person);
    let message = stopped.discord.say_as_bot(channel, "working");
    // Requests that belong to no channel stand behind one another.
    stopped.discord.fault("PUT", COMMANDS, Fault::Hold, 1);
    let subject = stopped
        .restart_with(None, |settings| {
            settings.native = Some(commands(channel, person));
        })
        .await;
    subject
        .discord
        .wait_for(|world| world.held_count() == 1)
        .await;
    for _ in 0..5 {
        let pressed = subject.discord.press(message, person, "stop");
        subject.acknowledged(pressed).await;
    }
    assert!(
        subject
            .discord
            .look(|world| world.commands(None).is_empty())
    );
    subject.discord.release();
}

#[tokio::test]
async fn commands_are_declared_when_they_differ() {
    let mut subject = start().await;
    let puts = |discord: &Discord| discord.call_count("PUT", COMMANDS);
    let gets = |discord: &Discord| discord.call_count("GET", COMMANDS);
    let declared: Vec<String> = subject.discord.look(|world| {
        let commands = world.commands(None).iter();
        commands
            .map(|command| command["name"].to_string())
            .collect()
    });
    assert!(declared.contains(&"\"kill\"".to_owned()), "{declared:?}");
    assert_eq!((puts(&subject.discord), gets(&subject.discord)), (1, 1));
    let (channel, person) = (subject.channel, subject.person);
    subject.say("hello");
    let (_, position) = subject.message().await;
    // Neither a new session nor one that is gone on with declares what is there.
    let mut stopped = subject.stop().await;
    for (starts, position) in [(2, None), (3, Some(position))] {
        let mut subject = stopped
            .restart_with(position, |settings| {
                settings.native = Some(commands(channel, person));
            })
            .await;
        subject.link().await;
        subject
            .discord
            .wait_for(|world| world.call_count("GET", COMMANDS) == starts)
            .await;
        stopped = subject.stop().await;
    }
    assert_eq!(puts(&stopped.discord), 1);
    // Not wanted any more, they are taken back, once.
    for starts in [4, 5] {
        let mut subject = stopped
            .restart_with(None, |settings| {
                settings.native = Some(commands(channel, person));
                settings.declare_commands = false;
            })
            .await;
        subject.link().await;
        subject
            .discord
            .wait_for(|world| world.call_count("GET", COMMANDS) == starts)
            .await;
        subject
            .discord
            .wait_for(|world| world.commands(None).is_empty())
            .await;
        stopped = subject.stop().await;
    }
    assert_eq!(puts(&stopped.discord), 2);
}

#[tokio::test]
async fn without_the_scope_everything_else_works() {
    let discord = server().start().await;
    let guild = discord.add_guild("guild");
    let channel = discord.add_channel(guild, "dev");
    let person = discord.add_user("alice");
    let fault = Fault::Error {
        status: 403,
        code: 50001,
    };
    discord.fault("PUT", COMMANDS, fault, 1);
    let settings = Settings {
        native: Some(commands(channel, person)),
        ..settings(&discord, channel)
    };
    let connection = connect(settings, None).await.unwrap();
    discord
        .wait_for(|world| world.call_count("PUT", COMMANDS) == 1)
        .await;
    let (channel_place, hello) = (place(channel), post(1, "hello"));
    let sent = connection.outbox.post(&channel_place, &hello);
    sent.await.unwrap();
    assert_eq!(discord.bot_texts(channel), ["hello"]);
    assert_eq!(discord.call_count("PUT", COMMANDS), 1);
}
