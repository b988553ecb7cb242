//! Each kind of request with its controls, and all the ways to answer it.

use std::fmt::Write as _;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::capability::Controls;
use crate::id::RequestId;
use crate::request::{Detail, Permission, QuestionOption};

fn ask(about: About) -> Ask {
    Ask {
        id: AskId::from_uuid(Uuid::nil()),
        request: RequestId::new("1"),
        about,
        at: Timestamp::UNIX_EPOCH,
        until: Timestamp::UNIX_EPOCH,
        replies: Vec::new(),
        verdict: None,
    }
}

fn permission() -> Ask {
    ask(About::Permission(Permission::new("Bash", "ls", "Bash(ls)")))
}

fn plan() -> Ask {
    ask(About::Plan {
        text: "1. do it".to_owned(),
    })
}

fn question(labels: &[&str], multiple: bool) -> Question {
    let option = |label: &&str| QuestionOption {
        label: (*label).to_owned(),
        description: if label.len() > 3 { "a long one" } else { " " }.to_owned(),
    };
    Question {
        header: String::new(),
        text: "which?".to_owned(),
        options: labels.iter().map(option).collect(),
        multiple,
    }
}

fn one_of(labels: &[&str]) -> Ask {
    ask(About::Questions(vec![question(labels, false)]))
}

fn some_of(labels: &[&str]) -> Ask {
    ask(About::Questions(vec![question(labels, true)]))
}

fn form(names: &[&str]) -> Ask {
    let field = |name: &&str| Field {
        name: (*name).to_owned(),
        label: format!("The {name}"),
        long: false,
        required: !name.ends_with('?'),
    };
    ask(About::Form {
        from: "a server".to_owned(),
        message: "some values".to_owned(),
        fields: names.iter().map(field).collect(),
    })
}

/// What is shown of each control, a line each.
fn shown(ask: &Ask, forms: bool) -> String {
    let mut lines = String::new();
    for control in controls(ask, forms) {
        match control {
            Control::Button(button) => {
                let opens = button.opens.map(|form| {
                    let fields = form.fields.iter().map(|field| &*field.label);
                    let fields: Vec<&str> = fields.collect();
                    format!(" opens {:?}: {}", form.title, fields.join(", "))
                });
                let (id, label, style) = (button.id, button.label, button.style);
                let opens = opens.unwrap_or_default();
                writeln!(lines, "{id} [{label}] {style:?}{opens}").unwrap();
            }
            Control::Choice(choice) => {
                let (id, prompt, most) = (choice.id, choice.prompt, choice.most);
                writeln!(lines, "{id} {prompt}, at most {most}").unwrap();
                for option in choice.options {
                    let about = option.description.unwrap_or_default();
                    writeln!(lines, "  {} = {} ({about})", option.value, option.label).unwrap();
                }
            }
        }
    }
    lines
}

#[test]
fn each_kind_of_request_has_its_controls() {
    let letters: Vec<String> = (0..30_u8)
        .map(|n| char::from(b'A' + n).to_string())
        .collect();
    let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
    let mut text = String::new();
    for (name, ask) in [
        ("a permission", permission()),
        ("a plan", plan()),
        ("a question", one_of(&["red", "green", ""])),
        ("with as many answers as are buttons", one_of(&letters[..5])),
        ("with more answers than are buttons", one_of(&letters[..6])),
        ("with more answers than a list has", one_of(&letters)),
        ("of which several may be chosen", some_of(&["red", "green"])),
        ("with nothing to choose from", some_of(&[])),
        ("a form", form(&["name", "size?"])),
        ("with as many fields as there may be", form(&letters[..5])),
        ("with more fields than there may be", form(&letters[..6])),
        ("with nothing to fill in", form(&[])),
    ] {
        writeln!(text, "# {name}\n{}", shown(&ask, true)).unwrap();
        writeln!(text, "## without forms\n{}", shown(&ask, false)).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_control_says_what_it_is_for() {
    let fields = [("text".to_owned(), " because ".to_owned())];
    let chosen = ["1".to_owned(), "0".to_owned()];
    let mut text = String::new();
    let mut second = one_of(&["red"]);
    if let About::Questions(questions) = &mut second.about {
        questions.push(question(&["a", "b"], true));
    }
    second.replies.push(vec!["red".to_owned()]);
    let mut over = one_of(&["red"]);
    over.replies.push(vec!["red".to_owned()]);
    for (name, ask, used) in [
        (
            "a permission",
            permission(),
            &["0", "1", "2", "3", "4", "5", "6", "f", ""][..],
        ),
        ("a plan", plan(), &["1", "2", "3", "4"]),
        (
            "a question",
            one_of(&["red", "green"]),
            &["0.0", "0.1", "0.2", "0.o", "0", "1.0", "f", "d"],
        ),
        ("a second question", second, &["0.0", "1.1", "1", "2.0"]),
        ("a question that is answered", over, &["0.0", "1.0"]),
        ("a form", form(&["text", "size?"]), &["f", "d", "1"]),
        ("a form that misses something", form(&["name"]), &["f", "d"]),
    ] {
        writeln!(text, "# {name}").unwrap();
        for what in used {
            let with = said(&ask, what, &chosen, &fields);
            let without = said(&ask, what, &[], &[]);
            writeln!(text, "{what:?}: {with:?}, bare: {without:?}").unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

/// What comes of texts, a line each.
fn answers(table: &[(&str, Ask, &[&str])]) -> String {
    let mut text = String::new();
    for (name, ask, texts) in table {
        writeln!(text, "# {name}").unwrap();
        for said in *texts {
            let numbered = written(ask, said, true);
            let plain = written(ask, said, false);
            let plain = if plain == numbered {
                String::new()
            } else {
                format!(", without numbers: {plain:?}")
            };
            writeln!(text, "{said:?}: {numbered:?}{plain}").unwrap();
        }
    }
    text
}

#[test]
fn what_is_written_lets_something_run_where_it_is_meant_so() {
    insta::assert_snapshot!(answers(&[
        (
            "a permission",
            permission(),
            &[
                "",
                " ",
                "allow",
                "Allow once.",
                "once!",
                "session",
                "always",
                "deny",
                "Deny: no",
                "deny,",
                "denying",
                "deny no, that is wrong",
                "denies it",
                "1",
                "4",
                "5",
                "5: no",
                "5",
                "6",
                "0",
                "yes",
                "dé",
            ],
        ),
        (
            "a plan",
            plan(),
            &[
                "approve",
                "accept edits",
                "2",
                "keep planning",
                "3 more tests",
                "no",
            ],
        ),
    ]));
}

#[test]
fn what_is_written_answers_a_question_or_a_form() {
    insta::assert_snapshot!(answers(&[
        (
            "a question",
            one_of(&["Red", "2"]),
            &[
                "red",
                "RED",
                "1",
                "1.",
                "2",
                "3",
                "0",
                "red, 2",
                "something else",
            ],
        ),
        (
            "of which several may be chosen",
            some_of(&["red", "green", "blue"]),
            &[
                "red, blue",
                "1 3",
                "1, 1, 2",
                "1+2",
                "red;4",
                "1 x",
                "red blue",
                "2",
                "other",
            ],
        ),
        (
            "a form",
            form(&["name", "size?"]),
            &[
                "name: ann",
                "The name : ann\nsize?: 2",
                "ann",
                "size?: 2",
                "decline",
                "Cancel",
                "agree",
                "name: ann\nwhat: 1",
            ],
        ),
        (
            "a form with one field",
            form(&["name"]),
            &["ann", "name: ann", "deny"],
        ),
        (
            "a form with none",
            form(&[]),
            &["agree", "Agree", "ok", "decline"],
        ),
    ]));
}

#[test]
fn what_is_too_long_is_cut_between_letters() {
    let long = "é".repeat(8_192);
    let reason = written(&permission(), &format!("deny: x{long}"), true);
    let Some(Said::Deny {
        reason: Some(reason),
    }) = reason
    else {
        panic!("no reason: {reason:?}");
    };
    assert_eq!(reason.len(), 8_191);
}

#[test]
fn several_questions_are_answered_together() {
    let questions = vec![question(&["a"], false), question(&["b"], false)];
    let mut ask = ask(About::Questions(questions));
    let reply = Said::Reply(vec!["a".to_owned()]);
    assert_eq!(reply.answer(&ask, "ann"), None);
    ask.replies.push(vec!["a".to_owned()]);
    let both = Answer::Replies(vec![vec!["a".to_owned()], vec!["b".to_owned()]]);
    let reply = Said::Reply(vec!["b".to_owned()]);
    assert_eq!(reply.answer(&ask, "ann"), Some(both));
    assert_eq!(reply.answer(&permission(), "ann"), None);
}

#[test]
fn what_lets_something_run_or_not_is_an_approval() {
    for (said, approval) in [
        (Said::Allow(Scope::Once), true),
        (Said::Deny { reason: None }, true),
        (Said::Approve { accept_edits: true }, true),
        (Said::KeepPlanning { comment: None }, true),
        (Said::Reply(Vec::new()), false),
        (Said::Fill(Vec::new()), false),
        (Said::Decline, false),
    ] {
        assert_eq!(said.is_approval(), approval, "{said:?}");
    }
}

#[test]
fn a_control_is_known_by_its_request() {
    let id = action(AskId::from_uuid(Uuid::nil()), "0.o");
    assert_eq!(of_action(&id), Some((AskId::from_uuid(Uuid::nil()), "0.o")));
    for other in ["ask:nobody:1", "stop:1", "ask"] {
        let id = ActionId::parse(other).unwrap();
        assert_eq!(of_action(&id), None, "{other}");
    }
}

#[test]
fn each_kind_of_request_says_how_it_is_answered() {
    let mut text = String::new();
    let with_detail = |detail| {
        let mut asked = Permission::new("Bash", " ls ", "Bash(ls)");
        asked.detail = detail;
        ask(About::Permission(asked))
    };
    for (name, ask) in [
        (
            "a command",
            with_detail(Detail::Command("ls -l".to_owned())),
        ),
        ("a change", with_detail(Detail::Diff("-a\n+b".to_owned()))),
        (
            "a text",
            with_detail(Detail::Text("a long text".to_owned())),
        ),
        ("nothing more", with_detail(Detail::Text(" \n".to_owned()))),
        ("a plan", plan()),
        ("a question", one_of(&["red", "green"])),
        (
            "of which several may be chosen",
            some_of(&["long one", "b"]),
        ),
        ("with nothing to choose from", one_of(&[])),
        ("a form", form(&["name", "size?"])),
        ("with one field", form(&["name"])),
        ("with nothing to fill in", form(&[])),
    ] {
        writeln!(text, "# {name}\n{}", wording::request(&ask, 8)).unwrap();
        for means in [Controls::None, Controls::Buttons, Controls::Forms] {
            let how = wording::how_to_answer(&ask, means, Duration::from_mins(30));
            writeln!(text, "{means:?}: {how}").unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_people_and_agents_hear_of_answers() {
    let some = Some("no");
    insta::assert_snapshot!(
        [
            wording::incomplete(),
            wording::earlier_question(),
            wording::not_approver(),
            &wording::denied_to_agent("ann", some),
            &wording::denied_to_agent("ann", None),
            &wording::keep_planning_to_agent("ann", some),
            &wording::keep_planning_to_agent("ann", None),
            &wording::declined_to_agent("ann"),
            &wording::nobody_answered(Duration::from_mins(30)),
            wording::nobody_is_asked(),
        ]
        .join("\n")
    );
}

#[test]
fn a_command_stands_between_fences_that_it_does_not_end() {
    let shown = |command: &str| {
        let permission = Permission {
            detail: Detail::Command(command.to_owned()),
            ..Permission::new("Bash", "", "Bash")
        };
        wording::request(&ask(About::Permission(permission)), 1_000)
    };
    let shown = ["ls", "a `b` c", "```\nx\n```", "````` ``"].map(shown);
    insta::assert_snapshot!(shown.join("\n────\n"));
}

#[test]
fn no_more_is_chosen_than_was_asked_for() {
    let letters = ["a", "b", "c", "d", "e", "f"];
    let values = |count: usize| -> Vec<String> { (0..count).map(|n| n.to_string()).collect() };
    let chosen = |ask: &Ask, count| said(ask, "0", &values(count), &[]);
    let (one, some) = (one_of(&letters), some_of(&letters));
    assert_eq!(chosen(&one, 1), Ok(Said::Reply(vec!["a".to_owned()])));
    assert_eq!(chosen(&one, 2), Err(Unsaid::Unknown));
    let all = letters.map(str::to_owned).to_vec();
    assert_eq!(chosen(&some, 6), Ok(Said::Reply(all)));
    let twice = [values(6), values(1)].concat();
    assert_eq!(said(&some, "0", &twice, &[]), Err(Unsaid::Unknown));
}
