//! The control socket, and the commands that speak through it or look at the state beside it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use mpg_testkit::discord::Fault;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::home::{Home, output, shown};

const PATIENCE: Duration = Duration::from_mins(1);

async fn run(home: &Home, arguments: &[&str]) -> String {
    shown(&output(&mut home.command(arguments)).await, &home.path(""))
}

async fn json(home: &Home, arguments: &[&str]) -> Value {
    let output = output(&mut home.command(arguments)).await;
    assert!(
        output.status.success(),
        "{}",
        shown(&output, &home.path(""))
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_status_says_what_the_gateway_is_doing() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    home.logged("\"connected\"").await;
    home.say(home.one, "HANG");
    home.api.asked("HANG").await;

    let status = json(&home, &["status", "--json"]).await;
    assert_eq!(status["pid"], daemon.pid());
    assert_eq!(status["turns"], 1, "{status}");
    assert_eq!(status["links"][0]["platform"], "discord", "{status}");
    assert_eq!(status["active"][0]["project"], "one", "{status}");
    let said = run(&home, &["status"]).await;
    assert!(said.contains("1 turn running, 0 waiting"), "{said}");

    daemon.signal("TERM");
    assert_eq!(daemon.stop().await.code(), Some(0));
    assert!(!home.state().join("control").exists());
    let said = run(&home, &["status"]).await;
    assert!(said.starts_with("exit 1"), "{said}");
    assert!(
        said.contains("no gateway is running on [home]/.mpg/state/"),
        "{said}"
    );
    // The turn went on with its keeper.
    home.kill_everything().await;
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_file_has_one_state_however_it_is_named() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    home.logged("\"connected\"").await;
    let elsewhere = home.path("elsewhere/deep");
    fs::create_dir_all(&elsewhere).unwrap();
    symlink(&elsewhere, home.path("link")).unwrap();
    let near = home.path("one/../mpg.toml");
    let behind_a_link = home.path("link/../../mpg.toml");
    for (directory, file) in [
        (&elsewhere, Path::new("../../mpg.toml")),
        (&elsewhere, Path::new(".././../mpg.toml")),
        (&elsewhere, near.as_path()),
        (&elsewhere, behind_a_link.as_path()),
        (&home.path("one"), Path::new("../mpg.toml")),
    ] {
        let mut command = home.command(&["status", "--config"]);
        let output = output(command.arg(file).current_dir(directory)).await;
        let said = shown(&output, &home.path(""));
        assert!(output.status.success(), "{}: {said}", file.display());
    }
    daemon.signal("TERM");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

/// What is in the state now, directories with a slash; SQLite's own files count as the state's.
fn kept(home: &Home, seen: &mut BTreeSet<String>) {
    for entry in fs::read_dir(home.state()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let name = name.trim_end_matches("-wal").trim_end_matches("-shm");
        let slash = if entry.path().is_dir() { "/" } else { "" };
        seen.insert(format!("{name}{slash}"));
    }
}

#[tokio::test]
async fn what_is_in_a_state_is_what_is_documented() {
    let documented = include_str!("../../../../docs/operating.md");
    let (_, table) = documented
        .split_once("| file in the data directory |")
        .unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let names = rows.filter_map(|row| row.split('`').nth(1));
    let documented: BTreeSet<String> = names.map(str::to_owned).collect();

    let home = Home::new("").await;
    let daemon = home.start().await;
    home.logged("\"connected\"").await;
    home.say(home.one, "HANG");
    home.api.asked("HANG").await;
    let mut seen = BTreeSet::new();
    kept(&home, &mut seen);
    let said = run(&home, &["backup"]).await;
    assert!(said.starts_with("exit 0"), "{said}");
    daemon.signal("TERM");
    assert_eq!(daemon.stop().await.code(), Some(0));
    kept(&home, &mut seen);
    // No message of this test has files, in either direction.
    seen.extend(["outgoing/", "@files/"].map(str::to_owned));
    assert_eq!(seen, documented);
    home.kill_everything().await;
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_client_that_says_nonsense_is_answered_and_harms_nobody() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let socket = home.state().join("control");
    let mode = fs::metadata(&socket).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    for (said, answer) in [
        (&b"\n"[..], "this is no message"),
        (b"\xff\xfe\n", "this is no message"),
        (
            b"{\"protocol\":9,\"verb\":\"status\"}\n",
            "speaks version 9",
        ),
        (b"{\"protocol\":1,\"verb\":\"dance\"}\n", "unknown variant"),
        (
            b"{\"protocol\":1,\"verb\":\"redeliver\",\"delivery\":\"x\"}\n",
            "no id of a delivery",
        ),
        (
            b"{\"protocol\":1,\"verb\":\"redeliver\",\"delivery\":\"aaaaaaaaaaaaaaaaaaaa\"}\n",
            "no dead letter",
        ),
        // Too long, and cut off: there is no answer to what was not said to the end.
        (&[b'x'; 10_000], ""),
        (b"{\"protocol\":1", ""),
    ] {
        let mut client = UnixStream::connect(&socket).await.unwrap();
        // The other side may have hung up already.
        client.write_all(said).await.ok();
        client.shutdown().await.ok();
        let mut answered = Vec::new();
        let read = timeout(PATIENCE, client.read_to_end(&mut answered)).await;
        drop(read.expect("the connection ends"));
        let answered = String::from_utf8(answered).unwrap();
        assert!(answered.contains(answer), "{answer:?} in {answered:?}");
        assert_eq!(answered.is_empty(), answer.is_empty(), "{answered}");
    }

    // Two requests on one connection, and more clients than are served at a time.
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = UnixStream::connect(&socket).await.unwrap();
        let twice = "{\"protocol\":1,\"verb\":\"deliveries\"}\n".repeat(2);
        client.write_all(twice.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        clients.push(client);
    }
    for mut client in clients {
        let mut answered = String::new();
        let read = timeout(PATIENCE, client.read_to_string(&mut answered)).await;
        read.expect("each is answered in the end").unwrap();
        assert_eq!(
            answered.matches("\"deliveries\":[]").count(),
            2,
            "{answered}"
        );
    }
    assert_eq!(daemon.stop().await.code(), Some(0));
}

#[tokio::test]
async fn the_socket_of_a_daemon_that_was_killed_is_replaced() {
    let home = Home::new("").await;
    home.start().await.kill().await;
    assert!(home.state().join("control").exists());
    let said = run(&home, &["status"]).await;
    assert!(said.contains("no gateway is running"), "{said}");
    let daemon = home.start().await;
    assert_eq!(
        json(&home, &["status", "--json"]).await["pid"],
        daemon.pid()
    );
    assert_eq!(daemon.stop().await.code(), Some(0));
}

#[tokio::test]
async fn an_answer_that_could_not_be_delivered_is_listed_and_posted_again() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "HOLD:it\nSAY:worth reading");
    home.api.asked("SAY:worth reading").await;
    let thread = home
        .discord
        .wait_until(|world| world.thread_of(message))
        .await;
    let path = format!("/channels/{thread}/messages");
    let gone = Fault::Error {
        status: 404,
        code: 10_003,
    };
    home.discord.fault("POST", &path, gone, 100);
    home.api.release("it");

    let id = loop {
        let listed = json(&home, &["deliveries", "--json"]).await;
        if let Some(id) = listed[0]["id"].as_str() {
            break id.to_owned();
        }
    };
    let said = run(&home, &["deliveries"]).await;
    for part in [
        &id,
        "answer for discord:",
        "worth reading",
        "mpgd deliveries retry ID",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert_eq!(daemon.stop().await.code(), Some(0));

    // The list is there without the daemon; posting needs it.
    assert_eq!(run(&home, &["deliveries"]).await, said);
    let refused = run(&home, &["deliveries", "retry", &id]).await;
    assert!(refused.starts_with("exit 1"), "{refused}");
    assert!(refused.contains("only a running one can post"), "{refused}");

    let daemon = home.start().await;
    let retried = run(&home, &["deliveries", "retry", &id]).await;
    assert!(retried.starts_with("exit 0"), "{retried}");
    let posted = home.discord.wait_for(|world| {
        let posts = world.bot_messages(home.one);
        let mut texts = posts.iter().map(|post| &post.content);
        texts.any(|text| text.contains("worth reading"))
    });
    timeout(PATIENCE, posted)
        .await
        .expect("it is posted in the channel");
    let said = run(&home, &["deliveries"]).await;
    assert!(said.contains("everything was delivered"), "{said}");
    let refused = run(&home, &["deliveries", "retry", &id]).await;
    assert!(refused.starts_with("exit 1"), "{refused}");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_backup_that_is_put_back_is_the_state_that_it_was_made_of() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "SAY:before");
    home.answers(message, 1).await;
    let made = json(&home, &["backup", "--json"]).await;
    let file = made["file"].as_str().unwrap().to_owned();
    assert!(file.contains("/backups/state-2"), "{file}");
    let said = run(&home, &["backup", &file]).await;
    assert!(
        said.starts_with("exit 1") && said.contains("exists already"),
        "{said}"
    );
    home.say_in_thread_of(message, "SAY:after").await;
    home.answers(message, 2).await;
    home.transcribed("SAY:after").await;
    assert_eq!(daemon.stop().await.code(), Some(0));

    // As the command says.
    let state = home.state();
    let aside = state.join("aside");
    fs::create_dir(&aside).unwrap();
    for entry in fs::read_dir(&state).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with("state.db") {
            fs::rename(state.join(&name), aside.join(&name)).unwrap();
        }
    }
    fs::copy(&file, state.join("state.db")).unwrap();

    // What was answered after the backup is new to the gateway and known to the agent: it goes on
    // with it, and posts under the ids of before.
    let daemon = home.start().await;
    home.logged("turn cut off").await;
    home.say_in_thread_of(message, "SAY:once more").await;
    let answers = home.answers(message, 3).await;
    assert_eq!(answers, ["before", "after", "once more"]);
    assert_eq!(daemon.stop().await.code(), Some(0));
    let said = run(&home, &["backup", "copy"]).await;
    assert!(said.starts_with("exit 0"), "{said}");
    home.assert_nothing_left();
}
