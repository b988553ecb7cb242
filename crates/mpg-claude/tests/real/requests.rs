use std::fs;
use std::path::Path;
use std::time::Duration;

use mpg_core::agent::{AgentEvent, AgentSpec, PermissionMode};
use mpg_core::id::RequestId;
use mpg_core::port::{AgentRuntime as _, AgentSession, SessionStart, Submitted};
use mpg_core::request::{About, Answer, Detail, Permission, Question, Request, Scope};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::fixture::{Fixture, Running, default_agent, submission, tool, write};

impl Running {
    /// The next request.
    async fn asked(&mut self) -> Request {
        loop {
            match self.next().await {
                AgentEvent::Requested(request) => return request,
                AgentEvent::Ended(report) => panic!("it asked nothing: {report:?}"),
                _ => {}
            }
        }
    }

    async fn respond(&self, request: &RequestId, answer: Answer) {
        self.control.respond(request, answer).await;
    }

    /// Waits for the turn's answer, and counts what was asked before it.
    async fn done(&mut self) -> usize {
        let (events, report) = self.turn().await;
        assert_eq!(report.result.unwrap(), "done");
        let asked = |event: &&AgentEvent| matches!(event, AgentEvent::Requested(_));
        events.iter().filter(asked).count()
    }
}

/// What the model was told last by a tool.
fn told(fixture: &Fixture) -> (String, bool) {
    let request = fixture.api.turn_requests().pop().unwrap();
    request.tool_results().pop().unwrap()
}

fn permission(request: &Request) -> &Permission {
    match &request.about {
        About::Permission(permission) => permission,
        other => panic!("{other:?}"),
    }
}

fn bash(command: &str) -> String {
    tool("Bash", &json!({ "command": command }))
}

fn edit(path: &Path, old: &str, new: &str) -> String {
    let input = json!({ "file_path": path, "old_string": old, "new_string": new });
    tool("Edit", &input)
}

#[tokio::test]
async fn a_command_is_shown_as_it_is_and_runs_once_it_is_allowed() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(AgentSpec::default()).await;
    let command = "mkdir -p made && \\\n  echo 'two  spaces'";
    running.ask(&format!("{}\nSAY:done", bash(command))).await;
    let request = running.asked().await;
    assert_eq!(
        permission(&request).detail,
        Detail::Command(command.to_owned())
    );
    assert!(!fixture.project().join("made").exists());
    running
        .respond(&request.id, Answer::Allow(Scope::Once))
        .await;
    assert_eq!(running.done().await, 0);
    assert_eq!(told(&fixture), ("two  spaces".to_owned(), false));
    // Late, and twice.
    let no = Answer::Deny {
        message: "late".to_owned(),
    };
    running.respond(&request.id, no.clone()).await;
    running.respond(&RequestId::new("never was"), no).await;
    assert_eq!(running.answer("SAY:as before").await, "as before");
    running.close().await;
}

#[tokio::test]
async fn a_change_is_shown_against_the_file_as_it_is() {
    let fixture = Fixture::start().await;
    let mut agent = default_agent();
    agent.allowed_tools.retain(|rule| rule == "Read");
    let mut running = fixture.open(agent).await;
    let file = fixture.project().join("a.txt");
    fs::write(&file, "one\ntwo\nthree\n").unwrap();
    let read = tool("Read", &json!({ "file_path": file }));
    let prompt = format!("{read}\n{}\nSAY:done", edit(&file, "two", "2"));
    running.ask(&prompt).await;
    let request = running.asked().await;
    let expected = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three";
    assert_eq!(
        permission(&request).detail,
        Detail::Diff(expected.to_owned())
    );
    running
        .respond(&request.id, Answer::Allow(Scope::Once))
        .await;
    assert_eq!(running.done().await, 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), "one\n2\nthree\n");
    running.close().await;
}

#[tokio::test]
async fn what_is_allowed_for_the_session_is_not_asked_again() {
    let fixture = Fixture::start().await;
    let folder = fixture.project();
    // Once with rules that ask, and once without: there the CLI itself knows what is allowed.
    let mut listed = default_agent();
    listed.allowed_tools.push("Bash(true)".to_owned());
    listed.permission_mode = PermissionMode::Default;
    for agent in [AgentSpec::default(), listed] {
        for scope in [Scope::Session, Scope::Project] {
            let mut running = fixture.open(agent.clone()).await;
            let calls = [
                bash("mkdir -p made"),
                write(&folder.join("a.txt"), "1"),
                bash("mkdir -p made"),
                write(&folder.join("b.txt"), "2"),
                "SAY:done".to_owned(),
            ];
            running.ask(&calls.join("\n")).await;
            for _ in 0..2 {
                let request = running.asked().await;
                running.respond(&request.id, Answer::Allow(scope)).await;
            }
            assert_eq!(running.done().await, 0, "{scope:?}");
            let other = format!("{}\nSAY:done", bash("mkdir -p made && mkdir -p other"));
            running.ask(&other).await;
            let request = running.asked().await;
            let deny = Answer::Deny {
                message: "no".to_owned(),
            };
            running.respond(&request.id, deny).await;
            assert_eq!(running.done().await, 0);
            assert!(!folder.join("other").exists());
            running.close().await;
            fs::remove_file(folder.join("a.txt")).unwrap();
            fs::remove_file(folder.join("b.txt")).unwrap();
        }
    }
}

#[tokio::test]
async fn a_denial_and_silence_are_told_apart() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(AgentSpec::default()).await;
    for message in ["Ann denied it: use cargo", "nobody answered in time"] {
        running
            .ask(&format!("{}\nSAY:done", bash("mkdir made")))
            .await;
        let request = running.asked().await;
        let answer = Answer::Deny {
            message: message.to_owned(),
        };
        running.respond(&request.id, answer).await;
        assert_eq!(running.done().await, 0);
        assert_eq!(told(&fixture), (message.to_owned(), true));
    }
    assert!(!fixture.project().join("made").exists());
    running.close().await;
}

#[tokio::test]
async fn questions_are_asked_and_their_answers_reach_the_model() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(default_agent()).await;
    let option = |label: &str| json!({ "label": label, "description": format!("means {label}") });
    let input = json!({ "questions": [
        {
            "question": "Which ones?", "header": "Pick", "multiSelect": true,
            "options": [option("A"), option("B"), option("C")],
        },
        {
            "question": "Why?", "header": "Why", "multiSelect": false,
            "options": [option("x"), option("y")],
        },
    ] });
    running
        .ask(&format!("{}\nSAY:done", tool("AskUserQuestion", &input)))
        .await;
    let request = running.asked().await;
    let About::Questions(questions) = &request.about else {
        panic!("{request:?}")
    };
    let texts: Vec<&str> = questions
        .iter()
        .map(|question: &Question| question.text.as_str())
        .collect();
    assert_eq!(texts, ["Which ones?", "Why?"]);
    assert!(questions[0].multiple && !questions[1].multiple);
    assert_eq!(questions[0].options[2].description, "means C");
    let said = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let replies = vec![said(&["A", "C"]), said(&["because of \"this\""])];
    running.respond(&request.id, Answer::Replies(replies)).await;
    assert_eq!(running.done().await, 0);
    let (text, is_error) = told(&fixture);
    assert!(
        !is_error && text.contains("\"Which ones?\"=\"A, C\""),
        "{text}"
    );
    assert!(text.contains("because of \"this\""), "{text}");
    running.close().await;
}

#[tokio::test]
async fn a_plan_is_approved_or_planned_further() {
    let fixture = Fixture::start().await;
    let agent = AgentSpec {
        permission_mode: PermissionMode::Plan,
        ..default_agent()
    };
    let plan = tool("ExitPlanMode", &json!({ "plan": "# Plan\n\n1. write" }));
    let file = fixture.project().join("planned.txt");
    let comment = Answer::Deny {
        message: "keep planning: more tests".to_owned(),
    };
    for answer in [comment, Answer::Allow(Scope::Once), Answer::AcceptEdits] {
        let mut running = fixture.open(agent.clone()).await;
        let asks = match &answer {
            Answer::Deny { .. } => format!("{plan}\nSAY:done"),
            _ => format!("{plan}\n{}\nSAY:done", write(&file, "x")),
        };
        running.ask(&asks).await;
        let request = running.asked().await;
        let text = "# Plan\n\n1. write".to_owned();
        assert_eq!(request.about, About::Plan { text });
        running.respond(&request.id, answer.clone()).await;
        match answer {
            Answer::Deny { message } => {
                assert_eq!(running.done().await, 0);
                assert_eq!(told(&fixture), (message, true));
            }
            Answer::AcceptEdits => {
                assert_eq!(running.done().await, 0, "edits run unasked");
                assert!(file.exists());
                // A look-up of an earlier submission does not change that.
                let mut again = submission(&format!("{}\nSAY:done", write(&file, "y")));
                again.repeat = true;
                assert_eq!(running.submit(again).await, Submitted::New);
                assert_eq!(running.done().await, 0);
            }
            _ => {
                let request = running.asked().await;
                assert_eq!(permission(&request).tool, "Write");
                running
                    .respond(&request.id, Answer::Allow(Scope::Once))
                    .await;
                assert_eq!(running.done().await, 0);
                fs::remove_file(&file).unwrap();
            }
        }
        running.close().await;
    }
}

#[tokio::test]
async fn what_a_server_of_tools_asks_is_filled_in() {
    let fixture = Fixture::start().await;
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/forms.cjs");
    let servers = json!({ "mcpServers": { "forms": { "command": "node", "args": [server] } } });
    let agent = AgentSpec {
        args: vec!["--mcp-config".to_owned(), servers.to_string()],
        allowed_tools: vec!["mcp__forms__book".to_owned()],
        ..AgentSpec::default()
    };
    let mut running = fixture.open(agent).await;
    let said = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let filled = Answer::Filled(vec![
        said("name", "Ann"),
        said("age", "41"),
        said("vip", "yes"),
    ]);
    let deny = Answer::Deny {
        message: "not now".to_owned(),
    };
    let accepted = r#"{"action":"accept","content":{"age":41,"name":"Ann","vip":true}}"#;
    let table = [(filled, accepted), (deny, r#"{"action":"decline"}"#)];
    for (answer, expected) in table {
        let call = tool("mcp__forms__book", &json!({}));
        running.ask(&format!("{call}\nSAY:done")).await;
        let request = running.asked().await;
        let About::Form {
            from,
            message,
            fields,
        } = &request.about
        else {
            panic!("{request:?}")
        };
        assert_eq!(from, "forms");
        assert_eq!(message, "Who?\n- age: a number\n- vip: yes or no");
        let fields: Vec<_> = fields
            .iter()
            .map(|field| (field.name.as_str(), field.label.as_str(), field.required))
            .collect();
        assert_eq!(
            fields,
            [
                ("age", "age", false),
                ("name", "Name", true),
                ("vip", "vip", false)
            ]
        );
        running.respond(&request.id, answer).await;
        assert_eq!(running.done().await, 0);
        assert_eq!(told(&fixture).0, expected);
    }
    running.close().await;
}

#[tokio::test]
async fn a_request_stays_open_for_the_next_gateway() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(AgentSpec::default()).await;
    let calls = [bash("mkdir one"), bash("mkdir two"), "SAY:done".to_owned()];
    let submit = running.ask(&calls.join("\n")).await;
    let first = running.asked().await;
    running.respond(&first.id, Answer::Allow(Scope::Once)).await;
    let open = running.asked().await;
    let session = running.id;
    drop(running);

    let mut spec = fixture.session_spec(session, SessionStart::Resume, AgentSpec::default());
    spec.owed = Some(submit);
    let AgentSession {
        control, events, ..
    } = fixture.gateway(2).open(spec).await.unwrap();
    let mut running = Running {
        id: session,
        control,
        events,
    };
    let mut again = submission(&calls.join("\n"));
    again.id = submit;
    again.repeat = true;
    assert_eq!(running.submit(again).await, Submitted::Known);
    // The one that was answered is not asked again, the other one is: once, as it was.
    assert_eq!(running.asked().await, open);
    running.respond(&open.id, Answer::Allow(Scope::Once)).await;
    running.respond(&open.id, Answer::Allow(Scope::Once)).await;
    let (events, report) = running.turn().await;
    assert_eq!(
        (report.submits, report.result.unwrap().as_str()),
        (vec![submit], "done")
    );
    let asked = |event: &AgentEvent| matches!(event, AgentEvent::Requested(_));
    assert!(!events.iter().any(asked), "{events:?}");
    assert!(fixture.project().join("two").exists());
    running.close().await;
}

#[tokio::test]
async fn a_request_of_a_cli_that_is_killed_can_be_answered_where_its_turn_goes_on() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(AgentSpec::default()).await;
    running.ask(&bash("mkdir made")).await;
    let request = running.asked().await;
    for process in running.processes() {
        // A child of one that was killed before may be gone already.
        let _gone = kill_process(Pid::from_raw(process).unwrap(), Signal::KILL).is_err();
    }
    let (events, report) = running.turn().await;
    assert!(report.result.is_err());
    assert!(!events.contains(&AgentEvent::Withdrawn(request.id.clone())));
    assert!(matches!(running.next().await, AgentEvent::Exited(_)));
    // To one that is gone, nothing can be said, and that does no harm.
    running
        .respond(&request.id, Answer::Allow(Scope::Once))
        .await;
    assert!(!fixture.project().join("made").exists());
    running.control.close(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn an_input_of_a_megabyte_is_cut_for_people_and_whole_for_the_tool() {
    let fixture = Fixture::start().await;
    let mut running = fixture.open(AgentSpec::default()).await;
    let file = fixture.project().join("large.txt");
    let content = "all work and no play makes a long file\n".repeat(26_000);
    running
        .ask(&format!("{}\nSAY:done", write(&file, &content)))
        .await;
    let request = running.asked().await;
    let shown = permission(&request).detail.text();
    assert!(shown.len() <= Permission::LONGEST_DETAIL);
    assert!(
        shown.ends_with("are not shown"),
        "it does not say that it was cut"
    );
    running
        .respond(&request.id, Answer::Allow(Scope::Once))
        .await;
    assert_eq!(running.done().await, 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), content);
    running.close().await;
}
