//! What the CLI does with messages that come during a turn, and with a turn that is stopped.

use mpg_core::agent::{AgentEvent, AgentSpec, FailureKind};
use mpg_core::port::{SessionStart, Submitted};
use serde_json::json;

use crate::fixture::{Fixture, Running, default_agent, rules, submission, tool};

fn with_shell() -> AgentSpec {
    AgentSpec {
        allowed_tools: rules(&["Bash"]),
        ..default_agent()
    }
}

fn shell(command: &str) -> String {
    tool(
        "Bash",
        &json!({ "command": command, "description": "a command" }),
    )
}

/// Steps before an answer in which the CLI reads what has come by then.
fn steps() -> String {
    [shell("true"), shell("true")].join("\n")
}

async fn until_tool(running: &mut Running) {
    while !matches!(running.next().await, AgentEvent::ToolStarted { .. }) {}
}

#[tokio::test]
async fn a_message_during_a_tool_is_answered_by_the_turn_that_runs() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(with_shell()).await;
    let go = fixture.project().join("go");
    let wait = shell(&format!(
        "until [ -e {} ]; do sleep 0.05; done",
        go.display()
    ));
    let first = running
        .ask(&format!("{wait}\n{}\nSAY:both are done", steps()))
        .await;
    until_tool(&mut running).await;
    let second = running.ask("and this, too").await;
    std::fs::write(go, "").unwrap();
    let report = running.turn().await.1;
    assert_eq!(report.submits, [first, second]);
    assert_eq!(report.result.unwrap(), "both are done");
    assert_eq!(report.partial, None);
    let requests = fixture.api.turn_requests();
    let asked = &requests.last().unwrap().body;
    assert!(asked.to_string().contains("and this, too"), "{asked}");
    assert_eq!(running.answer("SAY:and on").await, "and on");
    running.close().await;
}

#[tokio::test]
async fn a_message_during_the_last_text_is_a_turn_of_its_own() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    let first = running.ask("HOLD:it\nSAY:one").await;
    fixture.api.asked("SAY:one").await;
    let second = running.ask("SAY:two").await;
    let third = running.ask("SAY:three").await;
    fixture.api.release("it");
    let report = running.turn().await.1;
    assert_eq!(report.submits, [first]);
    assert_eq!(report.result.unwrap(), "one");
    // One turn for both where the CLI had read both by then, else one for each.
    let mut answered = Vec::new();
    while answered.len() < 2 {
        let report = running.turn().await.1;
        assert!(report.result.is_ok(), "{report:?}");
        answered.extend(report.submits);
    }
    assert_eq!(answered, [second, third]);
    running.close().await;
}

#[tokio::test]
async fn a_message_that_is_withdrawn_is_not_read() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(with_shell()).await;
    let go = fixture.project().join("go");
    let wait = shell(&format!(
        "until [ -e {} ]; do sleep 0.05; done",
        go.display()
    ));
    let first = running
        .ask(&format!("{wait}\n{}\nSAY:alone", steps()))
        .await;
    until_tool(&mut running).await;
    let second = running.ask("SAY:never said").await;
    running.control.withdraw(second).await;
    // What is answered behind it comes behind it.
    let third = running.ask("this stays").await;
    std::fs::write(go, "").unwrap();
    let report = running.turn().await.1;
    assert_eq!(report.submits, [first, third]);
    assert_eq!(running.answer("SAY:and on").await, "and on");
    let requests = fixture.api.turn_requests();
    let asked = requests.last().unwrap().body.to_string();
    assert!(asked.contains("this stays") && !asked.contains("never said"));
    running.close().await;
}

#[tokio::test]
async fn a_turn_is_interrupted_during_a_long_command() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(with_shell()).await;
    let late = fixture.project().join("late");
    let command = shell(&format!("sleep 20; touch {}", late.display()));
    let id = running.ask(&format!("{command}\nSAY:too late")).await;
    until_tool(&mut running).await;
    running.control.interrupt().await;
    let report = running.turn().await.1;
    assert!(!late.exists(), "the turn ends before the command would");
    assert_eq!(report.submits, [id]);
    assert_eq!(report.result.unwrap_err().kind, FailureKind::Interrupted);
    let partial = report.partial.unwrap();
    assert_eq!((partial.text.as_str(), partial.steps), ("", 1));
    assert_eq!(running.answer("SAY:still there").await, "still there");
    running.close().await;
}

#[tokio::test]
async fn what_was_written_before_an_interruption_is_reported() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(with_shell()).await;
    let read = tool("Bash", &json!({ "command": "true", "description": "x" }));
    running
        .ask(&format!("{read}\nSTALL:this goes on and on"))
        .await;
    let mut text = String::new();
    while !text.contains("on and on") {
        if let AgentEvent::Text { delta } = running.next().await {
            text.push_str(&delta);
        }
    }
    running.control.interrupt().await;
    let partial = running.turn().await.1.partial.unwrap();
    assert_eq!(partial.text, text.trim_end());
    assert_eq!((partial.steps, partial.cut), (1, false));
    running.close().await;
}

#[tokio::test]
async fn an_interruption_leaves_the_next_message_alone() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(with_shell()).await;
    let first = running.ask(&format!("{}\nSAY:x", shell("sleep 20"))).await;
    until_tool(&mut running).await;
    let second = running.ask("SAY:the next one").await;
    running.control.interrupt().await;
    let report = running.turn().await.1;
    assert_eq!(report.submits, [first]);
    assert_eq!(report.result.unwrap_err().kind, FailureKind::Interrupted);
    let report = running.turn().await.1;
    assert_eq!(report.submits, [second]);
    assert_eq!(report.result.unwrap(), "the next one");
    running.close().await;
}

#[tokio::test]
async fn a_message_that_died_with_its_agent_unread_runs_in_the_next_one() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(with_shell()).await;
    running.answer("SAY:begun").await;
    running.ask(&format!("{}\nSAY:x", shell("sleep 20"))).await;
    until_tool(&mut running).await;
    let mut second = submission("SAY:read at last");
    assert_eq!(running.submit(second.clone()).await, Submitted::New);
    let id = running.id;
    running.close().await;
    let mut running = fixture
        .open_as(id, SessionStart::Resume, with_shell())
        .await
        .unwrap();
    second.repeat = true;
    assert_eq!(running.submit(second.clone()).await, Submitted::New);
    let report = running.turn().await.1;
    assert_eq!(report.submits, [second.id]);
    assert_eq!(report.result.unwrap(), "read at last");
    running.close().await;
}
