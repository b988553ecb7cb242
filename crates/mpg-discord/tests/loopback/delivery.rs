//! What goes out, and how it fails.

use mpg_core::id::ThreadId;
use mpg_core::port::DeliveryError;
use mpg_core::post::Status;
use mpg_testkit::discord::{Discord, Fault, Permission, Snowflake};
use serde_json::json;

use crate::subject::{Subject, place, post, reference, settings, thread};

#[tokio::test]
async fn the_body_carries_the_nonce_and_notifies_nobody() {
    let subject = Subject::start().await;
    let post = post(1, "@everyone hello");
    subject
        .outbox()
        .post(&place(subject.channel), &post)
        .await
        .unwrap();
    let bodies: Vec<_> = subject
        .discord
        .look(|world| world.calls().iter().map(|call| call.body.clone()).collect());
    assert_eq!(
        bodies,
        [json!({
            "content": "@everyone hello",
            "nonce": post.id.as_str(),
            "enforce_nonce": true,
            "allowed_mentions": {"parse": [], "replied_user": false},
        })]
    );
}

#[tokio::test]
async fn a_reply_points_to_its_message_if_that_is_still_there() {
    let subject = Subject::start().await;
    let said = subject.say("question");
    for (number, deleted) in [(1, false), (2, true)] {
        if deleted {
            subject.discord.delete_message(said);
        }
        let mut answer = post(number, "answer");
        answer.reply_to = Some(reference(subject.channel, said).message);
        subject
            .outbox()
            .post(&place(subject.channel), &answer)
            .await
            .unwrap();
    }
    let shown = subject
        .discord
        .look(|world| world.bot_messages(subject.channel).len());
    assert_eq!(shown, 2);
}

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_repeated_and_shown_once() {
    let subject = Subject::start().await;
    let channel = place(subject.channel);
    let post = post(1, "once");
    subject
        .discord
        .fault("POST", "/channels/*/messages", Fault::CutAfterHandling, 1);
    let lost = subject.outbox().post(&channel, &post).await;
    assert!(matches!(lost, Err(DeliveryError::Unknown(_))), "{lost:?}");
    let told = subject.outbox().post(&channel, &post).await.unwrap();
    let shown: Vec<_> = subject.discord.look(|world| {
        world
            .bot_messages(subject.channel)
            .into_iter()
            .map(|message| message.id.to_string())
            .collect()
    });
    assert_eq!(shown, [told.as_str()]);
}

#[tokio::test]
async fn a_post_that_was_deleted_is_not_posted_again() {
    let subject = Subject::start().await;
    let channel = place(subject.channel);
    let post = post(1, "once");
    let told = subject.outbox().post(&channel, &post).await.unwrap();
    let told = Snowflake(told.as_str().parse().unwrap());
    subject.discord.delete_message(told);
    let again = subject.outbox().post(&channel, &post).await;
    assert!(matches!(again, Err(DeliveryError::Removed(_))), "{again:?}");
    let shown = subject
        .discord
        .look(|world| world.bot_messages(subject.channel).len());
    assert_eq!(shown, 0);
}

#[tokio::test]
async fn errors_say_what_to_do() {
    let subject = Subject::start().await;
    let channel = place(subject.channel);
    let cases = [
        (Fault::Status(500), "unknown"),
        (Fault::Status(502), "unknown"),
        (Fault::CutBeforeHandling, "unknown"),
        (Fault::Status(400), "rejected"),
        (Fault::Status(403), "gone"),
        (Fault::Status(404), "gone"),
        (
            Fault::Error {
                status: 403,
                code: 50013,
            },
            "gone",
        ),
        (
            Fault::Error {
                status: 403,
                code: 50001,
            },
            "gone",
        ),
        (
            Fault::Error {
                status: 404,
                code: 10003,
            },
            "gone",
        ),
        (
            Fault::Error {
                status: 400,
                code: 50083,
            },
            "gone",
        ),
    ];
    for (number, (fault, expected)) in (1..).zip(cases) {
        let before = subject
            .discord
            .look(|world| world.call_count("POST", "/channels/*/messages"));
        subject
            .discord
            .fault("POST", "/channels/*/messages", fault.clone(), 1);
        let error = subject
            .outbox()
            .post(&channel, &post(number, "text"))
            .await
            .unwrap_err();
        let kind = match &error {
            DeliveryError::Gone(_) => "gone",
            DeliveryError::Transient { .. } => "transient",
            DeliveryError::Rejected(_) => "rejected",
            DeliveryError::Removed(_) => "removed",
            DeliveryError::Unknown(_) => "unknown",
            DeliveryError::Unsupported => "unsupported",
        };
        assert_eq!(kind, expected, "{fault:?}: {error}");
        let after = subject
            .discord
            .look(|world| world.call_count("POST", "/channels/*/messages"));
        assert_eq!(after - before, 1, "{fault:?} is not repeated here");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_passing_failure() {
    let subject = Subject::start().await;
    let channel = subject.channel;
    let outbox = subject.outbox();
    drop(subject);
    let error = outbox
        .post(&place(channel), &post(1, "text"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, DeliveryError::Transient { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refused_token_sends_nothing_more() {
    let discord = Discord::start().await;
    let guild = discord.add_guild("guild");
    let channel = discord.add_channel(guild, "dev");
    let mut settings = settings(&discord, channel);
    settings.token = mpg_discord::Token::new("not-the-token");
    let connection = mpg_discord::connect(settings, None).await.unwrap();
    for number in 1..=3 {
        let error = connection
            .outbox
            .post(&place(channel), &post(number, "text"))
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                DeliveryError::Transient {
                    retry_after: Some(_),
                    ..
                }
            ),
            "{error:?}"
        );
    }
    assert_eq!(discord.look(|world| world.calls().len()), 1);
}

#[tokio::test]
async fn a_thread_is_opened_with_its_archive_time() {
    let subject = Subject::start().await;
    let said = subject.say("root");
    let opened = subject
        .outbox()
        .open_thread(&reference(subject.channel, said), "title")
        .await
        .unwrap();
    assert_eq!(opened, thread(subject.channel, said));
    let minutes = subject.discord.look(|world| {
        let state = world.channel(said).unwrap().thread.clone();
        state.unwrap().auto_archive_minutes
    });
    assert_eq!(minutes, 60);
}

#[tokio::test]
async fn a_refused_thread_is_unsupported() {
    let subject = Subject::start_on(Discord::builder().threads_forbidden()).await;
    let said = subject.say("root");
    let refused = subject
        .outbox()
        .open_thread(&reference(subject.channel, said), "title")
        .await;
    assert!(
        matches!(refused, Err(DeliveryError::Unsupported)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn threads_that_are_gone_take_nothing() {
    let subject = Subject::start().await;
    let (deleted, closed) = (subject.say("one"), subject.say("two"));
    for said in [deleted, closed] {
        subject
            .outbox()
            .open_thread(&reference(subject.channel, said), "title")
            .await
            .unwrap();
    }
    subject.discord.delete_thread(deleted);
    subject.discord.lock_thread(closed);
    subject.discord.archive_thread(closed);
    for (number, gone) in [(1, deleted), (2, closed)] {
        let error = subject
            .outbox()
            .post(&thread(subject.channel, gone), &post(number, "late"))
            .await
            .unwrap_err();
        assert!(matches!(error, DeliveryError::Gone(_)), "{error:?}");
    }
    let mut elsewhere = place(subject.channel);
    elsewhere.thread = Some(ThreadId::new("not-a-number"));
    let error = subject
        .outbox()
        .post(&elsewhere, &post(3, "text"))
        .await
        .unwrap_err();
    assert!(matches!(error, DeliveryError::Gone(_)), "{error:?}");
}

#[tokio::test]
async fn one_sign_at_a_time() {
    let subject = Subject::start().await;
    let said = subject.say("work");
    let on = reference(subject.channel, said);
    let outbox = subject.outbox();
    let signs = || subject.discord.look(|world| world.reactions(said));
    outbox.set_status(&on, Status::Received).await.unwrap();
    assert_eq!(signs(), ["👀"]);
    outbox.set_status(&on, Status::Done).await.unwrap();
    assert_eq!(signs(), ["✅"]);
    outbox.set_status(&on, Status::Failed).await.unwrap();
    assert_eq!(signs(), ["❌"]);

    // A new process knows nothing of the sign that an earlier one set.
    let other = subject.say("more work");
    let on = reference(subject.channel, other);
    outbox.set_status(&on, Status::Received).await.unwrap();
    let subject = subject.stop().await.restart(None).await;
    subject
        .outbox()
        .set_status(&on, Status::Done)
        .await
        .unwrap();
    let signs = subject.discord.look(|world| world.reactions(other));
    assert_eq!(signs, ["✅"]);
    let last = reference(subject.channel, subject.say("no sign so far"));
    subject
        .outbox()
        .set_status(&last, Status::Stopped)
        .await
        .unwrap();
}

#[tokio::test]
async fn signs_that_are_not_allowed_are_unsupported() {
    let permissions = [Permission::ViewChannel, Permission::SendMessages];
    let subject = Subject::start_on(Discord::builder().permissions(&permissions)).await;
    let said = subject.say("work");
    let refused = subject
        .outbox()
        .set_status(&reference(subject.channel, said), Status::Received)
        .await;
    assert!(
        matches!(refused, Err(DeliveryError::Unsupported)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn typing_is_shown() {
    let subject = Subject::start().await;
    subject
        .outbox()
        .typing(&place(subject.channel))
        .await
        .unwrap();
    let typed = subject
        .discord
        .look(|world| world.typing_count(subject.channel));
    assert_eq!(typed, 1);
}
