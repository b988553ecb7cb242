use std::time::Duration;

use mpg_claude::ClaudeRuntime;
use mpg_core::agent::AgentEvent;
use mpg_core::port::{AgentRuntime as _, OpenError};
use mpg_testkit::conformance::runtime::nothing_left;

use crate::stage::{Running, Stage, is_empty, kill, submission};

#[tokio::test]
async fn a_session_without_a_gateway_is_found_taken_over_and_ended() {
    let stage = Stage::new();
    let first = stage.gateway(1);
    let mut running = Running::open(&first, stage.spec(None)).await;
    running.turn(&submission(1, "first")).await;
    assert_eq!(first.strays().await, [], "its own are none");
    running.leave().await;

    let second = stage.gateway(2);
    assert_eq!(second.strays().await, [stage.session]);
    let mut warm = Running::attach(&second, stage.session).await.unwrap();
    assert_eq!(second.strays().await, []);
    warm.turn(&submission(2, "second")).await;
    warm.close().await;
    nothing_left(stage.session);
    assert!(is_empty(&stage.path("sessions")));
    let gone = Running::attach(&second, stage.session).await;
    assert!(matches!(gone.err(), Some(OpenError::NotRunning)));
}

#[tokio::test]
async fn an_agent_without_a_keeper_is_ended_where_it_is_found() {
    let mut stage = Stage::new();
    stage.deaf = true;
    let held = stage.held(1);
    let running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    running.submit(&held).await.unwrap();
    stage.until("it runs", || stage.runs(&held) == 1).await;
    let keeper = stage.keeper().unwrap();
    running.die().await;
    kill(keeper);
    stage
        .until("the keeper is gone", || stage.keeper().is_none())
        .await;
    assert!(stage.agent().is_some());
    assert_eq!(stage.gateway(2).strays().await, []);
    nothing_left(stage.session);
    assert!(is_empty(&stage.path("sessions")), "its folder is left");
}

#[tokio::test]
async fn an_answer_that_nobody_read_is_found_and_goes_when_it_is_not_needed() {
    let stage = Stage::new();
    let mut config = stage.config(1);
    config.idle_limit = Duration::from_millis(1);
    let running = Running::open(&ClaudeRuntime::new(config), stage.spec(None)).await;
    running.submit(&submission(1, "first")).await.unwrap();
    running.die().await;
    stage.until_nobody().await;
    let gateway = stage.gateway(2);
    assert_eq!(gateway.strays().await, [stage.session]);
    let mut told = Running::attach(&gateway, stage.session).await.unwrap();
    assert!(told.ended().await.1.result.is_ok());
    assert!(matches!(
        told.next().await,
        Some((_, AgentEvent::Exited(_)))
    ));
    told.close().await;
    assert_eq!(gateway.strays().await, []);
    assert!(is_empty(&stage.path("sessions")));
}
