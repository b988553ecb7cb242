use std::fs;

use mpg_core::agent::{AgentEvent, AgentSpec, PermissionMode, Permissions};
use mpg_core::port::SessionStart;
use mpg_core::request::{About, Answer, Permission, Request, Scope};
use serde_json::json;

use crate::fixture::{Fixture, Running, default_agent, rules, tool, write};

/// Runs one call, answers what it asks with no, and tells what it asked and how it ended.
pub(crate) async fn call(
    fixture: &Fixture,
    running: &mut Running,
    call: &str,
) -> (Vec<Permission>, String, bool) {
    running.ask(&format!("{call}\nSAY:done")).await;
    let mut asked = Vec::new();
    loop {
        match running.next().await {
            AgentEvent::Requested(request) => {
                let message = "not here".to_owned();
                let answer = Answer::Deny { message };
                running.control.respond(&request.id, answer).await;
                asked.push(permission(request));
            }
            AgentEvent::Ended(report) => {
                assert_eq!(report.result.unwrap(), "done");
                break;
            }
            AgentEvent::Exited(exit) => panic!("{exit}"),
            _ => {}
        }
    }
    let request = fixture.api.turn_requests().pop().unwrap();
    let (output, is_error) = request.tool_results().pop().unwrap();
    (asked, output, is_error)
}

fn permission(request: Request) -> Permission {
    match request.about {
        About::Permission(permission) => permission,
        about => panic!("{about:?} is no permission"),
    }
}

#[tokio::test]
async fn a_reading_project_cannot_write() {
    let fixture = Fixture::start().await;
    for permissions in [Permissions::Deny, Permissions::Ask] {
        let agent = AgentSpec {
            permission_mode: PermissionMode::AcceptEdits,
            permissions,
            allowed_tools: rules(&["Read", "Glob", "Grep"]),
            ..AgentSpec::default()
        };
        let mut running = fixture.open(agent).await;
        let seen = fixture.project().join("seen.txt");
        fs::write(&seen, "readable").unwrap();
        let read = tool("Read", &json!({ "file_path": seen }));
        let (asked, output, is_error) = call(&fixture, &mut running, &read).await;
        assert!(asked.is_empty() && !is_error, "{permissions:?} {output}");
        assert!(output.contains("readable"));

        let file = fixture.project().join("written.txt");
        let attempts = [
            write(&file, "x"),
            tool(
                "Bash",
                &json!({ "command": format!("touch {}", file.display()) }),
            ),
            tool("Bash", &json!({ "command": "ls" })),
        ];
        for attempt in attempts {
            let (asked, output, is_error) = call(&fixture, &mut running, &attempt).await;
            assert!(is_error, "{permissions:?} {attempt}: {output}");
            match permissions {
                Permissions::Deny => assert!(asked.is_empty(), "it does not even exist"),
                Permissions::Ask => assert_eq!(asked.len(), 1, "{attempt}: {output}"),
            }
        }
        assert!(!file.exists());
        running.close().await;
    }
}

#[tokio::test]
async fn a_default_project_works_inside_its_folder_alone() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    let inside = fixture.project().join("inside.txt");
    let (asked, output, is_error) = call(&fixture, &mut running, &write(&inside, "x")).await;
    assert!(asked.is_empty() && !is_error, "{output}");
    assert_eq!(fs::read_to_string(&inside).unwrap(), "x");

    let folder = fixture.outside();
    let secret = folder.join("secret.txt");
    fs::write(&secret, "secret").unwrap();
    let outside = folder.join("outside.txt");
    let link = fixture.project().join("link");
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    let attempts = [
        (
            write(&outside, "x"),
            format!("Edit(/{}/**)", folder.display()),
        ),
        (
            tool("Read", &json!({ "file_path": secret })),
            format!("Read(/{}/**)", folder.display()),
        ),
        (write(&link.join("outside.txt"), "x"), "Write".to_owned()),
    ];
    for (attempt, rule) in attempts {
        let (asked, output, is_error) = call(&fixture, &mut running, &attempt).await;
        assert!(
            is_error && !output.contains("secret"),
            "{attempt}: {output}"
        );
        assert!(output.contains("not here"), "{output}");
        assert_eq!(asked[0].rule, rule, "{attempt}");
    }
    assert!(!outside.exists());
    running.close().await;
}

#[tokio::test]
async fn the_rule_of_a_request_allows_it() {
    let fixture = Fixture::start().await;
    let folder = fixture.outside();
    let secret = folder.join("a.txt");
    fs::write(&secret, "readable").unwrap();
    let calls = [
        write(&folder.join("b.txt"), "x"),
        tool("Read", &json!({ "file_path": secret })),
        tool(
            "Bash",
            &json!({ "command": format!("mkdir {}/c", folder.display()) }),
        ),
    ];
    let mut agent = default_agent();
    agent.permission_mode = PermissionMode::Default;
    let mut running = fixture.open(agent.clone()).await;
    for attempt in &calls {
        let (asked, output, is_error) = call(&fixture, &mut running, attempt).await;
        assert!(is_error, "{attempt}: {output}");
        assert_eq!(asked.len(), 1, "{attempt}");
        assert!(!asked[0].summary.is_empty() && !asked[0].tool.is_empty());
        agent.allowed_tools.push(asked[0].rule.clone());
    }
    running.close().await;
    let mut running = fixture.open(agent).await;
    for attempt in &calls {
        let (asked, output, is_error) = call(&fixture, &mut running, attempt).await;
        assert!(
            asked.is_empty() && !is_error,
            "{attempt}: {asked:?} {output}"
        );
    }
    running.close().await;
}

#[tokio::test]
async fn an_allowed_request_runs_and_an_unanswered_one_is_withdrawn() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(AgentSpec::default()).await;
    let file = fixture.project().join("allowed.txt");
    running
        .ask(&format!("{}\nSAY:done", write(&file, "x")))
        .await;
    let request = loop {
        if let AgentEvent::Requested(request) = running.next().await {
            break request;
        }
    };
    let asked = permission(request.clone());
    assert_eq!(
        (asked.tool.as_str(), asked.rule.as_str()),
        ("Write", "Write")
    );
    running
        .control
        .respond(&request.id, Answer::Allow(Scope::Once))
        .await;
    assert_eq!(running.turn().await.1.result.unwrap(), "done");
    assert!(file.exists());

    running.ask(&write(&file, "y")).await;
    let request = loop {
        if let AgentEvent::Requested(request) = running.next().await {
            break request;
        }
    };
    running.control.interrupt().await;
    let (events, report) = running.turn().await;
    assert!(report.result.is_err());
    assert!(events.contains(&AgentEvent::Withdrawn(request.id)));
    running.close().await;
}

#[tokio::test]
async fn an_empty_list_allows_nothing() {
    let fixture = Fixture::start().await;
    let agent = AgentSpec {
        permissions: Permissions::Deny,
        permission_mode: PermissionMode::AcceptEdits,
        ..AgentSpec::default()
    };
    let mut running = fixture.open(agent).await;
    running.answer("SAY:hello").await;
    let request = fixture.api.turn_requests().pop().unwrap();
    assert_eq!(request.tools(), Vec::<String>::new());
    running.close().await;
}

#[tokio::test]
async fn bypassing_works_for_every_user() {
    let fixture = Fixture::start().await;
    let agent = AgentSpec {
        permission_mode: PermissionMode::BypassPermissions,
        ..AgentSpec::default()
    };
    let mut running = fixture.open(agent).await;
    let file = fixture.outside().join("anywhere.txt");
    let (asked, output, is_error) = call(&fixture, &mut running, &write(&file, "x")).await;
    assert!(asked.is_empty() && !is_error, "{output}");
    assert!(file.exists());
    running.close().await;
}

#[tokio::test]
async fn a_disallowed_tool_does_not_run() {
    let fixture = Fixture::start().await;
    for mode in [
        PermissionMode::AcceptEdits,
        PermissionMode::BypassPermissions,
    ] {
        let agent = AgentSpec {
            permission_mode: mode,
            disallowed_tools: rules(&["Write"]),
            ..default_agent()
        };
        let mut running = fixture.open(agent).await;
        let file = fixture.project().join("refused.txt");
        let (asked, output, is_error) = call(&fixture, &mut running, &write(&file, "x")).await;
        assert!(is_error && asked.is_empty(), "{mode:?}: {output}");
        assert!(!file.exists(), "{mode:?}");
        running.close().await;
    }
}

#[tokio::test]
async fn limits_are_lifted_and_put_back_within_one_session() {
    let fixture = Fixture::start().await;
    let file = fixture.outside().join("anywhere.txt");
    let unlimited = AgentSpec {
        permission_mode: PermissionMode::BypassPermissions,
        ..default_agent()
    };
    let mut running = fixture.open(default_agent()).await;
    let session = running.id;
    let (asked, output, is_error) = call(&fixture, &mut running, &write(&file, "1")).await;
    assert!(asked.len() == 1 && is_error, "{output}");
    running.close().await;
    let steps = [(unlimited, true), (default_agent(), false)];
    for (earlier, (agent, may)) in (1..).zip(steps) {
        fs::remove_file(&file).ok();
        let reopened = fixture.open_as(session, SessionStart::Resume, agent).await;
        let mut running = reopened.unwrap();
        let (asked, output, is_error) = call(&fixture, &mut running, &write(&file, "2")).await;
        assert_eq!(
            (asked.is_empty(), is_error, file.exists()),
            (may, !may, may),
            "{output}"
        );
        let request = fixture.api.turn_requests().pop().unwrap();
        assert_eq!(
            request.answers().len(),
            earlier,
            "what was said before is gone"
        );
        running.close().await;
    }
}
