//! What the predecessor's users have becomes ours, in one command.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use mpg_core::id::AgentName;
use mpg_core::port::Store as _;
use mpg_core::snapshot::Snapshot;
use mpg_store::SqliteStore;
use mpg_testkit::claude_cli;
use mpg_testkit::discord::Snowflake;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::home::{Daemon, Home, output, shown};

const ENGINEER: &str = "11111111-1111-4111-8111-111111111111";
const DEFAULT: &str = "22222222-2222-4222-8222-222222222222";

/// A home as the predecessor's users have it, with fixed ids.
async fn predecessor() -> Home {
    let home = Home::new("").await;
    fs::remove_file(home.path("mpg.toml")).unwrap();
    let config = json!({
        "defaults": { "idleTimeoutMs": 600_000, "maxConcurrentSessions": 2, "stuckNotifyMs": 1 },
        "projects": {
            "1001": {
                "name": "one",
                "directory": home.path("one"),
                "agents": ["pm", "engineer"],
                "allowedRoles": ["dev"],
            },
            "1002": { "name": "two", "directory": home.path("two") },
        },
    });
    write(&home.path("config.json"), &config);
    let env = "# secret\nDISCORD_BOT_TOKEN=\"token of here\"\nANTHROPIC_API_KEY=x\n";
    fs::write(home.path(".env"), env).unwrap();
    home
}

fn write(path: &Path, value: &Value) {
    fs::write(path, serde_json::to_string_pretty(value).unwrap()).unwrap();
}

/// A call without a token in its environment.
fn command(home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.command(arguments);
    command.env_remove("DISCORD_BOT_TOKEN");
    command
}

async fn run(home: &Home, arguments: &[&str]) -> String {
    shown(&output(&mut command(home, arguments)).await, &home.path(""))
}

async fn state(directory: &Path) -> Snapshot {
    let store = SqliteStore::open(directory).await.unwrap();
    let snapshot = store.load().await.unwrap();
    store.close().await.unwrap();
    snapshot
}

/// The state of a file that is not a profile's.
fn only_state(home: &Home) -> std::path::PathBuf {
    let mut states = fs::read_dir(home.path(".mpg/state")).unwrap();
    let state = states.next().unwrap().unwrap().path();
    assert!(states.next().is_none(), "there is one state");
    state
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

#[tokio::test]
async fn everything_is_taken_over_into_the_default_profile() {
    let home = predecessor().await;
    fs::create_dir_all(home.path("one/.worktrees/500-engineer")).unwrap();
    let session = |id: &str, key: &str, cwd: &Path, age: i64| {
        json!({
            "sessionId": id, "projectKey": key, "cwd": cwd,
            "lastActivity": now() - age, "projectDir": home.path("one"),
        })
    };
    let one = home.path("one");
    let mut in_worktree = session(ENGINEER, "500:engineer", &one, 10);
    in_worktree["worktreePath"] = json!(home.path("one/.worktrees/500-engineer"));
    let mut no_worktree = session(DEFAULT, "501", &one, 10);
    no_worktree["worktreePath"] = json!(home.path("one/.worktrees/501"));
    let mut elsewhere = session(DEFAULT, "502", Path::new("/"), 10);
    elsewhere["projectDir"] = json!("/");
    write(
        &home.path(".sessions.json"),
        &json!([
            in_worktree,
            session(DEFAULT, "500", &one, 20),
            no_worktree,
            elsewhere,
            session(DEFAULT, "503:designer", &one, 10),
            session(DEFAULT, "504", &one, 30 * 86_400_000),
            session("not an id", "505", &one, 10),
            session(DEFAULT, "__proto__", &one, 10),
            7,
        ]),
    );
    let said = run(&home, &["init", "--migrate"]).await;
    insta::assert_snapshot!("migrate", said);
    let profile = home.path(".mpg/profiles/default");
    let root = home.path("").display().to_string();
    let written = fs::read_to_string(profile.join("mpg.toml")).unwrap();
    insta::assert_snapshot!(
        "migrated",
        written.replace(root.trim_end_matches('/'), "[home]")
    );

    let token = profile.join("discord-token");
    assert_eq!(fs::read_to_string(&token).unwrap(), "token of here\n");
    assert_eq!(
        fs::metadata(&token).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let snapshot = state(&profile).await;
    let (root, thread) = snapshot.threads.first_key_value().unwrap();
    assert_eq!(
        (snapshot.threads.len(), root.to_string()),
        (1, "discord:1001#500".to_owned())
    );
    let engineer = Some(AgentName::new("engineer"));
    assert_eq!(thread.last_agent, engineer);
    let bound = |agent| {
        thread
            .conversations
            .get(agent)
            .unwrap()
            .session
            .clone()
            .unwrap()
    };
    assert_eq!(bound(engineer.as_ref()).id.to_string(), ENGINEER);
    assert!(
        bound(engineer.as_ref())
            .directory
            .ends_with("/one/.worktrees/500-engineer")
    );
    assert_eq!(bound(None).id.to_string(), DEFAULT);
    assert!(bound(None).answered);
    assert!(bound(None).directory.ends_with("/one"));

    let checked = run(&home, &["check"]).await;
    assert!(
        checked.contains("profiles/default/mpg.toml is in order"),
        "{checked}"
    );
}

#[tokio::test]
async fn nothing_is_written_over() {
    let home = predecessor().await;
    let arguments = ["import", "config.json", "--out", "new/mpg.toml"];
    let first = run(&home, &arguments).await;
    assert!(first.starts_with("exit 0"), "{first}");
    let files = ["new/mpg.toml", "new/discord-token", ".env", "config.json"];
    let content = || files.map(|file| fs::read_to_string(home.path(file)).unwrap());
    let before = content();
    insta::assert_snapshot!("twice", run(&home, &arguments).await);
    assert_eq!(content(), before);

    fs::remove_file(home.path("new/mpg.toml")).unwrap();
    let said = run(&home, &arguments).await;
    assert!(
        said.contains("new/discord-token is there already"),
        "{said}"
    );
    assert!(!home.path("new/mpg.toml").exists());
}

#[tokio::test]
async fn what_was_taken_over_is_there_however_the_new_file_is_named() {
    let home = predecessor().await;
    let old = json!([{
        "sessionId": DEFAULT, "projectKey": "500", "cwd": home.path("one"),
        "lastActivity": now(), "projectDir": home.path("one"),
    }]);
    write(&home.path("sessions.json"), &old);
    let out = "one/../new/mpg.toml";
    let said = run(&home, &["import", "config.json", "--out", out]).await;
    assert!(said.contains("took over 1 session "), "{said}");
    let state = only_state(&home);
    let state = state.file_name().unwrap().to_str().unwrap();
    for file in [out, "new/mpg.toml"] {
        let said = run(&home, &["check", "--config", file]).await;
        assert!(said.contains(state), "{file}: {said}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_is_written() {
    let home = predecessor().await;
    let broken = json!({ "projects": {
        "general": { "directory": "/" },
        "1001": { "directory": "/nowhere/gone", "allowedRoles": "dev" },
    } });
    write(&home.path("config.json"), &broken);
    insta::assert_snapshot!(
        "broken",
        run(&home, &["import", "config.json", "--here"]).await
    );
    fs::write(home.path("sessions.json"), "{").unwrap();
    write(
        &home.path("config.json"),
        &json!({ "projects": { "1": { "directory": home.path("one") } } }),
    );
    let said = run(&home, &["import", "config.json", "--here"]).await;
    assert!(
        said.contains("the sessions in [home]/sessions.json cannot be read"),
        "{said}"
    );
    assert!(!home.path("mpg.toml").exists() && !home.path("discord-token").exists());
    assert!(!home.path(".mpg").exists(), "a state was begun");
}

#[tokio::test]
async fn variables_are_taken_key_by_key() {
    let home = predecessor().await;
    fs::create_dir(home.path(".mpg")).unwrap();
    fs::write(home.path(".mpg/.env"), "DISCORD_BOT_TOKEN=of the home\n").unwrap();
    fs::write(home.path("other.env"), "DISCORD_BOT_TOKEN='of the file'\n").unwrap();
    let token = |directory: &str| fs::read_to_string(home.path(directory).join("discord-token"));

    run(&home, &["import", "config.json", "--out", "a/mpg.toml"]).await;
    assert_eq!(token("a").unwrap(), "of the home\n");
    fs::write(home.path(".mpg/.env"), "OTHER=x\n").unwrap();
    run(&home, &["import", "config.json", "--out", "b/mpg.toml"]).await;
    assert_eq!(token("b").unwrap(), "token of here\n");
    let arguments = [
        "import",
        "config.json",
        "--env",
        "other.env",
        "--out",
        "c/mpg.toml",
    ];
    run(&home, &arguments).await;
    assert_eq!(token("c").unwrap(), "of the file\n");

    let mut with_token = home.command(&["import", "config.json", "--out", "d/mpg.toml"]);
    let said = shown(&output(&mut with_token).await, &home.path(""));
    assert!(
        said.contains("the token stays in DISCORD_BOT_TOKEN"),
        "{said}"
    );
    assert!(token("d").is_err());
}

#[tokio::test]
async fn the_predecessors_file_is_read_where_it_is() {
    let home = predecessor().await;
    insta::assert_snapshot!(
        "check_json",
        run(
            &home,
            &["check", "--config", "config.json", "--data-dir", "state"]
        )
        .await
    );
    let found = run(&home, &["check", "--data-dir", "state"]).await;
    assert!(found.contains("[home]/config.json is in order"), "{found}");

    fs::remove_file(home.path(".env")).unwrap();
    for command in ["run", "start"] {
        let said = run(&home, &[command]).await;
        assert!(said.starts_with("exit 78"), "{said}");
        assert!(said.contains("DISCORD_BOT_TOKEN is not set"), "{said}");
    }
    fs::create_dir_all(home.path(".mpg/profiles/dev")).unwrap();
    fs::rename(
        home.path("config.json"),
        home.path(".mpg/profiles/dev/config.json"),
    )
    .unwrap();
    fs::write(home.path(".mpg/.env"), "DISCORD_BOT_TOKEN=x\n").unwrap();
    let found = run(&home, &["check", "--profile", "dev"]).await;
    assert!(
        found.contains("profiles/dev/config.json is in order"),
        "{found}"
    );
}

/// A home in which a conversation was begun that the predecessor knows of, and nobody else.
async fn begun() -> (Home, Snowflake, String) {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "SAY:the number is 7");
    home.answers(message, 1).await;
    home.transcribed("the number is 7").await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    let begun = state(&only_state(&home)).await;
    let thread = begun.threads.values().next().unwrap();
    let session = thread
        .conversations
        .get(None)
        .unwrap()
        .session
        .clone()
        .unwrap();
    let config = fs::read_to_string(home.path("mpg.toml")).unwrap();
    fs::remove_dir_all(home.path(".mpg")).unwrap();
    fs::remove_file(home.path("mpg.toml")).unwrap();

    let thread = home.discord.look(|world| world.thread_of(message)).unwrap();
    write(
        &home.path("config.json"),
        &json!({ "projects": { home.one.to_string(): { "directory": home.path("one") } } }),
    );
    let old = json!([{
        "sessionId": session.id.to_string(), "projectKey": thread.to_string(),
        "cwd": session.directory, "lastActivity": now(),
    }]);
    write(&home.path("sessions.json"), &old);
    (home, message, config)
}

/// Goes on with a conversation, and fails if it begins anew.
async fn goes_on(home: &Home, message: Snowflake, daemon: Daemon) {
    home.say_in_thread_of(message, "SAY:as I said").await;
    assert_eq!(home.answers(message, 2).await[1], "as I said");
    let requests = home.api.turn_requests();
    let answers = requests.last().unwrap().answers();
    assert!(
        answers.contains(&"the number is 7".to_owned()),
        "{answers:?}"
    );
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_conversation_of_the_predecessor_goes_on() {
    let (home, message, config) = begun().await;
    let said = run(&home, &["import", "config.json", "--here"]).await;
    assert!(said.contains("took over 1 session "), "{said}");

    // What the predecessor's file cannot say: where this Discord and this agent are.
    let (surroundings, _) = config.split_once("[projects.one]").unwrap();
    let imported = fs::read_to_string(home.path("mpg.toml")).unwrap();
    fs::write(home.path("mpg.toml"), format!("{surroundings}\n{imported}")).unwrap();
    let daemon = home.start().await;
    goes_on(&home, message, daemon).await;
}

#[tokio::test]
async fn the_predecessors_file_runs_as_it_is() {
    let (home, message, _) = begun().await;
    let token = home.discord.token().to_owned();
    fs::create_dir(home.path(".mpg")).unwrap();
    let variables = format!("DISCORD_BOT_TOKEN={token}\n");
    fs::write(home.path(".mpg/.env"), variables).unwrap();
    fs::write(home.path(".env"), "DISCORD_BOT_TOKEN=of nobody\n").unwrap();
    let programs = home.path("programs");
    fs::create_dir(&programs).unwrap();
    let claude = claude_cli::claude();
    std::os::unix::fs::symlink(claude, programs.join("claude")).unwrap();
    let path = std::env::var("PATH").unwrap();
    let started = || {
        let mut command = command(&home, &["start", "--config", "config.json"]);
        command
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("MPG_DISCORD_API_URL", home.discord.origin())
            .env("MPG_DISCORD_GATEWAY_URL", home.discord.gateway_url());
        command
    };
    let daemon = home.start_by(started()).await;
    goes_on(&home, message, daemon).await;

    let daemon = home.start_by(started()).await;
    home.say_in_thread_of(message, "!kill").await;
    home.answers(message, 3).await;
    assert_eq!(daemon.stop().await.code(), Some(0));

    let daemon = home.start_by(started()).await;
    home.say_in_thread_of(message, "SAY:anew").await;
    assert_eq!(home.answers(message, 4).await[3], "anew");
    let requests = home.api.turn_requests();
    let answers = requests.last().unwrap().answers();
    assert_eq!(answers, [""; 0], "what was ended is taken over once only");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}
