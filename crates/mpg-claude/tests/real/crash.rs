use std::fs;
use std::time::Duration;

use mpg_core::agent::{AgentEvent, FailureKind, Persistence};
use mpg_core::id::SessionId;
use mpg_core::port::{SessionStart, Submission, Submitted};
use mpg_testkit::conformance::runtime::{carriers, nothing_left};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::fixture::{Fixture, Running, default_agent, new_session, rules, submission, tool};

fn kill(running: &Running) {
    for process in running.processes() {
        // A child of one that was killed before may be gone already.
        let _gone = kill_process(Pid::from_raw(process).unwrap(), Signal::KILL).is_err();
    }
}

#[tokio::test]
async fn a_cli_that_is_killed_ends_its_turn_and_is_gone() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    let id = running.ask("cut off\nHANG").await;
    fixture.api.asked("cut off").await;
    kill(&running);
    let (_, report) = running.turn().await;
    assert_eq!(report.submits, [id]);
    assert_eq!(report.result.unwrap_err().kind, FailureKind::Exited);
    let AgentEvent::Exited(exit) = running.next().await else {
        panic!("the exit follows the turn");
    };
    assert_eq!(exit.code, Some(137));
    assert_eq!(running.events.next().await, None);
    nothing_left(running.id);
    let late = submission("SAY:late");
    assert!(running.control.submit(late).await.is_err());
    running.close().await;
}

#[tokio::test]
async fn a_repeat_of_what_was_cut_off_is_recognised() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    running.answer("SAY:history").await;
    let mut submission = submission("cut off\nHANG");
    running.submit(submission.clone()).await;
    fixture.api.asked("cut off").await;
    in_transcript(&fixture, &submission).await;
    kill(&running);
    let session = running.id;
    running.turn().await;
    running.close().await;

    let mut running = fixture
        .open_as(session, SessionStart::Resume, default_agent())
        .await
        .unwrap();
    submission.repeat = true;
    assert_eq!(
        running.submit(submission.clone()).await,
        Submitted::InterruptedBefore
    );
    assert_eq!(
        running.submit(submission).await,
        Submitted::InterruptedBefore
    );
    assert_eq!(running.answer("SAY:going on").await, "going on");
    let last = fixture.api.turn_requests().pop().unwrap();
    assert!(last.prompts().iter().any(|text| text.contains("cut off")));
    running.close().await;
}

#[tokio::test]
async fn a_repeat_is_recognised_when_the_keeper_died_too() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    running.answer("SAY:history").await;
    let mut submission = submission("cut off\nHANG");
    running.submit(submission.clone()).await;
    fixture.api.asked("cut off").await;
    in_transcript(&fixture, &submission).await;
    let keeper = keeper_of(running.id);
    kill_process(keeper, Signal::KILL).unwrap();
    // The CLI follows its keeper, and it is ended by whoever comes next.
    let session = running.id;
    drop(running);

    let mut running = fixture
        .open_as(session, SessionStart::Resume, default_agent())
        .await
        .unwrap();
    submission.repeat = true;
    assert_eq!(
        running.submit(submission).await,
        Submitted::InterruptedBefore
    );
    let prompts = fixture.api.turn_requests();
    let asked = prompts.iter().filter(|request| {
        let last = request.prompts();
        last.last().is_some_and(|text| text.contains("cut off"))
    });
    assert_eq!(asked.count(), 1, "the prompt was run once");
    assert_eq!(running.answer("SAY:going on").await, "going on");
    running.close().await;
    nothing_left(session);
}

fn keeper_of(session: SessionId) -> Pid {
    let session = session.to_string();
    let mut keepers = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let keeps =
                line.split('\0').any(|argument| argument == "keep") && line.contains(&session);
            let pid = entry.file_name().to_str()?.parse().ok()?;
            keeps.then(|| Pid::from_raw(pid)).flatten()
        });
    keepers.next().expect("the session has a keeper")
}

#[tokio::test]
async fn a_new_one_that_the_session_has_answered_before_is_recognised() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    let submission = submission("SAY:answered");
    running.submit(submission.clone()).await;
    assert_eq!(running.turn().await.1.result.unwrap(), "answered");
    in_transcript(&fixture, &submission).await;
    let session = running.id;
    running.close().await;

    // As a gateway does that went back to a backup: it says that it is new.
    let mut running = fixture
        .open_as(session, SessionStart::Resume, default_agent())
        .await
        .unwrap();
    let asked = fixture.api.turn_requests().len();
    for _ in 0..2 {
        assert_eq!(
            running.submit(submission.clone()).await,
            Submitted::InterruptedBefore
        );
    }
    assert_eq!(fixture.api.turn_requests().len(), asked, "it was run again");
    assert_eq!(running.answer("SAY:going on").await, "going on");
    running.close().await;
}

/// Waits until the session on disk has a submission, which lags the stream.
async fn in_transcript(fixture: &Fixture, submission: &Submission) {
    let id = submission.id.to_string();
    let home = fixture.project().parent().unwrap().join("home");
    let projects = home.join(".claude/projects");
    loop {
        let written = fs::read_dir(&projects)
            .into_iter()
            .flatten()
            .flatten()
            .flat_map(|project| fs::read_dir(project.path()).into_iter().flatten().flatten())
            .filter_map(|session| fs::read_to_string(session.path()).ok())
            .any(|text| text.contains(&id));
        if written {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_child_that_left_the_group_is_ended() {
    let fixture = Fixture::start().await;
    let agent = mpg_core::agent::AgentSpec {
        allowed_tools: rules(&["Bash"]),
        ..default_agent()
    };
    let mut running = fixture.open(agent).await;
    let ready = fixture.project().join("ready");
    let command = format!(
        "setsid -f sh -c 'touch {}; exec sleep 1000' </dev/null >/dev/null 2>&1",
        ready.display()
    );
    let call = tool("Bash", &json!({ "command": command }));
    running.answer(&format!("{call}\nSAY:started")).await;
    while !ready.exists() {
        tokio::task::yield_now().await;
    }
    let before = carriers(running.id);
    assert!(
        before.iter().any(|process| process.contains("sleep 1000")),
        "{before:?}"
    );
    running.close().await;
}

#[tokio::test]
async fn dropped_halves_of_one_that_is_not_kept_leave_no_process() {
    let fixture = Fixture::start().await;
    let agent = mpg_core::agent::AgentSpec {
        persistence: Persistence::None,
        ..default_agent()
    };
    let mut running = fixture.open(agent).await;
    running.ask("forgotten\nHANG").await;
    fixture.api.asked("forgotten").await;
    let session = running.id;
    drop(running);
    while !carriers(session).is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_opening_that_is_given_up_leaves_no_process() {
    let fixture = Fixture::start().await;
    let session = new_session();
    let opening = fixture.open_as(session, SessionStart::New, default_agent());
    tokio::select! {
        biased;
        () = until_it_runs(session) => {}
        _ = opening => panic!("the opening was quicker than its process"),
    }
    while !carriers(session).is_empty() {
        tokio::task::yield_now().await;
    }
}

async fn until_it_runs(session: SessionId) {
    while carriers(session).is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_close_without_grace_ends_a_running_tool() {
    let fixture = Fixture::start().await;
    let agent = mpg_core::agent::AgentSpec {
        allowed_tools: rules(&["Bash"]),
        ..default_agent()
    };
    let mut running = fixture.open(agent).await;
    let call = tool("Bash", &json!({ "command": "sleep 1000" }));
    running.ask(&call).await;
    while !matches!(running.next().await, AgentEvent::ToolStarted { .. }) {}
    running.control.close(Duration::ZERO).await;
    nothing_left(running.id);
    let (_, report) = running.turn().await;
    assert!(report.result.is_err());
}
