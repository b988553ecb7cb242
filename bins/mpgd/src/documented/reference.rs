//! `docs/command-line.md` and the program's arguments say the same.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command, CommandFactory as _};
use mpg_testkit::document::Document;

use crate::cli::Arguments;

const PAGE: &str = "docs/command-line.md";

#[test]
fn the_page_lists_the_arguments_that_there_are() {
    let mut text = String::new();
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    describe(&mut text, &program, "mpgd", true);
    let page = Document::read(Path::new(PAGE));
    let (_, listed) = page.text.split_once("\n## ").unwrap();
    assert_eq!(
        format!("## {listed}"),
        text,
        "{PAGE} has to say this from its first chapter on:\n{text}"
    );
}

/// A command with its arguments, and then those below it.
fn describe(text: &mut String, command: &Command, name: &str, is_program: bool) {
    let below = command.get_subcommands().filter(|one| !one.is_hide_set());
    let about = command.get_about().map(ToString::to_string);
    let about = about.unwrap_or_default();
    if !text.is_empty() {
        text.push('\n');
    }
    writeln!(text, "## `{name}`\n\n{}.", about.trim_end_matches('.')).unwrap();
    let aliases: Vec<_> = command
        .get_visible_aliases()
        .map(|alias| format!("`{alias}`"))
        .collect();
    if !aliases.is_empty() {
        writeln!(text, "Also called {}.", aliases.join(", ")).unwrap();
    }
    // What every command takes stands with the program alone.
    let arguments = command.get_arguments().filter(|argument| {
        let is_help = ["help", "version"].contains(&argument.get_id().as_str());
        !is_help && (is_program || !argument.is_global_set())
    });
    let rows: Vec<_> = arguments.map(row).collect();
    if !rows.is_empty() {
        writeln!(text, "\n| argument | is |\n|---|---|\n{}", rows.join("\n")).unwrap();
    }
    for one in below {
        describe(text, one, &format!("{name} {}", one.get_name()), false);
    }
}

fn row(argument: &Arg) -> String {
    let mut names = Vec::new();
    names.extend(argument.get_short().map(|short| format!("-{short}")));
    names.extend(argument.get_long().map(|long| format!("--{long}")));
    let takes_value = argument.get_action().takes_values();
    let value = argument.get_value_names().unwrap_or_default();
    let value: Vec<_> = value.iter().map(ToString::to_string).collect();
    if takes_value {
        let value = value.join(" ");
        match names.last_mut() {
            Some(last) => *last = format!("{last} {value}"),
            None => names.push(value),
        }
    }
    let mut what = argument.get_help().map(ToString::to_string);
    let what = what.get_or_insert_default();
    let choices: Vec<_> = argument
        .get_possible_values()
        .iter()
        .map(|choice| format!("`{}`", choice.get_name()))
        .collect();
    if takes_value && !choices.is_empty() {
        write!(what, ": {}", choices.join(", ")).unwrap();
    }
    let defaults: Vec<_> = argument.get_default_values().iter().collect();
    if takes_value
        && let [default] = defaults[..]
        && !default.is_empty()
    {
        write!(what, "; default: `{}`", default.to_string_lossy()).unwrap();
    }
    let names = names.join("`, `").replace('|', "\\|");
    let what = what.replace('|', "\\|");
    format!("| `{names}` | {what} |")
}
