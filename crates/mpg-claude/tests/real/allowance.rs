//! What becomes of an agent that takes more of its machine than it may.

use std::time::Duration;

use mpg_core::agent::{AgentEvent, AgentSpec, Allowance, FailureKind};
use serde_json::json;

use crate::fixture::{Fixture, default_agent, rules, tool};

/// Runs a command in an agent that is allowed so much, and says why it was ended.
async fn ended(allowance: Allowance, command: &str) -> String {
    let fixture = Fixture::start().await;
    let agent = AgentSpec {
        allowed_tools: rules(&["Bash"]),
        allowance,
        ..default_agent()
    };
    let mut running = fixture.open(agent).await;
    assert_eq!(running.answer("SAY:within").await, "within");
    let shell = json!({ "command": command, "description": "a command" });
    let shell = tool("Bash", &shell);
    running.ask(&format!("{shell}\nSAY:beyond")).await;
    let (_, report) = running.turn().await;
    let failure = report.result.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Exited);
    let AgentEvent::Exited(exit) = running.next().await else {
        panic!("the exit follows the turn");
    };
    assert_eq!(exit.code, Some(137));
    assert!(failure.message.contains(exit.stderr.trim()), "{failure:?}");
    running.close().await;
    exit.stderr
}

#[tokio::test]
async fn too_many_processes_end_it() {
    let allowance = Allowance {
        processes: Some(20),
        ..Allowance::default()
    };
    let many = "for one in $(seq 30); do sleep 60 & done; wait";
    let said = ended(allowance, many).await;
    assert!(said.contains("`max-processes`"), "{said}");
}

#[tokio::test]
async fn too_much_processor_time_ends_it_wherever_it_went() {
    let allowance = Allowance {
        cpu: Some(Duration::from_secs(10)),
        ..Allowance::default()
    };
    // Each of them is gone before it has taken much.
    let short = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
    let busy = format!("while :; do sh -c '{short}' & sh -c '{short}'; wait; done");
    let said = ended(allowance, &busy).await;
    assert!(said.contains("`max-cpu-time`"), "{said}");
}

#[tokio::test]
async fn too_much_memory_ends_it() {
    let allowance = Allowance {
        memory: Some(1 << 30),
        ..Allowance::default()
    };
    let much =
        "node -e 'const kept = []; setInterval(() => kept.push(Buffer.alloc(64 << 20, 1)), 20)'";
    let said = ended(allowance, much).await;
    assert!(said.contains("`max-memory`"), "{said}");
}
