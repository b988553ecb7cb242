//! `docs/commands.md` and the table of commands say the same.

use std::fmt::Write as _;

use mpg_core::command::{ArgumentKind, COMMANDS, Command, Takes};

const DOCUMENT: &str = include_str!("../../../docs/commands.md");

#[test]
fn the_document_lists_the_table() {
    let mut table = String::from("| command | what it does | takes |\n|---|---|---|\n");
    for row in COMMANDS {
        let takes = match row.takes {
            Takes::Nothing => "",
            Takes::Admin => "`admin-roles`",
            Takes::UnsafeRole => "`unsafe-roles`",
        };
        let usage = row.usage().replace('|', "\\|");
        writeln!(table, "| `!{usage}` | {} | {takes} |", row.help).expect("a string takes it");
    }
    assert!(
        DOCUMENT.contains(&table),
        "docs/commands.md has another table than this:\n{table}"
    );
}

#[test]
fn the_document_names_what_takes_a_role_only_with_a_word_behind_it() {
    let mut orders = Vec::new();
    for row in COMMANDS {
        let kinds = row.arguments.iter().map(|argument| argument.kind);
        let words = kinds.filter_map(|kind| match kind {
            ArgumentKind::Choice(words) => Some(words),
            ArgumentKind::Project
            | ArgumentKind::Agent
            | ArgumentKind::Command
            | ArgumentKind::Number
            | ArgumentKind::Text => None,
        });
        for word in words.flatten() {
            let order = format!("!{} {word}", row.name);
            let numbered = Command::parse(&format!("{order} 1"), []);
            let read = [numbered, Command::parse(&order, [])];
            let takes_more = |command: &Command| {
                !matches!(command, Command::Misused(_)) && command.takes() != row.takes
            };
            if read.iter().flatten().any(takes_more) {
                orders.push(format!("`{order}`"));
            }
        }
    }
    let last = orders.pop().expect("there are such");
    let sentence = format!("{} and {last} take `admin-roles` too", orders.join(", "));
    assert!(
        DOCUMENT.contains(&sentence),
        "docs/commands.md does not say: {sentence}"
    );
}

#[test]
fn the_document_names_what_makes_agents_work() {
    let working = COMMANDS.iter().filter(|row| row.starts_work);
    let mut names: Vec<String> = working.map(|row| format!("`!{}`", row.name)).collect();
    let last = names.pop().expect("there are such");
    let sentence = format!("{} and {last} make agents work", names.join(", "));
    assert!(
        DOCUMENT.contains(&sentence),
        "docs/commands.md does not say: {sentence}"
    );
}
