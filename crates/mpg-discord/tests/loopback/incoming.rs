//! What comes in.

use mpg_core::capability::Threads;
use mpg_core::message::{AuthorKind, Inbound};
use mpg_testkit::discord::Permission;

use crate::subject::{Subject, place, post, reference, thread};

#[tokio::test]
async fn roles_come_with_their_names() {
    let mut subject = Subject::start().await;
    let role = subject.discord.add_role(subject.guild, "dev");
    subject
        .discord
        .give_role(subject.guild, subject.person, role);
    subject.say("hello");
    let (message, _) = subject.message().await;
    assert_eq!(message.place, place(subject.channel));
    assert_eq!(message.author.kind, AuthorKind::Human);
    assert_eq!(message.author.name, "alice");
    let roles: Vec<_> = message
        .author
        .roles
        .iter()
        .map(|role| (role.id.as_str(), role.name.as_deref()))
        .collect();
    assert_eq!(roles, [(role.to_string().as_str(), Some("dev"))]);
    assert_eq!(
        subject
            .discord
            .look(|world| world.call_count("GET", "/guilds/**")),
        0
    );
}

#[tokio::test]
async fn bots_are_bots_and_own_posts_are_echoes() {
    let mut subject = Subject::start().await;
    let bot = subject.discord.add_bot("beeper");
    subject.discord.say(subject.channel, bot, "beep");
    let (message, _) = subject.message().await;
    assert_eq!(message.author.kind, AuthorKind::Bot);

    let post = post(1, "own");
    let posted = subject
        .outbox()
        .post(&place(subject.channel), &post)
        .await
        .unwrap();
    let (delivery, echoed) = subject
        .read(|inbound, _| {
            if let Inbound::OwnEcho { delivery, message } = inbound {
                Some((delivery, message))
            } else {
                None
            }
        })
        .await;
    assert_eq!(delivery, post.id);
    assert_eq!(echoed.message, posted);
    assert_eq!(echoed.place, place(subject.channel));
}

#[tokio::test]
async fn edits_and_deletions() {
    let mut subject = Subject::start().await;
    let said = subject.say("first");
    subject.message().await;
    subject.discord.edit(said, "second");
    subject.discord.delete_message(said);
    let expected = reference(subject.channel, said);
    let edited = subject.read(|inbound, _| Some(inbound)).await;
    assert_eq!(
        edited,
        Inbound::Edited {
            message: expected.clone(),
            text: "second".to_owned(),
        }
    );
    let deleted = subject.read(|inbound, _| Some(inbound)).await;
    assert_eq!(deleted, Inbound::Deleted(expected));
}

#[tokio::test]
async fn places_that_go() {
    let mut subject = Subject::start().await;
    let gone = |inbound, _| {
        if let Inbound::PlaceGone(place) = inbound {
            Some(place)
        } else {
            None
        }
    };
    let (deleted, closed) = (subject.say("one"), subject.say("two"));
    let deleted = subject.discord.open_thread(deleted, subject.person, "one");
    let closed = subject.discord.open_thread(closed, subject.person, "two");
    subject.discord.delete_thread(deleted);
    let place_deleted = subject.read(gone).await;
    assert_eq!(place_deleted, thread(subject.channel, deleted));
    subject.discord.archive_thread(closed);
    subject.discord.lock_thread(closed);
    let place_closed = subject.read(gone).await;
    assert_eq!(place_closed, thread(subject.channel, closed));
    subject.discord.delete_channel(subject.channel);
    let place_channel = subject.read(gone).await;
    assert_eq!(place_channel, place(subject.channel));
}

#[tokio::test]
async fn permissions_that_change_are_told() {
    let mut subject = Subject::start().await;
    subject.say("hello");
    subject.message().await;
    let channel = place(subject.channel);
    let threads = |subject: &Subject| subject.outbox().capabilities(&channel).threads;
    assert_eq!(threads(&subject), Threads::FromMessage);
    subject
        .discord
        .deny_permission(subject.channel, Permission::CreatePublicThreads);
    let changed = subject.read(|inbound, _| Some(inbound)).await;
    assert_eq!(changed, Inbound::CapabilitiesChanged(channel.clone()));
    assert_eq!(threads(&subject), Threads::None);
    subject
        .discord
        .allow_permission(subject.channel, Permission::CreatePublicThreads);
    let changed = subject.read(|inbound, _| Some(inbound)).await;
    assert_eq!(changed, Inbound::CapabilitiesChanged(channel.clone()));
    assert_eq!(threads(&subject), Threads::FromMessage);
}

#[tokio::test]
async fn attachments_are_described() {
    let mut subject = Subject::start().await;
    subject.discord.say_with_files(
        subject.channel,
        subject.person,
        "look",
        &[("notes.txt", b"hello")],
    );
    let (message, _) = subject.message().await;
    assert_eq!(message.attachments.len(), 1);
    assert_eq!(message.attachments[0].name, "notes.txt");
    assert_eq!(message.attachments[0].size, 5);
    assert!(message.attachments[0].url.starts_with("http"));
}
