//! One exchange from beginning to end, as the documentation shows it.

use std::time::Duration;

use mpg_core::agent::tool::{LineCount, Task, TaskState, ToolKind};
use mpg_core::agent::{AgentEvent, ContextUse, Usage};
use mpg_core::post::PostKind;
use mpg_engine::ScriptStep;
use mpg_testkit::fake::{FakePlatform, Happening};

use crate::stage::{Stage, say, script, with_edits};

const DOCUMENT: &str = include_str!("../../../../docs/live.md");

fn start(id: &str, parent: Option<&str>, kind: ToolKind, summary: &str) -> ScriptStep {
    ScriptStep::Report(AgentEvent::ToolStarted {
        id: id.to_owned(),
        parent: parent.map(ToOwned::to_owned),
        kind,
        name: "Tool".to_owned(),
        summary: summary.to_owned(),
    })
}

fn end(id: &str, is_error: bool, excerpt: &str) -> ScriptStep {
    ScriptStep::Report(AgentEvent::ToolEnded {
        id: id.to_owned(),
        is_error,
        excerpt: excerpt.to_owned(),
    })
}

fn tasks(states: [TaskState; 3]) -> ScriptStep {
    let texts = ["find where it is made", "sort it", "test it"];
    let tasks = texts.into_iter().zip(states).map(|(text, state)| Task {
        text: text.to_owned(),
        state,
    });
    ScriptStep::Report(AgentEvent::Tasks(tasks.collect()))
}

fn pause(tenths: u64) -> ScriptStep {
    ScriptStep::Wait(Duration::from_millis(tenths * 100))
}

fn story() -> Vec<ScriptStep> {
    use TaskState::{Active, Done, Open};
    let edit = ToolKind::Editing(LineCount {
        added: 9,
        removed: 1,
    });
    let error = "error[E0277]: the trait bound `Entry: Ord` is not satisfied";
    let answer = "The list is sorted by name now: `list()` sorts its entries before it returns them, \
                  and a test holds that.";
    vec![
        pause(8),
        ScriptStep::Report(AgentEvent::Text {
            delta: "I look where the list is made.".to_owned(),
        }),
        ScriptStep::Report(AgentEvent::TextEnded),
        start("1", None, ToolKind::Searching, "fn list"),
        pause(4),
        end("1", false, "src/list.rs:12"),
        start("2", None, ToolKind::Reading, "src/list.rs"),
        pause(3),
        end("2", false, ""),
        tasks([Done, Active, Open]),
        pause(30),
        start("3", None, edit, "src/list.rs"),
        pause(2),
        end("3", false, ""),
        start("4", None, ToolKind::Running, "cargo test"),
        pause(95),
        end("4", true, error),
        tasks([Done, Active, Open]),
        start("5", None, ToolKind::SubAgent, "why is Entry not ordered?"),
        start("6", Some("5"), ToolKind::Reading, "src/entry.rs"),
        pause(20),
        end("6", false, ""),
        pause(20),
        end("5", false, "it has a field of floats"),
        start("7", None, edit, "src/list.rs"),
        pause(2),
        end("7", false, ""),
        start("8", None, ToolKind::Running, "cargo test"),
        pause(90),
        end("8", false, "ok"),
        tasks([Done, Done, Done]),
        pause(10),
        ScriptStep::Spend(Usage {
            input_tokens: 2_140,
            output_tokens: 1_880,
            cache_read_tokens: 61_300,
            cost_microdollars: 71_200,
            steps: 8,
            context: Some(ContextUse {
                used: 21_400,
                window: 200_000,
            }),
            ..Usage::default()
        }),
        say(answer),
        pause(15),
    ]
}

/// Who shows something, what it says, and whether it stays.
fn seen(happening: &Happening) -> Option<(&str, String, bool)> {
    if let Happening::Said { author, text, .. } = happening {
        return Some((author, text.clone(), true));
    }
    if let Happening::Sign { status, .. } = happening {
        return Some(("sign", status.to_string(), true));
    }
    if let Happening::Posted { post, .. } = happening {
        let runs = matches!(post.kind, PostKind::Live { .. });
        let what = if runs {
            "the message while it runs"
        } else {
            "the answer"
        };
        return Some((what, post.text.clone(), true));
    }
    let Happening::Replaced { post, .. } = happening else {
        return None;
    };
    let ended = matches!(post.kind, PostKind::Notice);
    let what = if ended {
        "what is left of it"
    } else {
        "the same message"
    };
    Some((what, post.text.clone(), ended))
}

/// What stands in the thread at some moments, as text.
fn shown(chat: &FakePlatform) -> String {
    let mut shown: Vec<String> = Vec::new();
    let mut next = 0;
    chat.look(|world| {
        for entry in world.entries() {
            let at = entry.at.as_secs();
            let Some((what, text, always)) = seen(&entry.happening) else {
                continue;
            };
            if !always && at < next {
                continue;
            }
            next = if always { next } else { at + 6 };
            shown.push(format!("{at:>3}s  {what}"));
            shown.extend(text.lines().map(|line| format!("      | {line}")));
        }
    });
    let lines: Vec<&str> = shown.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
}

#[tokio::test(start_paused = true)]
async fn the_documentation_shows_what_people_see() {
    let stage = Stage::on(FakePlatform::with(with_edits()), script(|_, _| story()));
    let engine = stage.start().await;
    let question = "The list comes in no order. Can you sort it?";
    stage.chat.say(&stage.general, "ann", question);
    stage.posts(2).await;
    engine.drain().await;
    let shown = shown(&stage.chat);
    assert!(
        DOCUMENT.contains(&shown),
        "docs/live.md does not show this:\n\n{shown}\n"
    );
}
