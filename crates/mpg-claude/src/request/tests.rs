use mpg_core::request::{Answer, Scope};
use serde_json::json;

use super::*;

fn line(request: &Value) -> Value {
    json!({ "type": "control_request", "request_id": "r", "request": request })
}

fn ask(tool: &str, input: &Value) -> Inquiry {
    let request = json!({ "subtype": "can_use_tool", "tool_name": tool, "input": input });
    inquiry(&line(&request), "/srv/p").unwrap()
}

fn asking() -> Value {
    json!({ "questions": [
        {
            "question": "Which?", "header": "Pick", "multiSelect": true,
            "options": [{ "label": "A", "description": "first" }, { "label": "B" }, {}],
        },
        { "question": "", "options": [] },
        { "question": "Why?", "header": "Why", "options": [] },
    ] })
}

#[test]
fn requests_are_told_by_what_they_are_about() {
    let cases = [
        ask(
            "Bash",
            &json!({ "command": "ls\n-l", "description": "lists" }),
        ),
        ask("Write", &json!({ "file_path": "a", "content": "b" })),
        ask("Read", &json!({ "file_path": "/etc/passwd" })),
        ask("mcp__a__b", &json!({ "x": [1, 2] })),
        ask("mcp__a__b", &json!({})),
        ask("AskUserQuestion", &asking()),
        ask("AskUserQuestion", &json!({ "questions": "none" })),
        ask("ExitPlanMode", &json!({ "plan": "# Plan\n\n1. do it" })),
        ask("ExitPlanMode", &json!({})),
    ];
    let shown = cases.map(|inquiry| {
        let look = inquiry.look.is_some();
        format!("{:#?}\nlook: {look}", inquiry.request.about)
    });
    insta::assert_snapshot!(shown.join("\n\n"));
    let other = json!({ "subtype": "hook_callback" });
    assert_eq!(inquiry(&line(&other), "/srv/p"), None);
}

#[test]
fn answers_are_what_the_cli_takes() {
    let said = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let deny = Answer::Deny {
        message: "not now".to_owned(),
    };
    let replies = Answer::Replies(vec![said(&["A", "B"]), said(&[])]);
    let filled = Answer::Filled(vec![("name".to_owned(), "Ann".to_owned())]);
    let form = json!({
        "subtype": "elicitation",
        "requested_schema": { "properties": { "name": { "type": "string" } } },
    });
    let tool = ask("mcp__a__b", &json!({ "x": 1 })).open;
    let questions = ask("AskUserQuestion", &asking()).open;
    let plan = ask("ExitPlanMode", &json!({ "plan": "p" })).open;
    let form = inquiry(&line(&form), "/srv/p").unwrap().open;
    let table = [
        (&tool, Answer::Allow(Scope::Once)),
        (&tool, Answer::Allow(Scope::Session)),
        (&tool, Answer::Allow(Scope::Project)),
        (&tool, deny.clone()),
        (&tool, replies.clone()),
        (&questions, replies.clone()),
        (&questions, Answer::Replies(vec![said(&["C"]); 9])),
        (&questions, deny.clone()),
        (&questions, Answer::Allow(Scope::Once)),
        (&plan, Answer::Allow(Scope::Once)),
        (&plan, Answer::AcceptEdits),
        (&plan, deny.clone()),
        (&plan, filled.clone()),
        (&form, filled),
        (&form, Answer::Allow(Scope::Once)),
        (&form, deny),
        (&form, replies),
    ];
    let shown = table.map(|(open, answer)| format!("{answer:?}\n{}", open.response(&answer)));
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn texts_are_bounded() {
    let plan = "é".repeat(1 << 20);
    let About::Plan { text } = ask("ExitPlanMode", &json!({ "plan": plan })).request.about else {
        panic!("it is a plan");
    };
    assert!(text.len() <= Permission::LONGEST_DETAIL);
    assert!(text.ends_with("are not shown"));
    let command = json!({ "command": "word \n".repeat(200_000) });
    let About::Permission(permission) = ask("Bash", &command).request.about else {
        panic!("it is a permission");
    };
    assert!(permission.detail.text().len() <= Permission::LONGEST_DETAIL);
    assert!(permission.summary.chars().count() <= 200);
    let many = json!({ "questions": vec![json!({
        "question": "q".repeat(9_000), "header": "h".repeat(9_000),
        "options": vec![json!({ "label": "l".repeat(9_000) }); 100],
    }); 100] });
    let About::Questions(questions) = ask("AskUserQuestion", &many).request.about else {
        panic!("they are questions");
    };
    assert_eq!(
        (questions.len(), questions[0].options.len()),
        (QUESTIONS, MAX_OPTIONS)
    );
    assert_eq!(questions[0].text.len(), QUESTION);
}
