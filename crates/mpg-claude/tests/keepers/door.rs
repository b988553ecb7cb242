use std::process::{Command, Stdio};

use mpg_claude::{ClaudeRuntime, Secret};
use mpg_core::id::InstallationId;
use mpg_core::port::{AgentRuntime as _, OpenError, Submitted};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use uuid::Uuid;

use crate::keeper;
use crate::stage::{Running, Stage, submission};

#[tokio::test]
async fn a_later_gateway_takes_over_and_an_earlier_one_stays_outside() {
    let stage = Stage::new();
    let earlier = stage.gateway(1);
    let mut first = Running::open(&earlier, stage.spec(None)).await;
    first.turn(&submission(1, "first")).await;
    let held = stage.held(2);
    first.submit(&held).await.unwrap();

    let mut second = Running::open(&stage.gateway(2), stage.spec(Some(held.id))).await;
    while first.next().await.is_some() {}
    assert!(first.submit(&submission(3, "late")).await.is_err());
    drop(first);
    let refused = Running::try_open(&earlier, stage.spec(None)).await;
    assert!(matches!(refused.err(), Some(OpenError::InUse(_))));
    assert_eq!(second.submit(&held).await.unwrap(), Submitted::Known);
    stage.let_go();
    second.ended().await;
    second.close().await;
}

#[tokio::test]
async fn strangers_are_refused_and_change_nothing() {
    let stage = Stage::new();
    let mut running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    let mut wrong = stage.config(9);
    wrong.gateway.secret = Secret::new([8; 32]);
    let refused = Running::try_open(&ClaudeRuntime::new(wrong), stage.spec(None)).await;
    let said = refused.err().unwrap().to_string();
    assert!(said.contains("another secret"), "{said}");

    let mut foreign = stage.config(9);
    foreign.gateway.installation = InstallationId::from_uuid(Uuid::from_u128(78));
    let foreign = ClaudeRuntime::new(foreign);
    let refused = Running::try_open(&foreign, stage.spec(None)).await;
    let said = refused.err().unwrap().to_string();
    assert!(said.contains("another installation"), "{said}");
    assert_eq!(foreign.strays().await, []);
    assert!(Running::attach(&foreign, stage.session).await.is_err());
    running.turn(&submission(1, "first")).await;
    running.close().await;
}

#[tokio::test]
async fn another_protocol_is_refused() {
    let stage = Stage::new();
    let mut running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    let hello = json!({
        "say": "hello", "protocol": 99, "epoch": 5, "secret": "07".repeat(32),
        "installation": keeper::gateway(1).installation.to_string(),
        "session": stage.session.to_string(), "after": null,
    });
    let said = ask(&stage, &hello).await;
    assert_eq!(said, json!({ "say": "refused", "reason": "protocol" }));
    running.turn(&submission(1, "first")).await;
    running.close().await;
}

#[tokio::test]
async fn garbage_at_the_door_harms_nobody() {
    let stage = Stage::new();
    let mut running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    for garbage in [
        &b"\xff\xff\xff\xffx"[..],
        b"\x03\0\0\0abc",
        b"\x02\0\0\0{}",
        b"\x01",
    ] {
        let mut stream = UnixStream::connect(stage.kept().join("socket"))
            .await
            .unwrap();
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // It may close at once.
        drop(stream.read_to_end(&mut answer).await);
        assert_eq!(answer, b"");
    }
    running.turn(&submission(1, "first")).await;
    running.close().await;
}

#[tokio::test]
async fn a_session_has_one_keeper() {
    let stage = Stage::new();
    let running = Running::open(&stage.gateway(1), stage.spec(None)).await;
    running.submit(&stage.held(1)).await.unwrap();
    let keeper = stage.keeper();
    let terms = json!({
        "protocol": 1, "installation": "", "session": "", "project": "", "conversation": "",
        "persistence": "none", "secret": "", "epoch": 1, "socket": stage.path("other"),
        "exec": ["/bin/false"], "command": "", "arguments": [], "environment": {},
        "directory": "/", "marker": "none", "fingerprint": "", "mode": "default",
        "allow_requests": false, "grace_ms": 0, "idle_limit_ms": 0, "turn_limit_ms": 0,
        "after": 0, "spool_limit": 1 << 26,
    });
    let command = keeper::command();
    let mut second = Command::new(command.program)
        .args(command.keep)
        .arg(stage.kept())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    serde_json::to_writer(second.stdin.take().unwrap(), &terms).unwrap();
    let status = second.wait().unwrap();
    assert_eq!(status.code(), Some(75), "{status}");
    assert_eq!(stage.keeper(), keeper);
    stage.let_go();
    running.close().await;
}

/// Says one thing at the session's socket, and returns the answer.
async fn ask(stage: &Stage, said: &Value) -> Value {
    let mut stream = UnixStream::connect(stage.kept().join("socket"))
        .await
        .unwrap();
    let body = serde_json::to_vec(said).unwrap();
    let length = u32::try_from(body.len()).unwrap();
    stream.write_all(&length.to_le_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    let length = stream.read_u32_le().await.unwrap();
    let mut body = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}
