use std::fs;
use std::sync::Arc;

use mpg_claude::{ClaudeRuntime, OLDEST_VERSION, VersionError, version};
use mpg_core::agent::{AgentEvent, AgentSpec, FailureKind};
use mpg_core::port::{AgentRuntime as _, OpenError, SessionStart, Submitted};
use mpg_testkit::claude_cli::{CLAUDE_VERSION, claude};
use mpg_testkit::messages_api::cli_environment;
use serde_json::json;

use crate::fixture::{Fixture, default_agent, new_session, submission, tool, write};

#[tokio::test]
async fn a_first_message_is_answered_in_parts() {
    let fixture = Fixture::start().await;
    let agent = AgentSpec {
        system_prompt: Some("Speak like a pirate.".to_owned()),
        ..default_agent()
    };
    let mut running = fixture.open(agent).await;
    let id = running
        .ask("THINK:let me see\nSAY:hello from a model that writes more than one delta")
        .await;
    let (events, report) = running.turn().await;
    let mut text = String::new();
    let mut thought = String::new();
    let mut ends = 0;
    for event in &events {
        match event {
            AgentEvent::Text { delta } => text.push_str(delta),
            AgentEvent::Thinking { delta } => thought.push_str(delta),
            AgentEvent::TextEnded => ends += 1,
            _ => {}
        }
    }
    assert!(matches!(events[0], AgentEvent::Started { .. }));
    assert_eq!(text, "hello from a model that writes more than one delta");
    assert_eq!(thought, "let me see");
    assert_eq!(ends, 1);
    assert_eq!(report.submits, [id]);
    assert_eq!(report.result.unwrap(), text);
    assert!(report.usage.input_tokens > 0 && report.usage.output_tokens > 0);
    let request = &fixture.api.turn_requests()[0];
    assert!(request.system().contains("Speak like a pirate."));
    running.close().await;
}

#[tokio::test]
async fn a_follow_up_and_a_resumed_session_know_what_was_said() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    running.answer("SAY:the first answer").await;
    let first = running.processes();
    running.answer("remember\nSAY:the second answer").await;
    assert_eq!(running.processes(), first, "the process was kept");
    let id = running.id;
    running.close().await;
    let mut running = fixture
        .open_as(id, SessionStart::Resume, default_agent())
        .await
        .unwrap();
    running.answer("SAY:the third answer").await;
    let requests = fixture.api.turn_requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[1].answers(), ["the first answer"]);
    assert_eq!(
        requests[2].answers(),
        ["the first answer", "the second answer"]
    );
    assert!(requests[2].prompts()[1].contains("remember"));
    running.close().await;
}

#[tokio::test]
async fn a_session_that_begins_twice_goes_on() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    running.answer("SAY:one").await;
    let id = running.id;
    running.close().await;
    let mut running = fixture
        .open_as(id, SessionStart::New, default_agent())
        .await
        .unwrap();
    running.answer("SAY:two").await;
    let requests = fixture.api.turn_requests();
    assert_eq!(requests[1].answers(), ["one"]);
    running.close().await;
}

#[tokio::test]
async fn a_session_has_one_process() {
    let fixture = Fixture::start().await;
    let running = fixture.open(default_agent()).await;
    let second = fixture
        .open_as(running.id, SessionStart::Resume, default_agent())
        .await;
    assert!(matches!(second.err(), Some(OpenError::InUse(id)) if id == running.id));
    running.close().await;
}

#[tokio::test]
async fn a_tool_edits_a_file_of_the_project() {
    let fixture = Fixture::start().await;
    let file = fixture.project().join("notes.txt");
    fs::write(&file, "one\n").unwrap();
    let mut running = fixture.open(default_agent()).await;
    let read = tool("Read", &json!({ "file_path": file }));
    let input = json!({ "file_path": file, "old_string": "one", "new_string": "two" });
    let edit = tool("Edit", &input);
    running
        .ask(&format!("{read}\n{edit}\nSAY:changed\\nand done"))
        .await;
    let (events, report) = running.turn().await;
    assert_eq!(report.result.unwrap(), "changed\nand done");
    assert_eq!(fs::read_to_string(&file).unwrap(), "two\n");
    let tools: Vec<String> = events
        .iter()
        .filter_map(|event| match event {
            AgentEvent::ToolStarted { name, summary, .. } => Some(format!("{name} {summary}")),
            AgentEvent::ToolEnded { is_error, .. } => Some(format!("ended {is_error}")),
            _ => None,
        })
        .collect();
    assert_eq!(
        tools,
        [
            "Read notes.txt".to_owned(),
            "ended false".to_owned(),
            "Edit notes.txt".to_owned(),
            "ended false".to_owned(),
        ]
    );
    running.close().await;
}

#[tokio::test]
async fn messages_sent_together_are_each_covered_once() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    let file = fixture.project().join("x");
    let first = running
        .ask(&format!("HOLD:it\n{}\nSAY:one", write(&file, "x")))
        .await;
    fixture.api.asked("SAY:one").await;
    let second = running.ask("SAY:two").await;
    fixture.api.release("it");
    let mut covered = Vec::new();
    while covered.len() < 2 {
        let report = running.turn().await.1;
        assert!(report.result.is_ok());
        covered.extend(report.submits);
    }
    assert_eq!(covered, [first, second]);
    running.close().await;
}

#[tokio::test]
async fn a_failed_turn_is_an_error_whatever_its_subtype() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    running.ask("FAIL:400").await;
    let (events, report) = running.turn().await;
    let failure = report.result.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Agent);
    assert!(failure.message.contains("400"), "{}", failure.message);
    let spoke = |event: &AgentEvent| matches!(event, AgentEvent::Text { .. });
    assert!(!events.iter().any(spoke), "an API error is no answer");
    assert_eq!(running.answer("SAY:fine again").await, "fine again");
    running.close().await;
}

#[tokio::test]
async fn retries_are_reported_and_can_be_interrupted() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    running.ask("FAIL:529").await;
    let retry = loop {
        if let AgentEvent::Retrying(retry) = running.next().await {
            break retry;
        }
    };
    assert_eq!(retry.attempt, 1);
    assert!(retry.max > 1 && !retry.delay.is_zero());
    running.control.interrupt().await;
    let failure = running.turn().await.1.result.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Interrupted);
    running.close().await;
}

#[tokio::test]
async fn a_turn_is_interrupted_while_the_model_is_silent_and_while_it_writes() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    running.ask("silent\nHANG").await;
    fixture.api.asked("silent").await;
    running.control.interrupt().await;
    let failure = running.turn().await.1.result.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Interrupted);
    running.ask("STALL:this goes on and on").await;
    while !matches!(running.next().await, AgentEvent::Text { .. }) {}
    running.control.interrupt().await;
    let failure = running.turn().await.1.result.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Interrupted);
    assert_eq!(running.answer("SAY:still there").await, "still there");
    running.close().await;
}

#[tokio::test]
async fn a_command_of_the_cli_is_answered_by_the_cli() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    let answer = running.answer("/no-such-command").await;
    assert!(answer.contains("/no-such-command"), "{answer}");
    assert_eq!(running.answer("SAY:and on").await, "and on");
    running.close().await;
}

#[tokio::test]
async fn a_long_answer_arrives_whole() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    // Many times more events than may wait for a reader.
    running.ask("LONG:60000").await;
    let (events, report) = running.turn().await;
    let answer = report.result.unwrap();
    assert_eq!(answer.len(), 60_000);
    let text: String = events
        .iter()
        .filter_map(|event| match event {
            AgentEvent::Text { delta } => Some(delta.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(text, answer);
    running.close().await;
}

#[tokio::test]
async fn a_repeat_that_the_session_does_not_know_runs() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    let mut submission = submission("SAY:new after all");
    submission.repeat = true;
    assert_eq!(running.submit(submission.clone()).await, Submitted::New);
    let report = running.turn().await.1;
    assert_eq!(report.submits, [submission.id]);
    assert_eq!(report.result.unwrap(), "new after all");
    running.close().await;
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let fixture = Fixture::start().await;
    let environment = cli_environment(&fixture.project(), &fixture.api.url());
    let mut missing = fixture.config(environment.clone());
    missing.command = "/no/such/claude".to_owned();
    let runtime = Arc::new(ClaudeRuntime::new(missing));
    let spec = fixture.session_spec(new_session(), SessionStart::New, default_agent());
    let Err(OpenError::ProgramMissing { program, hint }) = runtime.open(spec).await else {
        panic!("a missing program was not reported");
    };
    assert_eq!(program, "/no/such/claude");
    assert!(hint.contains("npm install"));
    assert!(matches!(
        version("/no/such/claude", &environment).await,
        Err(VersionError::ProgramMissing { .. })
    ));
    let found = version(&claude().display().to_string(), &environment).await;
    let found = found.unwrap();
    assert_eq!(found.to_string(), CLAUDE_VERSION);
    assert!(found >= OLDEST_VERSION);
}

#[tokio::test]
async fn a_prompt_that_looks_like_flags_or_is_huge_is_a_prompt() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    let flags = "--dangerously-skip-permissions --help -p";
    assert_eq!(running.answer(&format!("{flags}\nSAY:one")).await, "one");
    // Longer than one argument of a program can be.
    let huge = "x".repeat(200 * 1024);
    assert_eq!(running.answer(&format!("{huge}\nSAY:two")).await, "two");
    let request = fixture.api.turn_requests().pop().unwrap();
    assert!(request.prompts()[0].starts_with(flags));
    for process in running.processes() {
        let line = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        assert!(!line.contains("SAY:"), "the prompt is for all to see");
    }
    running.close().await;
}
