//! Rate limits: what reaches the wire is counted.

use std::time::Duration;

use mpg_core::port::DeliveryError;
use mpg_core::post::Status;
use mpg_testkit::discord::{Fault, Scope};

use crate::subject::{Subject, place, post, reference};

/// Short enough to be waited out within a call.
const SHORT: Duration = Duration::from_millis(50);

/// Longer than any call waits.
const LONG: Duration = Duration::from_mins(10);

/// All forms that a 429 takes.
fn forms(retry_after: Duration) -> [Fault; 5] {
    let limited = |scope, html| Fault::RateLimited {
        retry_after,
        scope,
        html,
    };
    [
        limited(Some(Scope::User), false),
        limited(Some(Scope::Shared), false),
        limited(Some(Scope::Global), false),
        limited(None, false),
        limited(None, true),
    ]
}

/// One call of each verb that the adapter has.
async fn call(subject: &Subject, verb: usize, number: u32) -> Result<(), DeliveryError> {
    let outbox = subject.outbox();
    let said = subject.say("work");
    let on = reference(subject.channel, said);
    match verb {
        0 => outbox
            .post(&place(subject.channel), &post(number, "text"))
            .await
            .map(drop),
        1 => outbox.open_thread(&on, "title").await.map(drop),
        2 => outbox.set_status(&on, Status::Received).await,
        _ => outbox.typing(&place(subject.channel)).await,
    }
}

const VERBS: usize = 4;

#[tokio::test]
async fn a_long_limit_is_told_after_one_request() {
    for form in forms(LONG) {
        for verb in 0..VERBS {
            let subject = Subject::start().await;
            subject.discord.fault("*", "**", form.clone(), 1000);
            let error = call(&subject, verb, 1).await.unwrap_err();
            let DeliveryError::Transient {
                retry_after: Some(wait),
                ..
            } = error
            else {
                panic!("{form:?}, verb {verb}: {error:?}");
            };
            assert_eq!(wait, LONG, "{form:?}, verb {verb}");
            let calls = subject.discord.look(|world| world.calls().len());
            assert_eq!(calls, 1, "{form:?}, verb {verb}");
        }
    }
}

#[tokio::test]
async fn a_global_limit_holds_all_calls_back() {
    let [_, _, everything @ ..] = forms(LONG);
    for form in everything {
        let subject = Subject::start().await;
        subject.discord.fault("*", "**", form.clone(), 1);
        call(&subject, 0, 1).await.unwrap_err();
        for verb in 0..VERBS {
            let error = call(&subject, verb, 2).await.unwrap_err();
            assert!(
                matches!(
                    error,
                    DeliveryError::Transient {
                        retry_after: Some(_),
                        ..
                    }
                ),
                "{form:?}, verb {verb}: {error:?}"
            );
        }
        let calls = subject.discord.look(|world| world.calls().len());
        assert_eq!(calls, 1, "{form:?}");
    }
}

#[tokio::test]
async fn a_short_limit_is_waited_out() {
    for form in forms(SHORT) {
        for verb in 0..VERBS {
            let subject = Subject::start().await;
            subject.discord.fault("*", "**", form.clone(), 1);
            call(&subject, verb, 1)
                .await
                .unwrap_or_else(|error| panic!("{form:?}, verb {verb}: {error:?}"));
            let calls = subject.discord.look(|world| world.calls().len());
            assert_eq!(calls, 2, "{form:?}, verb {verb}");
        }
    }
}

#[tokio::test]
async fn a_limit_without_end_gets_three_requests() {
    for form in forms(SHORT) {
        let subject = Subject::start().await;
        subject.discord.fault("*", "**", form.clone(), 1000);
        let error = call(&subject, 0, 1).await.unwrap_err();
        assert!(
            matches!(error, DeliveryError::Transient { .. }),
            "{form:?}: {error:?}"
        );
        let calls = subject.discord.look(|world| world.calls().len());
        assert_eq!(calls, 3, "{form:?}");
    }
}

#[tokio::test]
async fn other_channels_go_on_while_one_is_limited() {
    let subject = Subject::start().await;
    let other = subject.discord.add_channel(subject.guild, "other");
    let [user, ..] = forms(LONG);
    let path = format!("/channels/{}/messages", subject.channel);
    subject.discord.fault("POST", &path, user, 1);
    call(&subject, 0, 1).await.unwrap_err();
    subject
        .outbox()
        .post(&place(other), &post(2, "text"))
        .await
        .unwrap();
}
