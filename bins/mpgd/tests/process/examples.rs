//! The examples that the predecessor's users were given, taken over and run as they are: only the ids
//! of channels and the directories are their own.

use std::fs;

use serde_json::{Value, json};

use crate::home::{Home, output, shown};

/// A home with one of the examples, and nothing else.
async fn with(config: &Value) -> Home {
    let home = Home::new("").await;
    fs::remove_file(home.path("mpg.toml")).unwrap();
    let directory = |name: &str| home.path(name).display().to_string();
    let text = config.to_string();
    let text = text.replace("@one", &directory("one"));
    let text = text.replace("@two", &directory("two"));
    fs::write(home.path("config.json"), text).unwrap();
    fs::write(home.path(".env"), "DISCORD_BOT_TOKEN=of-the-file\n").unwrap();
    home
}

/// Runs a command without a token in its environment, which has to succeed.
async fn run(home: &Home, arguments: &[&str]) -> String {
    let mut command = home.command(arguments);
    command.env_remove("DISCORD_BOT_TOKEN");
    let said = shown(&output(&mut command).await, &home.path(""));
    assert!(said.starts_with("exit 0"), "{arguments:?}: {said}");
    said
}

/// Takes an example over, and gives back what the routes of both files are.
async fn taken_over(config: &Value, routes: &[&[&str]]) -> Vec<String> {
    let home = with(config).await;
    let there = run(&home, &["check", "--config", "config.json"]).await;
    assert!(there.contains("is in order"), "{there}");
    let said = run(&home, &["import", "config.json"]).await;
    assert!(!said.contains("error"), "{said}");
    let imported = run(&home, &["check"]).await;
    assert!(imported.contains("mpg.toml is in order"), "{imported}");
    let mut all = Vec::new();
    for route in routes {
        let of = |file: &'static str| {
            let mut arguments = vec!["routes", "--config", file];
            arguments.extend_from_slice(route);
            arguments
        };
        let before = run(&home, &of("config.json")).await;
        let after = run(&home, &of(".mpg/profiles/default/mpg.toml")).await;
        assert_eq!(after, before, "{route:?}");
        all.push(after);
    }
    all
}

fn message<'a>(channel: &'a str, text: &'a str) -> [&'a str; 4] {
    ["--channel", channel, "--message", text]
}

#[tokio::test]
async fn two_projects_in_two_channels() {
    let example = json!({
        "defaults": { "idleTimeoutMs": 1_800_000, "maxConcurrentSessions": 4 },
        "projects": {
            "1001": { "name": "rallyhub", "directory": "@one" },
            "1002": { "name": "intentlayer", "directory": "@two" },
        },
    });
    let routes = [
        message("discord:1001", "fix the login"),
        message("discord:1002", "fix the login"),
        message("discord:1002", "!session rallyhub"),
    ];
    let routes: Vec<&[&str]> = routes.iter().map(<[&str; 4]>::as_slice).collect();
    let said = taken_over(&example, &routes).await;
    assert!(said[0].contains("rallyhub"), "{}", said[0]);
    assert!(said[1].contains("intentlayer"), "{}", said[1]);
    assert!(said[2].contains("rallyhub"), "{}", said[2]);
}

#[tokio::test]
async fn the_file_of_the_setup_guide_and_a_terminal_for_each_session() {
    let guide = json!({
        "defaults": {
            "idleTimeoutMs": 1_800_000,
            "maxConcurrentSessions": 4,
            "claudeArgs": ["--permission-mode", "acceptEdits", "--output-format", "json"],
        },
        "projects": { "1001": { "name": "MyProject", "directory": "@one" } },
    });
    let work = message("discord:1001", "work");
    let said = taken_over(&guide, &[&work]).await;
    assert!(said[0].contains("MyProject"), "{}", said[0]);
    let mut watched = guide.clone();
    watched["defaults"]["persistence"] = "tmux".into();
    taken_over(&watched, &[&work]).await;
}

#[tokio::test]
async fn a_trusted_channel_and_one_that_reads() {
    let all = ["Read", "Edit", "Write", "Glob", "Grep", "Bash", "TodoWrite"];
    let example = json!({
        "defaults": {
            "allowedTools": ["Read", "Edit", "Write", "Glob", "Grep", "Bash(git:*)", "TodoWrite"],
        },
        "projects": {
            "1001": { "directory": "@one", "allowedTools": all },
            "1002": { "directory": "@two", "allowedTools": ["Read", "Glob", "Grep"] },
        },
    });
    taken_over(&example, &[&message("discord:1002", "read it")]).await;
}

#[tokio::test]
async fn two_agents_that_mention_one_another() {
    let example = json!({
        "projects": { "1001": {
            "name": "my-app",
            "directory": "@one",
            "agents": {
                "pm": {
                    "role": "Product Manager",
                    "prompt": "Plan, and review. For code, mention @engineer in your response.",
                },
                "engineer": {
                    "role": "Software Engineer",
                    "prompt": "Build it. When it is done, mention @pm in your response.",
                },
            },
        } },
    });
    let routes = [
        message("discord:1001", "@pm fix the login bug"),
        message("discord:1001", "!ask engineer fix it"),
        message("discord:1001", "!engineer fix it"),
        message("discord:1001", "fix it"),
    ];
    let routes: Vec<&[&str]> = routes.iter().map(<[&str; 4]>::as_slice).collect();
    let said = taken_over(&example, &routes).await;
    for (said, agent) in said.iter().zip(["pm", "engineer", "engineer"]) {
        assert!(said.contains(agent), "{said}");
        assert!(!said.contains("unknown"), "{said}");
    }
    assert!(!said[3].contains("engineer"), "{}", said[3]);
}
