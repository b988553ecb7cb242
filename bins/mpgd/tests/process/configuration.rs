//! What the command line and the configuration file are answered with.

use std::fmt::Write as _;
use std::fs;

use crate::home::{Home, output, shown};

async fn run(home: &Home, arguments: &[&str]) -> String {
    shown(&output(&mut home.command(arguments)).await, &home.path(""))
}

/// A home whose file has fixed ids in it.
async fn home_with(config: &str) -> Home {
    let home = Home::new("").await;
    fs::write(home.path("mpg.toml"), config).unwrap();
    home
}

const GOOD: &str = r#"
[projects.one]
directory = "~/one"
channels = ["discord:111"]
allowed-roles = ["dev"]
rate-limit-per-user = 10

[projects.two]
directory = "~/two"
channels = ["discord:222", "discord:333"]
allowed-tools = ["Read", "Glob", "Grep"]
"#;

#[tokio::test]
async fn check_says_what_routes_where() {
    let home = home_with(GOOD).await;
    let said = run(&home, &["check", "--data-dir", "state"]).await;
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn routes_says_what_would_become_of_a_message() {
    let home = home_with(GOOD).await;
    let mut said = String::new();
    for arguments in [
        ["--message", "hello", "--user", "ann"],
        ["--message", "!kill one", "--role", "dev"],
        ["--message", "hello", "--channel", "discord:999"],
    ] {
        let arguments = [&["routes"], arguments.as_slice()].concat();
        writeln!(said, "$ mpgd {}", arguments.join(" ")).unwrap();
        said.push_str(&run(&home, &arguments).await);
    }
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once_and_nothing_is_started() {
    let home = home_with(
        "[gateway]\nmax-concurrent-turns = 0\n[discord]\ntoken-env = \"NO_SUCH\"\n\
         [projects.one]\ndirectory = \"~/missing\"\nchannels = [\"discord:1\"]\n\
         allowed-tool = [\"Read\"]\n\
         [projects.two]\ndirectory = \"two\"\nchannels = [\"discord:1\", \"discord:general\"]\n",
    )
    .await;
    let said = run(&home, &["run"]).await;
    assert_eq!(home.discord.identify_count(), 0);
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn a_missing_token_is_said_with_what_else_is_wrong() {
    let home = home_with(&format!("{GOOD}alowed-users = []\n")).await;
    let mut command = home.command(&["check"]);
    command.env_remove("DISCORD_BOT_TOKEN");
    insta::assert_snapshot!(shown(&output(&mut command).await, &home.path("")));
}

#[tokio::test]
async fn an_empty_file_a_missing_file_and_garbage_are_said() {
    let home = home_with("").await;
    let mut said = run(&home, &["check"]).await;
    said.push_str(&run(&home, &["check", "--config", "nowhere.toml"]).await);
    fs::write(home.path("garbage.toml"), vec![0xff; 1_000_000]).unwrap();
    said.push_str(&run(&home, &["check", "--config", "garbage.toml"]).await);
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn a_token_file_that_is_not_there_is_said_and_nothing_is_begun() {
    let config = format!("[discord]\ntoken-file = \"~/token\"\n{GOOD}");
    let home = home_with(&config).await;
    let said = run(&home, &["run"]).await;
    assert!(!home.path(".mpg").exists(), "a state was begun");
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn usage_errors_have_their_own_code() {
    let home = Home::new("").await;
    let ended = output(&mut home.command(&["fly"])).await;
    assert_eq!(ended.status.code(), Some(64));
    let ended = output(&mut home.command(&["--log", "loud"])).await;
    assert_eq!(ended.status.code(), Some(64));
    let ended = output(&mut home.command(&["--help"])).await;
    assert_eq!(ended.status.code(), Some(0));
}

#[tokio::test]
async fn no_flag_of_the_runtime_can_be_set_by_hand() {
    for flag in mpg_claude::OWNED_FLAGS {
        let home = home_with(&format!("{GOOD}args = [\"{flag}\"]\n")).await;
        let said = run(&home, &["check"]).await;
        assert!(said.starts_with("exit 78"), "{flag}: {said}");
    }
}
