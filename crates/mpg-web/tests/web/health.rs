//! Health says what is true.

use std::time::Duration;

use axum::http::StatusCode;
use jiff::Timestamp;
use mpg_core::message::Link;
use mpg_core::observe::{Observer as _, Sight};
use mpg_web::Status;
use serde_json::json;

use crate::stage::{Stage, chat, idle};

fn linked(stage: &Stage, link: &Link) {
    let platform = chat();
    let sight = Sight::Linked {
        platform: &platform,
        link,
    };
    stage.watch.see(Timestamp::UNIX_EPOCH, &sight);
}

#[tokio::test(start_paused = true)]
async fn health_follows_the_connection_and_the_loop() {
    let stage = Stage::new();
    linked(&stage, &Link::Connected);
    tokio::time::advance(Duration::from_mins(5)).await;
    let well = stage.get("/health").await;
    assert_eq!(well.status, StatusCode::OK);
    assert_eq!(
        well.json(),
        json!({
            "status": "ok",
            "uptime": 300,
            "sessions": {"active": 0, "queued": 0},
            "chat": "connected",
        })
    );

    let away = Link::Degraded {
        reason: "no route to a secret host".to_owned(),
    };
    linked(&stage, &away);
    let soon = stage.get("/health").await;
    assert_eq!(soon.status, StatusCode::OK, "it may be back in a moment");
    assert_eq!(soon.json()["chat"], "reconnecting");

    tokio::time::advance(Duration::from_mins(2)).await;
    let down = stage.get("/health").await;
    assert_eq!(down.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(down.json()["status"], "failing");
    assert_eq!(down.json()["problems"], json!(["chat is not connected"]));
    assert!(!down.body.contains("secret host"), "anybody may ask");

    linked(&stage, &Link::Resumed);
    assert_eq!(stage.get("/health").await.status, StatusCode::OK);

    // Whose state cannot be written ends, and answers nothing any more.
    stage.desk.says(None);
    let ended = stage.get("/health").await;
    assert_eq!(ended.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ended.json()["problems"], json!(["the gateway has ended"]));
}

#[tokio::test(start_paused = true)]
async fn one_that_ends_as_it_was_told_to_is_well() {
    let stage = Stage::new();
    linked(&stage, &Link::Connected);
    stage.desk.says(Some(Status {
        draining: true,
        ..idle()
    }));
    let ending = stage.get("/health").await;
    assert_eq!(ending.status, StatusCode::OK);
    assert_eq!(ending.json()["status"], "draining");
}
