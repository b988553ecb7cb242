//! Sessions that can be watched in a terminal; needs tmux.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect fails there"
)]

#[path = "shared/keeper.rs"]
mod keeper;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "keepers/stage.rs"]
mod stage;

use std::fs;
use std::process::Command;

use mpg_claude::ClaudeRuntime;
use mpg_core::agent::Persistence;
use mpg_core::port::{AgentRuntime as _, OpenError, SessionSpec, Submitted};

use crate::stage::{Running, Stage, again, is_empty, submission};

/// Asks the multiplexer of a stage; the text, or what went wrong.
fn tmux(stage: &Stage, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("tmux")
        .arg("-S")
        .arg(stage.path("tmux"))
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("tmux cannot be run, install it: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

fn terminal(stage: &Stage) -> String {
    let names = tmux(stage, &["list-sessions", "-F", "#{session_name}"]).unwrap();
    let names: Vec<&str> = names.lines().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    names[0].to_owned()
}

fn shown(stage: &Stage, name: &str) -> String {
    tmux(
        stage,
        &["capture-pane", "-p", "-e", "-t", &format!("={name}:")],
    )
    .unwrap()
}

fn spec(stage: &Stage) -> SessionSpec {
    stage.spec_of(Persistence::Tmux)
}

#[tokio::test]
async fn the_conversation_is_shown_and_keys_do_nothing() {
    let stage = Stage::new();
    let mut running = Running::open(&stage.gateway(1), spec(&stage)).await;
    let name = terminal(&stage);
    let session = stage.session.as_uuid().simple().to_string();
    assert!(
        name.starts_with("demo_test-1") && name.ends_with(&session),
        "{name}"
    );
    running.turn(&submission(1, "hello \u{1b}[31mred")).await;
    stage
        .until("the turn is shown", || {
            shown(&stage, &name).contains("= done")
        })
        .await;
    let screen = shown(&stage, &name);
    assert!(screen.contains("> hello [31mred"), "{screen:?}");
    assert!(!screen.contains("\u{1b}[31m"), "{screen:?}");
    let keys = ["C-c", "C-z", "C-\\", "C-s", "C-d", "x", "Enter"];
    for key in keys {
        tmux(&stage, &["send-keys", "-t", &format!("={name}:"), key]).unwrap();
    }
    running.turn(&submission(2, "still there")).await;
    stage
        .until("it goes on", || {
            shown(&stage, &name).contains("> still there")
        })
        .await;
    let keeper = stage.keeper().unwrap();
    let terms = stage.kept().join("terms");
    assert!(!terms.exists(), "what the keeper was told lies around");
    for process in [keeper, stage.agent().unwrap()] {
        let line = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap();
        assert!(!line.contains("hello") && !line.contains(&"07".repeat(32)));
    }
    running.close().await;
    // The multiplexer's own process was started with the first session's name.
    stage.until_nobody().await;
    assert!(is_empty(&stage.path("sessions")));
    stage
        .until("the multiplexer ends", || {
            tmux(&stage, &["list-sessions"]).is_err()
        })
        .await;
}

#[tokio::test]
async fn a_watched_session_outlives_its_gateway() {
    let stage = Stage::new();
    let held = stage.held(1);
    let running = Running::open(&stage.gateway(1), spec(&stage)).await;
    running.submit(&held).await.unwrap();
    stage.until("it runs", || stage.runs(&held) == 1).await;
    let name = terminal(&stage);
    running.die().await;
    assert_eq!(terminal(&stage), name);
    let owed = SessionSpec {
        owed: Some(held.id),
        ..spec(&stage)
    };
    let mut running = Running::open(&stage.gateway(2), owed).await;
    assert_eq!(
        running.submit(&again(&held)).await.unwrap(),
        Submitted::Known
    );
    stage.let_go();
    running.ended().await;
    assert_eq!(stage.runs(&held), 1);
    running.close().await;
}

#[tokio::test]
async fn an_agent_has_no_terminal() {
    let stage = Stage::new();
    let running = Running::open(&stage.gateway(1), spec(&stage)).await;
    let agent = stage.agent().unwrap();
    let stat = fs::read_to_string(format!("/proc/{agent}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let terminal = fields.split_ascii_whitespace().nth(4);
    assert_eq!(terminal, Some("0"), "{stat}");
    running.close().await;
}

#[tokio::test]
async fn a_terminal_that_is_ended_ends_its_agent() {
    let stage = Stage::new();
    let running = Running::open(&stage.gateway(1), spec(&stage)).await;
    let name = terminal(&stage);
    tmux(&stage, &["kill-session", "-t", &format!("={name}")]).unwrap();
    stage.until_nobody().await;
    running.close().await;
}

#[tokio::test]
async fn two_sessions_are_beside_one_another() {
    let stage = Stage::new();
    let other = SessionSpec {
        session: mpg_core::id::SessionId::from_uuid(uuid::Uuid::new_v5(
            &stage.session.as_uuid(),
            b"other",
        )),
        ..spec(&stage)
    };
    let gateway = stage.gateway(1);
    let one = Running::open(&gateway, spec(&stage)).await;
    let two = Running::open(&gateway, other).await;
    let names = tmux(&stage, &["list-sessions", "-F", "#{session_name}"]).unwrap();
    assert_eq!(names.lines().count(), 2, "{names}");
    one.close().await;
    let mut two = two;
    two.turn(&submission(1, "alone now")).await;
    two.close().await;
    stage.until_nobody().await;
}

#[tokio::test]
async fn a_missing_multiplexer_is_said() {
    let stage = Stage::new();
    let bare = stage.path("bare");
    fs::create_dir(&bare).unwrap();
    let mut config = stage.config(1);
    let path = ("PATH".to_owned(), bare.display().to_string());
    config.environment.extend([path]);
    let runtime = ClaudeRuntime::new(config);
    let opened = runtime.open(spec(&stage)).await;
    let Err(OpenError::Failed(message)) = opened else {
        panic!("it was opened");
    };
    assert!(
        message.starts_with("tmux was not found; install it"),
        "{message}"
    );
    assert!(!stage.kept().join("terms").exists());
}
