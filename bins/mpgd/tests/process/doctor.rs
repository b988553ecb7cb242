//! `mpgd doctor`, with an installation that is in order and with others.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use mpg_testkit::discord::{Discord, Permission};
use serde_json::Value;

use crate::home::{Home, output, shown};

async fn run(home: &Home, arguments: &[&str]) -> String {
    shown(&output(&mut home.command(arguments)).await, &home.path(""))
}

/// What was found by one check.
async fn found(home: &Home, check: &str) -> Value {
    let output = output(&mut home.command(&["doctor", "--json"])).await;
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let failed = findings.iter().any(|finding| finding["verdict"] == "fail");
    assert_eq!(output.status.code(), Some(i32::from(failed)));
    let mut found = findings
        .into_iter()
        .filter(|finding| finding["check"] == check);
    found.next().unwrap_or_else(|| panic!("no {check}"))
}

#[tokio::test]
async fn an_installation_that_is_in_order() {
    let home = Home::new("").await;
    let before = found(&home, "state").await;
    assert_eq!(before["verdict"], "ok", "{before}");

    let daemon = home.start().await;
    home.logged("\"connected\"").await;
    let said = run(&home, &["doctor"]).await;
    assert!(said.starts_with("exit 0"), "{said}");
    let running = found(&home, "gateway").await;
    let says = running["found"].as_str().unwrap();
    assert!(
        says.starts_with(&format!("process {} runs", daemon.pid())),
        "{running}"
    );
    assert_eq!(daemon.stop().await.code(), Some(0));

    let said = run(&home, &["doctor"]).await;
    let state = home.state();
    let said = said.replace(state.file_name().unwrap().to_str().unwrap(), "[state]");
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"[0-9.]+ [KMGT]iB", "[size]");
    settings.add_filter(r"version [0-9.]+[a-z]?", "version [version]");
    settings.add_filter(r"discord:[0-9]+", "discord:[channel]");
    settings.add_filter(r"tmux: .*", "tmux: [there or not]");
    settings.bind(|| insta::assert_snapshot!(said));
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let home = Home::new("").await;
    home.start().await.stop().await;
    let state = home.state();
    let file = state.join("state.db");

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let open = found(&home, "privacy").await;
    assert_eq!(open["verdict"], "warn", "{open}");
    assert!(
        open["found"].as_str().unwrap().contains("state.db"),
        "{open}"
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();

    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    fs::write(&file, &damaged).unwrap();
    let said = found(&home, "state").await;
    assert_eq!(said["verdict"], "fail", "{said}");
    let says = said["found"].as_str().unwrap();
    assert!(says.contains("put back a backup as"), "{says}");
    assert!(
        damaged == fs::read(&file).unwrap(),
        "the doctor changes nothing"
    );
    fs::write(&file, &whole).unwrap();

    home.configure("command = ", "command = \"no-such-claude\" # ");
    let claude = found(&home, "claude").await;
    assert_eq!(claude["verdict"], "fail", "{claude}");
    home.configure("directory = \"~/one\"", "directory = \"~/nowhere\"");
    let configuration = found(&home, "configuration").await;
    assert_eq!(configuration["verdict"], "fail", "{configuration}");
    // The state is looked after all the same.
    assert_eq!(found(&home, "state").await["verdict"], "ok");
}

#[tokio::test]
async fn what_the_platform_refuses_is_said_with_what_to_do() {
    let discord = Discord::builder().message_content_off().start().await;
    let home = Home::with("", discord).await;
    home.discord
        .deny_permission(home.one, Permission::AttachFiles);
    home.discord
        .deny_permission(home.two, Permission::SendMessages);
    let said = run(&home, &["doctor"]).await;
    assert!(said.starts_with("exit 1"), "{said}");
    let of_platform = ["token", "intents", "clock", "channel"];
    let mut said: Vec<&str> = said
        .lines()
        .skip_while(|line| !line.contains("token: "))
        .collect();
    let end = said
        .iter()
        .position(|line| {
            !line.starts_with(' ') && !of_platform.iter().any(|check| line.contains(check))
        })
        .unwrap();
    said.truncate(end);
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"discord:[0-9]+", "discord:[channel]");
    settings.add_filter(r"(applications/|client_id=)[0-9]+", "${1}[bot]");
    settings.bind(|| insta::assert_snapshot!(said.join("\n")));

    let wrong = output(
        home.command(&["doctor", "--json"])
            .env("DISCORD_BOT_TOKEN", "wrong"),
    )
    .await;
    let findings: Vec<Value> = serde_json::from_slice(&wrong.stdout).unwrap();
    let token = findings.iter().find(|found| found["check"] == "token");
    assert_eq!(token.unwrap()["verdict"], "fail", "{token:?}");
}

#[cfg(feature = "system-tests")]
#[tokio::test]
async fn what_agents_reach_that_reach_their_model_alone_is_said() {
    let home = Home::new("").await;
    home.configure(
        "sandbox = \"off\"",
        "sandbox = \"auto\"\nnetwork = \"model\"",
    );
    let said = found(&home, "network").await;
    assert_eq!(said["verdict"], "ok", "{said}");
    let model = home.api.url();
    let model = model.strip_prefix("http://").unwrap();
    let says = said["found"].as_str().unwrap();
    assert_eq!(says, format!("agents of one, two reach {model}"));
    let said = run(&home, &["check"]).await;
    assert!(
        said.contains("only their model on the network: the project's own"),
        "{said}"
    );
    let output = output(
        home.command(&["doctor", "--json"])
            .env("ANTHROPIC_UNIX_SOCKET", "/run/model"),
    )
    .await;
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let said = findings
        .iter()
        .find(|one| one["check"] == "network")
        .unwrap();
    assert_eq!(said["verdict"], "fail", "{said}");
    assert!(
        said.to_string().contains("`ANTHROPIC_UNIX_SOCKET`"),
        "{said}"
    );
}
