//! What the real CLI's tools look like while they run.

use std::fmt::Write as _;
use std::fs;

use mpg_core::agent::tool::{LineCount, ToolKind};
use mpg_core::agent::{AgentEvent, AgentSpec, PermissionMode};
use serde_json::json;

use crate::fixture::{Fixture, default_agent, tool, write};

/// One line for each thing that is shown of a turn.
fn shown(events: &[AgentEvent]) -> Vec<String> {
    let mut shown = Vec::new();
    for event in events {
        let mut line = String::new();
        match event {
            AgentEvent::ToolStarted {
                parent,
                kind,
                name,
                summary,
                ..
            } => {
                let inner = if parent.is_some() { "  " } else { "" };
                write!(line, "{inner}{} {name} {summary}", kind.name()).unwrap();
                if let ToolKind::Editing(LineCount { added, removed }) = kind {
                    write!(line, " +{added} -{removed}").unwrap();
                }
            }
            AgentEvent::ToolEnded {
                is_error, excerpt, ..
            } => {
                let first = excerpt.lines().next().unwrap_or_default();
                write!(line, "ended {is_error}: {first}").unwrap();
            }
            AgentEvent::Tasks(tasks) => {
                let tasks: Vec<String> = tasks
                    .iter()
                    .map(|task| format!("{} {}", task.state.name(), task.text))
                    .collect();
                write!(line, "tasks {tasks:?}").unwrap();
            }
            _ => continue,
        }
        shown.push(line);
    }
    shown
}

fn allowing(tools: &[&str]) -> AgentSpec {
    AgentSpec {
        permission_mode: PermissionMode::AcceptEdits,
        allowed_tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
        ..default_agent()
    }
}

#[tokio::test]
async fn each_sort_of_tool_is_told_apart() {
    let fixture = Fixture::start().await;
    let file = fixture.project().join("notes.txt");
    fs::write(&file, "one\ntwo\nthree\n").unwrap();
    let tools = ["Read", "Edit", "Write", "Glob", "Grep", "Bash", "TodoWrite"];
    let mut running = fixture.open(allowing(&tools)).await;
    let edit = json!({ "file_path": file, "old_string": "two", "new_string": "2\nand a half" });
    let todos = json!({ "todos": [
        { "content": "count", "status": "in_progress", "activeForm": "counting" },
    ] });
    let script = [
        tool("Read", &json!({ "file_path": file })),
        tool("Edit", &edit),
        write(&fixture.project().join("new.txt"), "a\nb\n"),
        tool("Glob", &json!({ "pattern": "*.txt" })),
        tool(
            "Bash",
            &json!({ "command": "echo counted", "description": "count" }),
        ),
        tool("Bash", &json!({ "command": "false" })),
        tool("TodoWrite", &todos),
        "SAY:done".to_owned(),
    ];
    running.ask(&script.join("\n")).await;
    let (events, report) = running.turn().await;
    assert_eq!(report.result.unwrap(), "done");
    let shown = shown(&events);
    let starts = [
        "reading Read notes.txt",
        "editing Edit notes.txt +2 -1",
        "editing Write new.txt +2 -0",
        "searching Glob *.txt",
        "running Bash echo counted",
        "running Bash false",
    ];
    let mut rest = shown.iter();
    for start in starts {
        assert!(rest.any(|line| line == start), "{start}: {shown:#?}");
    }
    assert!(
        shown.iter().any(|line| line == "ended false: counted"),
        "{shown:#?}"
    );
    assert!(
        shown.iter().any(|line| line.starts_with("ended true")),
        "{shown:#?}"
    );
    assert_eq!(report.usage.steps, 7);
    let context = report.usage.context.expect("the CLI says what fits");
    assert!(
        context.used > 0 && context.window > context.used,
        "{context:?}"
    );
    running.close().await;
}

#[tokio::test]
async fn tools_that_are_called_together_are_told_one_by_one() {
    let fixture = Fixture::start().await;
    for name in ["a.txt", "b.txt"] {
        fs::write(fixture.project().join(name), name).unwrap();
    }
    let mut running = fixture.open(default_agent()).await;
    let read = |name: &str| json!({ "file_path": fixture.project().join(name) });
    let prompt = format!(
        "AND:Read:{}\nTOOL:Read:{}\nSAY:both",
        read("a.txt"),
        read("b.txt")
    );
    running.ask(&prompt).await;
    let (events, report) = running.turn().await;
    assert_eq!(report.result.unwrap(), "both");
    let shown = shown(&events);
    let count = |what: &str| shown.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!(count("reading Read a.txt"), 1, "{shown:#?}");
    assert_eq!(count("reading Read b.txt"), 1, "{shown:#?}");
    assert_eq!(count("ended false"), 2, "{shown:#?}");
    assert_eq!(report.usage.steps, 2);
    running.close().await;
}

#[tokio::test]
async fn what_a_sub_agent_does_is_told_as_its_own() {
    let fixture = Fixture::start().await;
    let file = fixture.project().join("notes.txt");
    fs::write(&file, "one\n").unwrap();
    let mut running = fixture.open(allowing(&["Read", "Task", "Agent"])).await;
    let read = tool("Read", &json!({ "file_path": file }));
    let input = json!({
        "description": "look at the notes",
        "prompt": format!("{read}\nSAY:seen"),
        "subagent_type": "general-purpose",
    });
    running
        .ask(&format!("{}\nSAY:done", tool("Task", &input)))
        .await;
    let (events, report) = running.turn().await;
    assert_eq!(report.result.unwrap(), "done");
    let shown = shown(&events);
    assert!(
        shown.iter().any(|line| line.starts_with("sub-agent ")),
        "{shown:#?}"
    );
    assert!(
        shown.iter().any(|line| line == "  reading Read notes.txt"),
        "{shown:#?}"
    );
    let spoke =
        |event: &AgentEvent| matches!(event, AgentEvent::Text { delta } if delta.contains("seen"));
    assert!(!events.iter().any(spoke), "a sub-agent's words are its own");
    running.close().await;
}
