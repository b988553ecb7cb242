use std::sync::Arc;
use std::time::Duration;

use mpg_core::agent::{AgentEvent, AgentSpec, PermissionMode};
use mpg_core::port::{AgentRuntime as _, OpenError, SessionSpec, Submitted};
use mpg_testkit::conformance::runtime::nothing_left;

use crate::stage::{Running, Stage, again, is_empty, kill, submission};

#[tokio::test]
async fn a_running_turn_is_taken_over_and_its_answer_comes_once() {
    let stage = Stage::new();
    let held = stage.held(1);
    let running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    assert_eq!(running.submit(&held).await.unwrap(), Submitted::New);
    stage.until("it runs", || stage.runs(&held) == 1).await;
    let agent = stage.agent();
    running.die().await;

    let mut running = Running::open(&stage.gateway(2), stage.spec(Some(held.id))).await;
    assert_eq!(
        running.submit(&again(&held)).await.unwrap(),
        Submitted::Known
    );
    stage.let_go();
    let (seq, report) = running.ended().await;
    assert_eq!(report.submits, [held.id]);
    assert!(seq > running.replayed, "it came before");
    assert_eq!(stage.agent(), agent, "it is another process");
    running.control.acknowledge(seq).await;
    running.turn(&submission(2, "next")).await;
    assert_eq!(stage.runs(&held), 1, "it was run again");
    running.close().await;
    nothing_left(stage.session);
    assert!(
        is_empty(&stage.path("sessions")),
        "something is left on disk"
    );
}

#[tokio::test]
async fn an_answer_that_came_meanwhile_is_read() {
    let stage = Stage::new();
    let held = stage.held(1);
    let running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    running.submit(&held).await.unwrap();
    running.die().await;
    stage.let_go();

    let mut running = Running::open(&stage.gateway(2), stage.spec(Some(held.id))).await;
    assert_eq!(
        running.submit(&again(&held)).await.unwrap(),
        Submitted::Known
    );
    assert_eq!(running.ended().await.1.submits, [held.id]);
    assert_eq!(stage.runs(&held), 1);
    running.close().await;
}

#[tokio::test]
async fn what_the_keeper_never_had_is_run() {
    let stage = Stage::new();
    let mut running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    let last = running.turn(&submission(1, "first")).await;
    running.leave().await;
    let agent = stage.agent();

    let owed = submission(2, "second");
    let mut running = Running::open(&stage.gateway(2), stage.spec(Some(owed.id))).await;
    assert_eq!(running.submit(&again(&owed)).await.unwrap(), Submitted::New);
    let (seq, report) = running.ended().await;
    assert_eq!(report.submits, [owed.id]);
    assert!(seq > last, "the numbers began again");
    assert_eq!(stage.agent(), agent);
    running.close().await;
}

#[tokio::test]
async fn an_answer_outlives_its_agent_and_keeper() {
    let stage = Stage::new();
    let held = stage.held(1);
    let mut config = stage.config(1);
    config.idle_limit = Duration::from_millis(1);
    let running = Running::open(&mpg_claude::ClaudeRuntime::new(config), stage.spec(None)).await;
    running.submit(&held).await.unwrap();
    running.die().await;
    stage.let_go();
    stage.until_nobody().await;
    assert!(stage.kept().exists(), "the answer is lost");

    let gateway = stage.gateway(2);
    let mut told = Running::open(&gateway, stage.spec(Some(held.id))).await;
    assert_eq!(told.submit(&again(&held)).await.unwrap(), Submitted::Known);
    let other = told.submit(&submission(2, "another")).await;
    assert!(matches!(other, Err(OpenError::NotRunning)), "{other:?}");
    let (seq, report) = told.ended().await;
    assert_eq!(report.result, Ok("done".to_owned()));
    assert!(seq <= told.replayed, "it counts as something new");
    assert!(matches!(
        told.next().await,
        Some((_, AgentEvent::Exited(_)))
    ));
    assert_eq!(told.next().await, None);
    assert_eq!(stage.agent(), None, "a process was started for it");
    drop(told);
    gateway.acknowledge(stage.session, seq).await;
    assert!(
        !stage.kept().exists(),
        "it is stored, and kept all the same"
    );

    let mut running = Running::open(&gateway, stage.spec(None)).await;
    let next = running.turn(&submission(2, "another")).await;
    assert!(next > seq, "the numbers began again");
    running.close().await;
    assert_eq!(stage.runs(&held), 1);
}

#[tokio::test]
async fn an_agent_that_outlives_its_keeper_is_ended_before_another_is_started() {
    let mut stage = Stage::new();
    stage.deaf = true;
    let held = stage.held(1);
    let running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    running.submit(&held).await.unwrap();
    stage.until("it runs", || stage.runs(&held) == 1).await;
    let (keeper, agent) = (stage.keeper().unwrap(), stage.agent().unwrap());
    running.die().await;
    kill(keeper);
    let gone = || stage.keeper().is_none();
    stage.until("the keeper is gone", gone).await;
    assert_eq!(stage.agent(), Some(agent), "the agent went with it");

    let mut running = Running::open(&stage.gateway(2), stage.spec(Some(held.id))).await;
    let agents = stage.agents();
    assert!(agents.len() == 1 && agents != [agent], "{agents:?}");
    stage.let_go();
    assert_eq!(running.submit(&again(&held)).await.unwrap(), Submitted::New);
    running.ended().await;
    running.close().await;
    nothing_left(stage.session);
}

#[tokio::test]
async fn a_keeper_that_is_killed_under_its_gateway_is_an_agent_that_exited() {
    let stage = Stage::new();
    let held = stage.held(1);
    let gateway = stage.gateway(1);
    let mut running = Running::open(&gateway, stage.spec(None)).await;
    running.submit(&held).await.unwrap();
    stage.until("it runs", || stage.runs(&held) == 1).await;
    kill(stage.keeper().unwrap());
    loop {
        match running.next().await {
            Some((_, AgentEvent::Exited(_))) => break,
            Some(_) => {}
            None => panic!("no exit was reported"),
        }
    }
    assert_eq!(running.next().await, None);
    nothing_left(stage.session);
    let late = running.submit(&submission(2, "late")).await;
    assert!(matches!(late, Err(OpenError::NotRunning)), "{late:?}");
    running.control.close(Duration::ZERO).await;
    stage.let_go();
    let mut running = Running::open(&gateway, stage.spec(Some(held.id))).await;
    running.submit(&again(&held)).await.unwrap();
    running.ended().await;
    running.close().await;
}

#[tokio::test]
async fn a_turn_that_died_with_everything_is_asked_again() {
    let stage = Stage::new();
    let held = stage.held(1);
    let running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    running.submit(&held).await.unwrap();
    stage.until("it runs", || stage.runs(&held) == 1).await;
    let (keeper, agent) = (stage.keeper().unwrap(), stage.agent().unwrap());
    kill(keeper);
    kill(agent);
    running.die().await;
    stage.until_nobody().await;
    stage.let_go();
    let mut running = Running::open(&stage.gateway(2), stage.spec(Some(held.id))).await;
    assert_eq!(running.submit(&again(&held)).await.unwrap(), Submitted::New);
    assert_eq!(running.ended().await.1.submits, [held.id]);
    running.close().await;
}

#[tokio::test]
async fn other_settings_replace_an_idle_agent_and_wait_for_a_busy_one() {
    let stage = Stage::new();
    let mut running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    running.turn(&submission(1, "first")).await;
    let first = stage.agent();
    running.leave().await;
    let mut config = stage.config(2);
    let variable = ("MODE".to_owned(), "other".to_owned());
    config.environment.extend([variable]);
    let gateway = mpg_claude::ClaudeRuntime::new(config);
    let running = Running::open(&gateway, stage.spec(None)).await;
    let second = stage.agent();
    assert_ne!(first, second, "the old settings are still in force");
    let held = stage.held(2);
    running.submit(&held).await.unwrap();
    running.die().await;
    let mut running = Running::open(&stage.gateway(3), stage.spec(Some(held.id))).await;
    assert_eq!(stage.agent(), second, "a running turn was ended");
    stage.let_go();
    running.ended().await;
    running.close().await;
}

#[tokio::test]
async fn an_agent_without_limits_ends_its_turn_and_gets_no_other() {
    let stage = Stage::new();
    let unlimited = AgentSpec {
        permission_mode: PermissionMode::BypassPermissions,
        ..AgentSpec::default()
    };
    let unlimited = SessionSpec {
        agent: Arc::new(unlimited),
        ..stage.spec(None)
    };
    let held = stage.held(1);
    let running = Running::open(&stage.gateway(1), unlimited).await;
    assert!(!running.outdated);
    running.submit(&held).await.unwrap();
    stage.until("it runs", || stage.runs(&held) == 1).await;
    let agent = stage.agent();
    running.die().await;

    // A later gateway knows nothing of limits that were lifted.
    let gateway = stage.gateway(2);
    let mut running = Running::open(&gateway, stage.spec(Some(held.id))).await;
    assert!(running.outdated, "it would be used again");
    assert_eq!(stage.agent(), agent);
    assert_eq!(
        running.submit(&again(&held)).await.unwrap(),
        Submitted::Known
    );
    stage.let_go();
    let (seq, _) = running.ended().await;
    running.control.acknowledge(seq).await;
    running.close().await;
    let mut running = Running::open(&gateway, stage.spec(None)).await;
    assert!(!running.outdated);
    assert_ne!(stage.agent(), agent);
    running.turn(&submission(2, "next")).await;
    running.close().await;
    nothing_left(stage.session);
}
