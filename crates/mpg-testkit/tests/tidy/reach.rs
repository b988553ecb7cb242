//! What the code of a crate may reach for: the core for nothing, adapters for nothing that decides, few
//! for another program, and nobody for a queue without a limit.

use std::path::{Path, PathBuf};

use crate::repository::{assert_none, files, members, read, root};
use crate::sources::code::shipped_code;

/// What does something, or says something else each time that it is asked.
const EFFECTS: [&str; 14] = [
    "std::env",
    "env::var",
    "std::fs",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "std::os::unix",
    "std::process",
    "std::thread",
    "File::open",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
];

/// The parts of the core that decide. What an adapter may offer, and to whom, it is handed.
const DECISIONS: [&str; 9] = [
    "command", "config", "gateway", "handoff", "layout", "route", "snapshot", "split", "wording",
];

/// Where an adapter is: a crate of its own, or a folder of one.
const ADAPTERS: [&str; 5] = [
    "crates/mpg-discord/src",
    "crates/mpg-console/src",
    "crates/mpg-web/src/chat",
    "crates/mpg-web/src/chat.rs",
    "examples/echo-adapter/src",
];

/// The crates that start programs: agents, git, and what an operator has configured or asked for.
const STARTING: [&str; 3] = ["mpg-claude", "mpg-workspace", "mpgd"];

#[test]
fn the_core_reaches_for_nothing() {
    let wrong = found_below("crates/mpg-core/src", |line| {
        EFFECTS.iter().any(|effect| line.contains(effect))
    });
    assert_none(&wrong);
}

#[test]
fn the_configuration_is_handed_its_text() {
    let wrong = found_below("crates/mpg-config/src", |line| {
        EFFECTS.iter().any(|effect| line.contains(effect))
    });
    assert_none(&wrong);
}

#[test]
fn an_adapter_has_nothing_to_decide_with() {
    let decides = |line: &str| DECISIONS.iter().any(|part| names_part_of_core(line, part));
    let wrong: Vec<_> = ADAPTERS
        .iter()
        .flat_map(|folder| found_below(folder, decides))
        .collect();
    assert_none(&wrong);
}

#[test]
fn few_crates_start_programs() {
    let others = members();
    let others = others.iter().filter(|member| {
        let is_test_only = member.name == "mpg-testkit";
        !is_test_only && !STARTING.contains(&member.name.as_str())
    });
    let wrong: Vec<_> = others
        .flat_map(|member| {
            let sources = member.folder.strip_prefix(root()).unwrap().join("src");
            found_below(sources, |line| {
                line.contains("process::Command") || line.contains("Command::new(\"")
            })
        })
        .collect();
    assert_none(&wrong);
}

#[test]
fn no_queue_is_without_a_limit() {
    let wrong: Vec<_> = members()
        .iter()
        .filter(|member| member.name != "mpg-testkit")
        .flat_map(|member| {
            let sources = member.folder.strip_prefix(root()).unwrap().join("src");
            found_below(sources, has_no_limit)
        })
        .collect();
    assert_none(&wrong);
}

#[test]
fn what_is_reached_for_is_seen() {
    let part = |line: &str| names_part_of_core(line, "route");
    assert!(part("use mpg_core::route::route;"));
    assert!(part("use mpg_core::{id::Place, route};"));
    assert!(part("    mpg_core::route(a)"));
    assert!(!part("use mpg_core::router::A;"));
    assert!(!part("let route = mpg_core::post::Post;"));
    assert!(has_no_limit("let (a, b) = mpsc::unbounded_channel();"));
    assert!(has_no_limit("let (a, b) = mpsc::channel();"));
    assert!(has_no_limit("let (a, b) = mpsc::channel(4096);"));
    assert!(has_no_limit("let (a, b) = broadcast::channel(length);"));
    assert!(!has_no_limit("let (a, b) = mpsc::channel(1);"));
    assert!(!has_no_limit(
        "let (a, b) = mpsc::sync_channel(gateway::QUEUE);"
    ));
    assert!(!has_no_limit("let (a, b) = mpsc::channel(WINDOW + 1);"));
    assert!(!has_no_limit("let (a, b) = oneshot::channel();"));
}

/// A queue that grows, or one whose length is no constant that a sentence stands at.
fn has_no_limit(line: &str) -> bool {
    if line.contains("unbounded") {
        return true;
    }
    let queues = [
        "mpsc::channel(",
        "mpsc::sync_channel(",
        "broadcast::channel(",
    ];
    queues.iter().any(|queue| {
        let Some((_, rest)) = line.split_once(queue) else {
            return false;
        };
        let length = rest.split(')').next().unwrap_or_default();
        let first = length.split(' ').next().unwrap_or_default();
        let name = first.rsplit("::").next().unwrap_or_default();
        let is_constant = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            && name.starts_with(|c: char| c.is_ascii_uppercase());
        !is_constant && length != "1"
    })
}

/// Whether a line takes this part of the core, alone or in a list.
fn names_part_of_core(line: &str, part: &str) -> bool {
    line.match_indices("mpg_core::").any(|(at, found)| {
        let rest = &line[at + found.len()..];
        let listed = rest.strip_prefix('{').map(|list| {
            let list = list.split('}').next().unwrap_or_default();
            list.split(',').map(str::trim).collect::<Vec<_>>()
        });
        listed.unwrap_or_else(|| vec![rest]).iter().any(|name| {
            let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_'));
            &name[..end.unwrap_or(name.len())] == part
        })
    })
}

/// The lines of shipped code, below a folder or in a file, that are as they should not be.
fn found_below(folder: impl AsRef<Path>, is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = folder.as_ref();
    let mut sources: Vec<PathBuf> = files(&[".rs"]);
    sources.retain(|file| file.starts_with(folder) && !file.ends_with("tests.rs"));
    assert!(!sources.is_empty(), "nothing is in {}", folder.display());
    let mut wrong = Vec::new();
    for file in sources {
        for (number, line) in shipped_code(&read(&file)).lines().enumerate() {
            if is_wrong(line) {
                let at = format!("{}:{}", file.display(), number + 1);
                wrong.push(format!("{at}: {}", line.trim()));
            }
        }
    }
    wrong
}
