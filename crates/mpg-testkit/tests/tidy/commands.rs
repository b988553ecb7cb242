//! The commands that the documents give: cargo's name packages, targets and tests that are there, and
//! scripts are there. Those of `mpgd` are parsed where its arguments are.

use std::path::{Path, PathBuf};

use mpg_testkit::document::Document;

use crate::repository::{Member, assert_none, files, members, read, root};

#[test]
fn commands_are_about_what_is_there() {
    let members = members();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for page in Document::all() {
        for (line, command) in commands(&page) {
            seen += 1;
            let found = wrong_in(&command, &members);
            wrong.extend(found.map(|what| format!("{}: {what}: {command}", page.at(line))));
        }
    }
    assert!(seen > 25, "the commands were not found: {seen}");
    assert_none(&wrong);
}

#[test]
fn a_wrong_command_is_found() {
    let members = members();
    let found = |command: &str| wrong_in(command, &members).next();
    let right = [
        "cargo test --workspace",
        "MPG_SEED=42 cargo test -p mpg-engine --test simulation",
        "cargo test -p mpg-claude --features system-tests --test tmux",
        "cargo test -p mpg-testkit --test tidy commands",
        "cargo bench -p mpgd -- turn",
        "cargo bench --profile dist -p mpgd",
        "perf record -g cargo bench -p mpgd -- daemon",
        "bins/mpgd/package/build",
        "git for-each-ref refs/mpg/discarded",
        "INSTA_UPDATE=always cargo test -p mpg-core --test routes",
    ];
    for command in right {
        assert_eq!(found(command), None, "{command}");
    }
    let wrong = [
        ("cargo test -p mpg-none", "there is no package mpg-none"),
        (
            "cargo test -p mpg-core --test none",
            "mpg-core has no such test: none",
        ),
        (
            "cargo test -p mpg-core no_such_name",
            "nothing in mpg-core is called no_such_name",
        ),
        (
            "cargo test -p mpg-core --features x",
            "mpg-core has no feature x",
        ),
        (
            "cargo bench --profile none -p mpgd",
            "there is no profile none",
        ),
        ("MPG_NONE=1 cargo test", "nothing reads MPG_NONE"),
        ("bins/none/build", "there is no such file"),
    ];
    for (command, expected) in wrong {
        assert_eq!(found(command).as_deref(), Some(expected), "{command}");
    }
}

/// The lines of shell blocks, and what stands in backticks and begins like a command.
fn commands(page: &Document) -> Vec<(usize, String)> {
    let mut commands = Vec::new();
    for block in page.blocks() {
        if ["console", "sh"].contains(&block.language.as_str()) {
            for (number, line) in block.code.text.lines().enumerate() {
                commands.push((block.code.line + 1 + number, line.to_owned()));
            }
        }
    }
    for span in page.spans() {
        let words = words(&span.text);
        let is_run = words.first().is_some_and(|word| word.starts_with("MPG_"));
        if words.len() > 1 && (is_run || words[0] == "cargo") {
            commands.push((span.line, span.text));
        }
    }
    commands
}

fn words(command: &str) -> Vec<String> {
    let command = command.split(" #").next().unwrap_or_default();
    command.split_whitespace().map(str::to_owned).collect()
}

/// What a command names of this repository and is not in it.
fn wrong_in(command: &str, members: &[Member]) -> impl Iterator<Item = String> {
    let words = words(command);
    let mut wrong = Vec::new();
    let mut start = 0;
    while let Some((name, _)) = words.get(start).and_then(|word| word.split_once('=')) {
        if name.starts_with("MPG_") && !is_read(name) {
            wrong.push(format!("nothing reads {name}"));
        }
        start += 1;
    }
    if let Some(program) = words.get(start)
        && program.contains('/')
        && !program.starts_with(['/', '~', '"'])
        && !root().join(program).is_file()
    {
        wrong.push("there is no such file".to_owned());
    }
    if let Some(cargo) = words.iter().position(|word| word == "cargo") {
        wrong.extend(wrong_for_cargo(&words[cargo + 1..], members));
    }
    wrong.into_iter()
}

fn wrong_for_cargo(words: &[String], members: &[Member]) -> Vec<String> {
    let is_ours = words
        .first()
        .is_some_and(|word| ["test", "bench", "run"].contains(&word.as_str()));
    let after = |flag: &str| {
        let at = words.iter().position(|word| word == flag)?;
        words.get(at + 1).map(String::as_str)
    };
    let Some(package) = after("-p").filter(|_| is_ours) else {
        return Vec::new();
    };
    let Some(member) = members.iter().find(|member| member.name == package) else {
        return vec![format!("there is no package {package}")];
    };
    let mut wrong = Vec::new();
    if let Some(test) = after("--test") {
        let tests = member.folder.join("tests");
        let is_there = tests.join(format!("{test}.rs")).is_file()
            || tests.join(test).join("main.rs").is_file();
        if !is_there {
            wrong.push(format!("{package} has no such test: {test}"));
        }
    }
    if let Some(feature) = after("--features") {
        let features = member.manifest.get("features");
        if features.is_none_or(|features| features.get(feature).is_none()) {
            wrong.push(format!("{package} has no feature {feature}"));
        }
    }
    if let Some(profile) = after("--profile")
        && !read(Path::new("Cargo.toml")).contains(&format!("\n[profile.{profile}]\n"))
    {
        wrong.push(format!("there is no profile {profile}"));
    }
    // What stands behind everything, and is no flag's, names tests.
    let own = words.split(|word| word == "--").next().unwrap_or_default();
    let mut previous = "";
    for word in &own[1..] {
        let takes = ["-p", "--test", "--features", "--profile"];
        let is_name = !word.starts_with('-') && !takes.contains(&previous);
        if is_name && !is_named(member, word) {
            wrong.push(format!("nothing in {package} is called {word}"));
        }
        previous = word;
    }
    wrong
}

/// Whether a test of the package can have this in its name: a module, a function or a campaign.
fn is_named(member: &Member, name: &str) -> bool {
    let folder = member.folder.strip_prefix(root()).unwrap().to_owned();
    let mut sources: Vec<PathBuf> = files(&[".rs"]);
    sources.retain(|file| file.starts_with(&folder));
    sources.iter().any(|file| {
        let is_module = file.with_extension("").ends_with(name);
        is_module || {
            let text = read(file);
            text.contains(&format!("fn {name}(")) || text.contains(&format!("\"{name}\""))
        }
    })
}

/// Whether some code reads a variable of this name.
fn is_read(name: &str) -> bool {
    let quoted = format!("\"{name}\"");
    files(&[".rs"])
        .iter()
        .any(|file| read(file).contains(&quoted))
}
