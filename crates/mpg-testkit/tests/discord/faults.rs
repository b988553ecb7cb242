//! Rate limits and faults as they look on the wire.

use std::time::Duration;

use mpg_testkit::discord::{Discord, Fault, Quota, RateLimits, Scope};
use twilight_http::error::ErrorType;

use crate::bot::{Scene, post, refusal};

const MESSAGES: &str = "/channels/*/messages";

#[tokio::test]
async fn a_cut_answer_leaves_the_outcome_to_the_nonce() {
    let scene = Scene::new().await;
    let http = scene.http();
    scene
        .discord
        .fault("POST", MESSAGES, Fault::CutAfterHandling, 1);
    let cut = post(&http, scene.channel, "once", "n").await.unwrap_err();
    assert!(matches!(cut.kind(), ErrorType::RequestError), "{cut:?}");
    assert_eq!(scene.discord.bot_texts(scene.channel), ["once"]);
    post(&http, scene.channel, "once", "n").await.unwrap();
    assert_eq!(scene.discord.bot_texts(scene.channel), ["once"]);
    let statuses: Vec<_> = scene
        .discord
        .calls()
        .iter()
        .map(|call| call.status)
        .collect();
    assert_eq!(statuses, [None, Some(200)]);
}

#[tokio::test]
async fn a_cut_request_is_not_carried_out() {
    let scene = Scene::new().await;
    let http = scene.http();
    scene
        .discord
        .fault("POST", MESSAGES, Fault::CutBeforeHandling, 1);
    let cut = post(&http, scene.channel, "no", "n").await.unwrap_err();
    assert!(matches!(cut.kind(), ErrorType::RequestError), "{cut:?}");
    assert!(scene.discord.messages(scene.channel).is_empty());
    assert_eq!(scene.discord.call_count("POST", MESSAGES), 1);
}

#[tokio::test]
async fn statuses_and_codes_on_demand() {
    let scene = Scene::new().await;
    let http = scene.http();
    let gone = Fault::Error {
        status: 404,
        code: 10003,
    };
    scene.discord.fault("POST", MESSAGES, Fault::Status(503), 1);
    scene.discord.fault("POST", MESSAGES, gone, 1);
    let delay = Fault::Delay(Duration::from_millis(1));
    scene.discord.fault("POST", MESSAGES, delay, 1);
    let error = post(&http, scene.channel, "a", "n").await.unwrap_err();
    assert_eq!(refusal(&error), (503, 0));
    let error = post(&http, scene.channel, "a", "n").await.unwrap_err();
    assert_eq!(refusal(&error), (404, 10003));
    post(&http, scene.channel, "a", "n").await.unwrap();
    assert_eq!(scene.discord.bot_texts(scene.channel), ["a"]);
}

#[tokio::test]
async fn answers_can_be_held_back() {
    let scene = Scene::new().await;
    let http = scene.http();
    scene.discord.fault("POST", MESSAGES, Fault::HoldAnswer, 1);
    let posting = post(&http, scene.channel, "a", "n");
    let releasing = async {
        scene
            .discord
            .wait_for(|world| world.held_count() == 1)
            .await;
        assert_eq!(scene.discord.bot_texts(scene.channel), ["a"]);
        scene.discord.release();
    };
    let (posted, ()) = tokio::join!(posting, releasing);
    posted.unwrap();
}

#[tokio::test]
async fn a_rate_limit_is_waited_out() {
    let window = Duration::from_millis(50);
    let limits = RateLimits {
        messages: Quota::new(2, window),
        ..RateLimits::generous()
    };
    let scene = Scene::with(Discord::builder().rate_limits(limits)).await;
    let http = scene.http();
    for nonce in ["a", "b", "c", "d", "e"] {
        post(&http, scene.channel, nonce, nonce).await.unwrap();
    }
    assert_eq!(
        scene.discord.bot_texts(scene.channel),
        ["a", "b", "c", "d", "e"]
    );
}

#[tokio::test]
async fn each_sort_of_429_is_repeated_and_counted() {
    let scene = Scene::new().await;
    let retry_after = Duration::from_millis(10);
    for (scope, html) in [
        (Some(Scope::User), false),
        (Some(Scope::Shared), false),
        (Some(Scope::Global), false),
        (None, false),
        (None, true),
    ] {
        let http = scene.http();
        let before = scene.discord.call_count("POST", MESSAGES);
        let fault = Fault::RateLimited {
            retry_after,
            scope,
            html,
        };
        scene.discord.fault("POST", MESSAGES, fault, 1);
        let nonce = format!("{scope:?}{html}");
        post(&http, scene.channel, "a", &nonce).await.unwrap();
        assert_eq!(scene.discord.call_count("POST", MESSAGES) - before, 2);
    }
    let limited = scene.discord.calls();
    let limited = limited.iter().filter(|call| call.status == Some(429));
    assert_eq!(limited.count(), 5);
}
