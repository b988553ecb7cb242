use std::time::Duration;

use mpg_claude::ClaudeRuntime;
use mpg_core::agent::Persistence;
use mpg_core::port::SessionSpec;
use mpg_testkit::conformance::runtime::nothing_left;

use crate::stage::{Running, Stage, is_empty, submission};

#[tokio::test]
async fn one_that_is_not_kept_ends_with_its_gateway() {
    let stage = Stage::new();
    let spec = stage.spec_of(Persistence::None);
    let running = Running::open(&stage.gateway(1), spec).await;
    running.submit(&stage.held(1)).await.unwrap();
    running.die().await;
    stage.until_nobody().await;
    stage
        .until("its folder is gone", || is_empty(&stage.path("sessions")))
        .await;
}

#[tokio::test]
async fn one_that_is_not_kept_is_ended_when_it_is_left() {
    let stage = Stage::new();
    let spec = stage.spec_of(Persistence::None);
    let mut running = Running::open(&stage.gateway(1), spec).await;
    running.turn(&submission(1, "first")).await;
    running.leave().await;
    nothing_left(stage.session);
}

#[tokio::test]
async fn one_that_served_nobody_is_not_kept() {
    let stage = Stage::new();
    let running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    running.die().await;
    stage.until_nobody().await;
}

#[tokio::test]
async fn an_idle_one_that_nobody_owns_is_closed_after_its_limit() {
    let stage = Stage::new();
    let mut config = stage.config(1);
    config.idle_limit = Duration::from_millis(50);
    let mut running = Running::open(&ClaudeRuntime::new(config), stage.spec(None)).await;
    running.turn(&submission(1, "first")).await;
    // With a gateway it stays, however long it is idle: the next turn finds the same agent.
    let agent = stage.agent();
    running.turn(&submission(2, "second")).await;
    assert_eq!(stage.agent(), agent);
    running.leave().await;
    stage.until_nobody().await;
    stage
        .until("its folder is gone", || is_empty(&stage.path("sessions")))
        .await;
}

#[tokio::test]
async fn a_turn_that_nobody_owns_is_ended_after_its_limit() {
    let stage = Stage::new();
    let spec = SessionSpec {
        turn_limit: Duration::from_millis(50),
        ..stage.spec(None)
    };
    let mut config = stage.config(1);
    config.grace = Duration::ZERO;
    let running = Running::open(&ClaudeRuntime::new(config), spec).await;
    running.submit(&stage.held(1)).await.unwrap();
    running.die().await;
    stage.until_nobody().await;
}
