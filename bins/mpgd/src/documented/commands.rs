//! Each command line of the documents is one that the program understands.

use clap::Parser as _;
use clap::error::ErrorKind;
use mpg_testkit::document::Document;

use crate::cli::Arguments;

/// How a command line is begun that is one of ours.
const BEGINNINGS: [&str; 2] = ["mpgd ", "cargo run --release -- "];

#[test]
fn every_command_line_is_understood() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in Document::all() {
        for block in page.blocks() {
            if !["console", "sh"].contains(&block.language.as_str()) {
                continue;
            }
            for (number, line) in block.code.text.lines().enumerate() {
                let Some(arguments) = of_ours(line) else {
                    continue;
                };
                seen += 1;
                if let Err(why) = understood(&arguments, false) {
                    wrong.push(format!(
                        "{}: {line}\n{why}",
                        page.at(block.code.line + 1 + number)
                    ));
                }
            }
        }
        for span in page.spans() {
            let Some(arguments) = of_ours(&span.text) else {
                continue;
            };
            for variant in variants(&arguments) {
                seen += 1;
                if let Err(why) = understood(&variant, true) {
                    wrong.push(format!("{}: {}\n{why}", page.at(span.line), span.text));
                }
            }
        }
    }
    assert!(seen > 60, "the command lines were not found: {seen}");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_command_line_that_is_none_is_found() {
    let whole = |line: &str| understood(&of_ours(line).unwrap(), false).is_ok();
    assert!(whole("mpgd backup /mnt/safe.db   # a new file"));
    assert!(whole("cargo run --release -- try"));
    assert!(!whole("mpgd backup --into x"));
    assert!(!whole("mpgd fly"));
    assert!(!whole("mpgd send"));
    assert_eq!(of_ours("cargo bench -p mpgd"), None);
    let mentioned = |code: &str| {
        let variants = variants(&of_ours(code).unwrap());
        variants.iter().all(|one| understood(one, true).is_ok())
    };
    assert!(mentioned("mpgd send"));
    assert!(mentioned("mpgd token"));
    assert!(mentioned("mpgd audit verify|export"));
    assert!(mentioned("mpgd logs [-f] [--level] [--project]"));
    assert!(mentioned("mpgd send-file PATH… [--caption TEXT]"));
    assert!(!mentioned("mpgd audit verify|look"));
    assert!(!mentioned("mpgd deliveries [repeat ID]"));
}

/// The words behind the program's name, without the comment behind them and where it prints to.
pub(super) fn of_ours(line: &str) -> Option<String> {
    let line = line.trim();
    let mut rests = BEGINNINGS.iter();
    let rest = rests.find_map(|beginning| line.strip_prefix(beginning))?;
    let rest = rest.split(" #").next().unwrap_or_default();
    Some(
        rest.split(" > ")
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned(),
    )
}

/// All that a usage stands for: with and without what is in brackets, and with each of the words
/// between which there is a bar.
pub(super) fn variants(usage: &str) -> Vec<String> {
    let usage = usage.replace("\\|", "|");
    if let Some((before, rest)) = usage.split_once(" [")
        && let Some((optional, after)) = rest.split_once(']')
    {
        let without = format!("{before}{after}");
        // A flag in brackets is named there, and not what it takes.
        let names_a_flag = optional.starts_with("--") && !optional.contains(' ');
        let with = format!(
            "{before} {optional}{}{after}",
            if names_a_flag { "=x" } else { "" }
        );
        return [without, with]
            .iter()
            .flat_map(|one| variants(one))
            .collect();
    }
    let Some(choice) = usage.split(' ').find(|word| word.contains('|')) else {
        return vec![usage];
    };
    let one_of = choice.split('|');
    one_of
        .flat_map(|word| variants(&usage.replacen(choice, word, 1)))
        .collect()
}

/// Whether the program takes this; where it is only mentioned, what has to follow may be missing.
pub(super) fn understood(arguments: &str, is_mentioned: bool) -> Result<(), String> {
    let words = arguments.split_whitespace().map(|word| match word {
        "SHELL" => "bash",
        "--level=x" => "--level=info",
        word => word.trim_matches('"').trim_end_matches('…'),
    });
    let parsed = Arguments::try_parse_from(["mpgd"].into_iter().chain(words));
    let Err(error) = parsed else {
        return Ok(());
    };
    let is_asked_for = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    let is_unfinished = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if is_asked_for || (is_mentioned && is_unfinished) {
        Ok(())
    } else {
        Err(error.to_string())
    }
}
