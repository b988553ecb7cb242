//! `docs/commands.md` and the table of commands say the same.

use std::fmt::Write as _;

use mpg_core::command::{COMMANDS, Takes};

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
