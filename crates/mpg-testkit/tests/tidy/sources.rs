//! What source files may be called, how long they may be, and what they may name.

pub(crate) mod code;

use std::path::Path;

use crate::repository::{assert_none, files, members, read, root};

use code::shipped_code;

/// The longest source file, in lines.
const LONGEST_FILE: usize = 600;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = [
    "common", "helper", "helpers", "manager", "misc", "mod", "types", "util", "utils",
];

const PLATFORMS: [&str; 3] = ["discord", "slack", "telegram"];

/// The crates that must work with every platform.
const PLATFORM_FREE: [&str; 5] = [
    "mpg-core",
    "mpg-engine",
    "mpg-store",
    "mpg-claude",
    "mpg-workspace",
];

/// The people that examples may be about.
const EXAMPLE_USERS: [&str; 3] = ["ada", "user", "you"];

#[test]
fn files_are_short_enough_to_read() {
    let wrong: Vec<_> = files(&[".rs"])
        .iter()
        .map(|file| (file, read(file).lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(file, lines)| format!("{}: {lines} lines, at most {LONGEST_FILE}", file.display()))
        .collect();
    assert_none(&wrong);
}

#[test]
fn modules_are_named_for_what_they_are() {
    let wrong: Vec<_> = files(&[".rs"])
        .iter()
        .filter(|file| has_empty_name(file))
        .map(|file| format!("{}: this name says nothing", file.display()))
        .collect();
    assert_none(&wrong);
}

#[test]
fn an_empty_name_is_found_wherever_it_stands() {
    assert!(has_empty_name(Path::new("crates/x/src/utils.rs")));
    assert!(has_empty_name(Path::new("crates/x/src/common/fence.rs")));
    assert!(has_empty_name(Path::new("crates/x/tests/gateway/mod.rs")));
    assert!(!has_empty_name(Path::new("crates/x/src/fence.rs")));
}

#[test]
fn no_code_outside_adapters_names_a_platform() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for member in members() {
        if !PLATFORM_FREE.contains(&member.name.as_str()) {
            continue;
        }
        for file in sources_of(&member.folder) {
            seen += 1;
            let code = shipped_code(&read(&file)).to_lowercase();
            for (number, line) in code.lines().enumerate() {
                if PLATFORMS.iter().any(|platform| line.contains(platform)) {
                    wrong.push(format!(
                        "{}:{}: names a platform",
                        file.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(seen >= PLATFORM_FREE.len(), "the sources were not found");
    assert_none(&wrong);
}

#[test]
fn only_the_binary_reads_the_environment() {
    let mut wrong = Vec::new();
    for member in members() {
        let is_library = member.folder.starts_with(root().join("crates"));
        if !is_library || member.name == "mpg-testkit" {
            continue;
        }
        for file in sources_of(&member.folder) {
            let code = shipped_code(&read(&file));
            for (number, line) in code.lines().enumerate() {
                if line.contains("env::var") || line.contains("env::home_dir") {
                    wrong.push(format!("{}:{}: reads it", file.display(), number + 1));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn nothing_names_a_developers_machine() {
    let checkout = root();
    let checkout = checkout.to_str().unwrap();
    let endings = [
        ".rs", ".toml", ".md", ".snap", ".json", ".sql", ".yml", ".service",
    ];
    let mut wrong = Vec::new();
    for file in files(&endings) {
        for (number, line) in read(&file).lines().enumerate() {
            if names_a_machine(line, checkout) {
                wrong.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn a_path_of_a_machine_is_told_from_an_example() {
    let of_a_machine = |line: &str| names_a_machine(line, "/srv/checkout");
    let home = "/home";
    assert!(of_a_machine(&format!("cd {home}/joe/src")));
    assert!(of_a_machine("at /srv/checkout/crates/x.rs:1"));
    assert!(!of_a_machine("directory = \"/home/ada/projects\""));
    assert!(!of_a_machine(&format!("\"{home}/ada\"")));
    assert!(!of_a_machine("ls /home"));
}

fn has_empty_name(file: &Path) -> bool {
    let file = file.with_extension("");
    let mut parts = file.iter().filter_map(|part| part.to_str());
    parts.any(|part| EMPTY_NAMES.contains(&part))
}

/// A line may name the homes of the people in examples, and no other path of a machine.
fn names_a_machine(line: &str, checkout: &str) -> bool {
    let in_a_home = ["/home/", "/Users/"].iter().any(|homes| {
        line.match_indices(homes).any(|(at, _)| {
            let user = line[at + homes.len()..]
                .split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')))
                .next()
                .unwrap_or_default();
            !user.is_empty() && !EXAMPLE_USERS.contains(&user)
        })
    });
    in_a_home || line.contains(&format!("{checkout}/"))
}

fn sources_of(folder: &Path) -> Vec<std::path::PathBuf> {
    let sources = folder.strip_prefix(root()).unwrap().join("src");
    let mut files = files(&[".rs"]);
    files.retain(|file| file.starts_with(&sources) && !file.ends_with("tests.rs"));
    files
}
