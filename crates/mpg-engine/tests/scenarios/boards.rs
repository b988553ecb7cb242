//! The message of a channel that tells what its threads do.

use std::time::Duration;

use mpg_core::capability::Capabilities;
use mpg_core::id::MessageId;
use mpg_core::post::PostKind;
use mpg_testkit::fake::{FakePlatform, Fault, Happening, Verb};

use crate::stage::{Stage, say, script, wait, with_edits};

/// A platform where it can be pinned, and agents that take so many seconds.
fn stage(seconds: u64) -> Stage {
    let can = Capabilities {
        pins: true,
        ..with_edits()
    };
    let agents = script(move |text, _| vec![wait(seconds), say(&format!("re: {text}"))]);
    let mut stage = Stage::on(FakePlatform::with(can), agents);
    stage.status_message = true;
    stage
}

/// What it said, when it said it, and in which message.
fn said(chat: &FakePlatform) -> Vec<(Duration, MessageId, String)> {
    chat.look(|world| {
        let entries = world.entries().iter();
        let said = entries.filter_map(|entry| {
            let (Happening::Posted { id, post, .. } | Happening::Replaced { id, post, .. }) =
                &entry.happening
            else {
                return None;
            };
            let ours = post.kind == PostKind::Board;
            ours.then(|| (entry.at, id.clone(), post.text.clone()))
        });
        said.collect()
    })
}

async fn says(stage: &Stage, text: &str) {
    stage
        .chat
        .wait_until(|world| {
            let mut posts = world.posts().iter();
            posts.any(|posted| {
                posted.post.kind == PostKind::Board && posted.post.text.contains(text)
            })
        })
        .await;
}

fn messages(chat: &FakePlatform) -> usize {
    let said = said(chat);
    let ids: std::collections::BTreeSet<_> = said.iter().map(|(_, id, _)| id).collect();
    ids.len()
}

#[tokio::test(start_paused = true)]
async fn a_channel_tells_what_its_threads_do_in_one_pinned_message() {
    let stage = stage(20);
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "one");
    says(&stage, "1 at work").await;
    stage.chat.say(&stage.general, "ann", "two");
    says(&stage, "2 at work").await;
    says(&stage, "nothing runs").await;
    let thread = stage.chat.thread_of(&first);
    let last = said(&stage.chat).pop().expect("it said something").2;
    assert!(last.contains(&format!("💤 <{thread}> · idle")), "{last}");
    engine.drain().await;
    assert_eq!(messages(&stage.chat), 1, "{}", stage.chat.transcript());
    let pinned = stage.chat.look(|world| {
        let entries = world.entries().iter();
        entries
            .filter(|entry| matches!(entry.happening, Happening::Pinned { .. }))
            .count()
    });
    assert_eq!(pinned, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_soon_is_not_shown_and_the_end_of_the_gateway_is() {
    let stage = stage(1);
    let engine = stage.start().await;
    for number in 0..20 {
        stage.chat.say(&stage.general, "ann", &number.to_string());
        stage.posts(number + 2).await;
    }
    says(&stage, "nothing runs").await;
    let changes = said(&stage.chat).len();
    assert!(changes <= 9, "{}", stage.chat.transcript());
    stage.chat.say(&stage.general, "ann", "the last one");
    stage.posts(22).await;
    engine.drain().await;
    let last = said(&stage.chat).pop().expect("it said something").2;
    assert!(last.contains("nothing runs"), "{last}");
}

#[tokio::test(start_paused = true)]
async fn another_gateway_goes_on_in_the_message_whenever_the_first_one_dies() {
    for (verb, fault) in [
        (Verb::Post, Fault::ReplyLost),
        (Verb::Post, Fault::Lost),
        (Verb::Pin, Fault::Hang),
        (Verb::Edit, Fault::Hang),
    ] {
        let stage = stage(30);
        stage.chat.fault(verb, fault);
        let engine = stage.start().await;
        stage.chat.say(&stage.general, "ann", "one");
        stage
            .chat
            .wait_until(|world| {
                let mut entries = world.entries().iter();
                entries.any(|entry| entry.happening == Happening::Faulty(verb, fault))
            })
            .await;
        engine.abort().await;
        let engine = stage.start().await;
        says(&stage, "1 at work").await;
        says(&stage, "nothing runs").await;
        engine.drain().await;
        let transcript = stage.chat.transcript();
        assert_eq!(messages(&stage.chat), 1, "{verb} {fault}:\n{transcript}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_pinned_or_changed_harms_nothing() {
    for (verb, fault) in [
        (Verb::Pin, Fault::Unsupported),
        (Verb::Pin, Fault::Panic),
        (Verb::Edit, Fault::Transient { retry_after: None }),
        (Verb::Edit, Fault::Rejected),
        (Verb::Edit, Fault::Panic),
        (Verb::Edit, Fault::Hang),
    ] {
        let stage = stage(30);
        stage.chat.fault(verb, fault);
        let engine = stage.start().await;
        stage.chat.say(&stage.general, "ann", "one");
        says(&stage, "nothing runs").await;
        engine.drain().await;
        assert_eq!(messages(&stage.chat), 1, "{verb} {fault}");
        let texts = stage.texts();
        assert!(texts.contains(&"re: one".to_owned()), "{texts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_gone_is_made_anew_and_not_at_once() {
    let stage = stage(10);
    let engine = stage.start().await;
    stage.chat.fault(Verb::Edit, Fault::Gone);
    stage.chat.say(&stage.general, "ann", "one");
    stage.posts(3).await;
    stage.chat.say(&stage.general, "ann", "two");
    stage.posts(5).await;
    assert_eq!(messages(&stage.chat), 1, "{}", stage.chat.transcript());
    tokio::time::advance(Duration::from_mins(20)).await;
    stage.chat.say(&stage.general, "ann", "three");
    says(&stage, "nothing runs").await;
    engine.drain().await;
    assert_eq!(messages(&stage.chat), 2, "{}", stage.chat.transcript());
}
