//! `mpgd sessions` and `mpgd reap`, with a daemon that runs and one that was killed.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::{interval, timeout};

use crate::home::{Home, output, shown};

const PATIENCE: Duration = Duration::from_mins(2);

async fn run(home: &Home, arguments: &[&str]) -> String {
    shown(&output(&mut home.command(arguments)).await, &home.path(""))
}

async fn json(home: &Home, arguments: &[&str]) -> Vec<Value> {
    let output = output(&mut home.command(arguments)).await;
    let said = shown(&output, &home.path(""));
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The sessions, by project, once they are so.
async fn until(home: &Home, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut look = interval(Duration::from_millis(50));
    let waiting = async {
        loop {
            look.tick().await;
            let mut sessions = json(home, &["sessions", "--json"]).await;
            sessions.sort_by_key(|session| session["project"].to_string());
            if is_so(&sessions) {
                return sessions;
            }
        }
    };
    timeout(PATIENCE, waiting).await.expect("it is so")
}

/// What `mpgd doctor` found about sessions.
async fn findings(home: &Home) -> Vec<Value> {
    let output = output(&mut home.command(&["doctor", "--json"])).await;
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let about = findings
        .into_iter()
        .filter(|one| one["check"] == "sessions");
    about.collect()
}

fn is_empty(home: &Home) -> bool {
    let sessions = fs::read_dir(home.state().join("sessions")).unwrap();
    sessions.count() == 0
}

#[tokio::test]
async fn agents_are_listed_and_only_those_that_nobody_owns_are_ended() {
    let home = Home::new("").await;
    let none = run(&home, &["sessions"]).await;
    assert!(none.contains("no agent is kept"), "{none}");
    let daemon = home.start().await;
    let message = home.say(home.one, "SAY:ready");
    home.answers(message, 1).await;
    home.say(home.two, "HANG");
    home.api.asked("HANG").await;

    let owned = |one: &Value| one["orphaned"] == false && one["unread"] == false;
    let sessions = until(&home, |all| all.len() == 2 && all.iter().all(owned)).await;
    let states: Vec<_> = sessions.iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["idle", "busy"]);
    let mut agents: Vec<_> = sessions
        .iter()
        .map(|one| one["agent_pid"].as_u64().unwrap())
        .collect();
    agents.sort_unstable();
    let mut running: Vec<_> = home.agents().into_iter().map(u64::from).collect();
    running.sort_unstable();
    assert_eq!(agents, running);
    for one in &sessions {
        assert!(one["keeper_memory_bytes"].as_u64().unwrap() > 0, "{one}");
        assert!(one["agent_memory_bytes"].as_u64().unwrap() > 0, "{one}");
        assert!(one["age_seconds"].is_u64(), "{one}");
        let conversation = one["conversation"].as_str().unwrap();
        assert!(conversation.starts_with("discord:"), "{one}");
    }
    let said = run(&home, &["sessions"]).await;
    assert!(
        said.contains("one in discord:") && said.contains(": busy, up "),
        "{said}"
    );
    let said = run(&home, &["reap", "--busy"]).await;
    assert!(said.contains("nothing to end"), "{said}");
    assert_eq!(
        said.matches("left: a gateway is connected").count(),
        2,
        "{said}"
    );
    assert_eq!(findings(&home).await[0]["verdict"], "ok");
    assert_eq!(home.agents().len(), 2);

    daemon.kill().await;
    let orphaned = |one: &Value| one["orphaned"] == true;
    until(&home, |all| all.iter().all(orphaned)).await;
    assert_eq!(findings(&home).await[0]["verdict"], "ok");
    let reaped = json(&home, &["reap", "--json"]).await;
    for one in &reaped {
        let expected = if one["project"] == "one" {
            ("ended", Value::Null)
        } else {
            ("left", Value::from("busy"))
        };
        assert_eq!(
            (one["fate"].as_str().unwrap(), one["because"].clone()),
            expected,
            "{one}"
        );
    }
    assert_eq!((reaped.len(), home.agents().len()), (2, 1));
    let said = run(&home, &["reap", "--busy"]).await;
    assert!(
        said.contains("two in discord:") && said.contains("): ended\n"),
        "{said}"
    );
    home.assert_nothing_left();
    assert!(is_empty(&home));
}

#[tokio::test]
async fn an_answer_that_came_meanwhile_survives_the_end_of_its_agent() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "HOLD:it\nSAY:finished meanwhile");
    home.api.asked("SAY:finished meanwhile").await;
    daemon.kill().await;
    home.api.release("it");
    until(&home, |all| {
        all[0]["unread"] == true && all[0]["state"] == "idle"
    })
    .await;
    let said = run(&home, &["reap"]).await;
    assert!(
        said.contains("its unread outcome is kept for the next start"),
        "{said}"
    );
    home.assert_nothing_left();
    let said = run(&home, &["sessions"]).await;
    assert!(said.contains("dead, an outcome is unread"), "{said}");
    let said = run(&home, &["reap", "--busy"]).await;
    assert!(
        said.contains("left: its outcome is not stored yet"),
        "{said}"
    );
    let found = findings(&home).await;
    assert_eq!(found[0]["verdict"], "ok", "{found:?}");

    let daemon = home.start().await;
    let answers = home.answers(message, 1).await;
    assert!(answers[0].ends_with("finished meanwhile"), "{answers:?}");
    assert_eq!(
        home.api.turn_requests().len(),
        1,
        "the prompt was run again"
    );
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
    assert!(is_empty(&home));
}

#[tokio::test]
async fn an_agent_that_the_running_daemon_could_not_take_over_is_ended() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "SAY:ready");
    home.answers(message, 1).await;
    until(&home, |all| all[0]["unread"] == false).await;
    daemon.kill().await;
    let sessions = until(&home, |all| all[0]["orphaned"] == true).await;
    let keeper = sessions[0]["keeper_pid"].as_i64().unwrap();
    let keeper = Pid::from_raw(i32::try_from(keeper).unwrap()).unwrap();
    kill_process(keeper, Signal::STOP).unwrap();
    let said = run(&home, &["reap"]).await;
    assert!(said.contains("left: its keeper does not answer"), "{said}");

    home.configure("[discord]\n", "[log]\nlevel = \"debug\"\n[discord]\n");
    let daemon = home.start().await;
    home.logged("agent not taken over").await;
    let mut look = interval(Duration::from_millis(50));
    let given_up = async {
        loop {
            look.tick().await;
            let status = output(&mut home.command(&["status", "--json"])).await;
            let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
            if status["active"].as_array().is_some_and(Vec::is_empty) {
                return;
            }
        }
    };
    timeout(PATIENCE, given_up).await.expect("it is given up");
    assert_eq!(findings(&home).await[0]["verdict"], "warn");
    kill_process(keeper, Signal::CONT).unwrap();
    until(&home, |all| {
        all[0]["state"] == "idle" && all[0]["orphaned"] == true
    })
    .await;
    assert_eq!(findings(&home).await[0]["help"], "run: mpgd reap");
    let said = run(&home, &["reap"]).await;
    assert!(said.contains("): ended\n"), "{said}");
    assert_eq!(home.agents(), [0; 0]);
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
    assert!(is_empty(&home));
}
