//! The runtime with programs that behave worse than the CLI.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect fails there"
)]

#[path = "shared/keeper.rs"]
mod keeper;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mpg_claude::{ClaudeConfig, ClaudeRuntime};
use mpg_core::agent::{AgentEvent, AgentSpec, Exit, Sandbox, TurnReport};
use mpg_core::id::{
    ChannelId, ChannelKey, ConversationId, PlatformId, ProjectName, Root, RootId, SessionId,
    SubmitId,
};
use mpg_core::port::{
    AgentEvents, AgentRuntime as _, AgentSession, OpenError, SessionSpec, SessionStart, Submission,
};
use mpg_testkit::conformance::runtime::{carriers, nothing_left};
use tokio::time::timeout;
use uuid::Uuid;

const STUCK: Duration = Duration::from_mins(1);

/// A session of its own for each program.
fn session(program: &str) -> SessionId {
    let name = format!("{program} {}", std::process::id());
    SessionId::from_uuid(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
}

async fn open(sessions: &Path, program: &str) -> Result<AgentSession, OpenError> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let path = std::env::var("PATH").unwrap();
    let runtime = ClaudeRuntime::new(ClaudeConfig::new(
        format!("{folder}/programs/{program}"),
        BTreeMap::from([("PATH".to_owned(), path)]),
        keeper::command(),
        sessions,
        keeper::gateway(1),
    ));
    let spec = SessionSpec {
        session: session(program),
        start: SessionStart::New,
        directory: folder.to_owned(),
        files: None,
        hands_files: false,
        agent: Arc::new(AgentSpec {
            // What puts walls around it would end in its place.
            sandbox: Sandbox::Off,
            ..AgentSpec::default()
        }),
        conversation: ConversationId {
            root: RootId {
                channel: ChannelKey::new(PlatformId::new("test"), ChannelId::new("1")),
                root: Root::Channel,
            },
            agent: None,
        },
        project: ProjectName::new("demo"),
        turn_limit: Duration::from_mins(30),
        owed: None,
    };
    let opened = timeout(STUCK, runtime.open(spec)).await;
    opened.expect("opening ends")
}

/// Reads to the end: the turns that ended, and the exit.
async fn rest(events: &mut dyn AgentEvents) -> (Vec<TurnReport>, Exit) {
    let mut turns = Vec::new();
    let mut exit = None;
    while let Some((_, event)) = timeout(STUCK, events.next()).await.expect("it ends") {
        if let AgentEvent::Ended(report) = event {
            turns.push(report);
        } else if let AgentEvent::Exited(how) = event {
            exit = Some(how);
        }
    }
    (turns, exit.expect("the exit is reported"))
}

#[tokio::test]
async fn what_does_not_end_is_killed() {
    let sessions = tempfile::tempdir().unwrap();
    let mut agent = open(sessions.path(), "deaf").await.unwrap();
    let close = agent.control.close(Duration::ZERO);
    timeout(STUCK, close).await.expect("it is closed");
    nothing_left(session("deaf"));
    assert_eq!(rest(&mut *agent.events).await.1.code, Some(137));
}

#[tokio::test]
async fn what_says_nothing_any_more_is_ended() {
    let sessions = tempfile::tempdir().unwrap();
    let mut agent = open(sessions.path(), "mute").await.unwrap();
    let (turns, exit) = rest(&mut *agent.events).await;
    assert_eq!(turns, []);
    assert_eq!(exit.code, Some(143));
    nothing_left(session("mute"));
}

#[tokio::test]
async fn what_ends_at_once_says_why() {
    let sessions = tempfile::tempdir().unwrap();
    let opened = open(sessions.path(), "early").await;
    let Err(OpenError::Failed(message)) = opened else {
        panic!("it was opened");
    };
    assert!(message.ends_with("exit 3: some trouble"), "{message:?}");
    nothing_left(session("early"));
}

#[tokio::test]
async fn garbage_and_huge_lines_stop_no_turn() {
    let sessions = tempfile::tempdir().unwrap();
    let mut agent = open(sessions.path(), "verbose").await.unwrap();
    let submission = Submission {
        id: SubmitId::from_uuid(Uuid::from_u128(1)),
        prompt: "hello".to_owned(),
        images: Vec::new(),
        repeat: false,
    };
    let id = submission.id;
    agent.control.submit(submission).await.unwrap();
    let end = async {
        let (turns, _) = rest(&mut *agent.events).await;
        turns
    };
    // Closing its input lets the program end behind what it says.
    let (turns, ()) = tokio::join!(end, agent.control.close(STUCK));
    let [turn] = turns.as_slice() else {
        panic!("{turns:?}");
    };
    assert_eq!(turn.submits, [id]);
    assert_eq!(turn.result, Ok("still here".to_owned()));
    nothing_left(session("verbose"));
}

#[tokio::test]
async fn an_orphan_that_ended_is_waited_for_while_its_agent_goes_on() {
    let sessions = tempfile::tempdir().unwrap();
    let mut agent = open(sessions.path(), "fertile").await.unwrap();
    let submission = Submission {
        id: SubmitId::from_uuid(Uuid::from_u128(2)),
        prompt: "hello".to_owned(),
        images: Vec::new(),
        repeat: false,
    };
    agent.control.submit(submission).await.unwrap();
    let sessions_processes = carriers(session("fertile"));
    let keeper = sessions_processes
        .iter()
        .find(|process| process.contains(" keep "));
    let keeper = keeper
        .and_then(|process| process.split(':').next())
        .unwrap();
    let children = || {
        let path = format!("/proc/{keeper}/task/{keeper}/children");
        let pids = std::fs::read_to_string(path).unwrap();
        pids.split_whitespace()
            .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok())
            .any(|stat| stat.contains("(timeout) Z"))
    };
    let orphaned = async {
        while !children() {
            tokio::task::yield_now().await;
        }
    };
    timeout(STUCK, orphaned)
        .await
        .expect("the orphan ends as a child of its keeper");
    let waited_for = async {
        while children() {
            tokio::task::yield_now().await;
        }
    };
    timeout(STUCK, waited_for)
        .await
        .expect("the orphan is waited for");
    let left = carriers(session("fertile"));
    assert_eq!(left.len(), 2, "the agent and its keeper: {left:?}");
    agent.control.close(STUCK).await;
    assert_eq!(rest(&mut *agent.events).await.0.len(), 1);
    nothing_left(session("fertile"));
}

#[tokio::test]
async fn what_is_said_between_turns_ends_none_and_a_silent_program_is_closed() {
    let sessions = tempfile::tempdir().unwrap();
    let mut agent = open(sessions.path(), "chatty").await.unwrap();
    let mut answers = Vec::new();
    for number in 3..5 {
        let submission = Submission {
            id: SubmitId::from_uuid(Uuid::from_u128(number)),
            prompt: "hello".to_owned(),
            images: Vec::new(),
            repeat: false,
        };
        let id = submission.id;
        agent.control.submit(submission).await.unwrap();
        let report = loop {
            let event = timeout(STUCK, agent.events.next()).await.expect("it ends");
            if let Some((_, AgentEvent::Ended(report))) = event {
                break report;
            }
        };
        assert_eq!(report.submits, [id]);
        answers.push(report.result);
    }
    assert_eq!(answers, [Ok("one".to_owned()), Ok("two".to_owned())]);
    let end = async {
        let (turns, _) = rest(&mut *agent.events).await;
        turns
    };
    let (turns, ()) = tokio::join!(end, agent.control.close(Duration::ZERO));
    assert_eq!(turns, [], "a turn ended that nobody asked for");
    nothing_left(session("chatty"));
}
