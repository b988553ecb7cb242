//! What a keeper costs: its own memory, and the time that it adds to an event's way.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use mpg_claude::{ClaudeConfig, ClaudeRuntime, GatewayIdentity, KeeperCommand, Secret};
use mpg_core::agent::{AgentEvent, AgentSpec};
use mpg_core::id::{
    ChannelId, ChannelKey, ConversationId, InstallationId, PlatformId, ProjectName, Root, RootId,
    SessionId, SubmitId,
};
use mpg_core::port::{AgentRuntime as _, AgentSession, SessionSpec, SessionStart, Submission};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use uuid::Uuid;

use crate::sample::Sample;
use crate::stamp;
use crate::table::{Budget, Table, Unit};

const RUNS: usize = 5;

/// How many sessions run while the memory of their keepers is looked at.
const SESSIONS: u128 = 8;

pub(crate) async fn measure(table: &mut Table) {
    let home = tempfile::tempdir().unwrap();
    let own = std::env::current_exe().unwrap();
    let runtime = runtime(home.path(), &own);
    let mut sessions = Vec::new();
    for number in 1..=SESSIONS {
        let session = runtime.open(spec(home.path(), number)).await.unwrap();
        sessions.push(session);
    }
    let mut memory = Sample::default();
    let mut kept = Sample::default();
    let mut bare = Sample::default();
    for run in 0..RUNS {
        for session in &mut sessions[..1] {
            through_keeper(session, run, &mut kept).await;
        }
        alone(&own, &mut bare).await;
        for bytes in private_memory(home.path()) {
            memory.add(bytes / 1e6);
        }
    }
    for session in sessions {
        session.control.close(Duration::from_secs(5)).await;
    }
    let what = "a keeper's private memory, eight running";
    table.row(what, Unit::Megabytes, &memory, Budget::Median(2.0));
    let what = "an agent's event on its way through a keeper";
    table.row(what, Unit::Seconds, &kept, Budget::None);
    let what = "the same event through a pipe";
    table.row(what, Unit::Seconds, &bare, Budget::None);
    let added = kept.beside(&bare, |kept, bare| kept - bare);
    let what = "what a keeper adds to it";
    table.row(what, Unit::Seconds, &added, Budget::Median(0.0003));
}

fn runtime(home: &Path, agent: &Path) -> ClaudeRuntime {
    let keeper = KeeperCommand {
        program: env!("CARGO_BIN_EXE_mpgd").into(),
        keep: vec!["keep".to_owned()],
        exec: vec!["exec".to_owned()],
    };
    let gateway = GatewayIdentity {
        installation: InstallationId::from_uuid(Uuid::from_u128(1)),
        epoch: 1,
        secret: Secret::new([7; 32]),
    };
    let environment = [
        ("PATH", std::env::var("PATH").unwrap()),
        ("HOME", home.display().to_string()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    ClaudeRuntime::new(ClaudeConfig::new(
        agent.to_str().unwrap(),
        environment.into(),
        keeper,
        home.join("sessions"),
        gateway,
    ))
}

fn spec(home: &Path, number: u128) -> SessionSpec {
    let channel = ChannelKey::new(PlatformId::new("bench"), ChannelId::new("1"));
    SessionSpec {
        session: SessionId::from_uuid(Uuid::from_u128(number)),
        start: SessionStart::New,
        directory: home.display().to_string(),
        files: None,
        hands_files: false,
        agent: Arc::new(AgentSpec::default()),
        conversation: ConversationId {
            root: RootId {
                channel,
                root: Root::Channel,
            },
            agent: None,
        },
        project: ProjectName::new("bench"),
        turn_limit: Duration::from_mins(30),
        owed: None,
    }
}

async fn through_keeper(session: &mut AgentSession, run: usize, sample: &mut Sample) {
    let submission = Submission {
        id: SubmitId::from_uuid(Uuid::from_u128(1_000 + run as u128)),
        prompt: "now".to_owned(),
        images: Vec::new(),
        repeat: false,
    };
    session.control.submit(submission).await.unwrap();
    while let Some((seq, event)) = session.events.next().await {
        if let AgentEvent::Text { delta } = &event {
            sample.add_time(stamp::since(delta).unwrap());
        } else if let AgentEvent::Ended(_) = event {
            session.control.acknowledge(seq).await;
            return;
        }
    }
    panic!("the agent ended before its turn did");
}

/// The same events, read from the program itself.
async fn alone(program: &Path, sample: &mut Sample) {
    let mut child = Command::new(program)
        .arg("stream-json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let prompt = format!("{}\n", json!({ "type": "user", "uuid": "1" }));
    input.write_all(prompt.as_bytes()).await.unwrap();
    while let Some(line) = output.next_line().await.unwrap() {
        let line: Value = serde_json::from_str(&line).unwrap();
        if let Some(text) = line["event"]["delta"]["text"].as_str() {
            sample.add_time(stamp::since(text).unwrap());
        } else if line["type"] == "result" {
            break;
        }
    }
    drop(input);
    child.wait().await.unwrap();
}

/// The memory, in bytes, that each keeper of a home shares with no other process.
fn private_memory(home: &Path) -> Vec<f64> {
    let folder = home.join("sessions").display().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        if !(line.contains("\0keep\0") && line.contains(&folder)) {
            continue;
        }
        let rollup = fs::read_to_string(entry.path().join("smaps_rollup")).unwrap();
        let private = rollup.lines().filter(|line| line.starts_with("Private_"));
        let kibibytes = private.map(|line| {
            let value = line.split_whitespace().nth(1);
            value.unwrap().parse::<f64>().unwrap()
        });
        found.push(kibibytes.sum::<f64>() * 1024.0);
    }
    assert_eq!(
        found.len(),
        usize::try_from(SESSIONS).unwrap(),
        "keepers that run"
    );
    found
}
