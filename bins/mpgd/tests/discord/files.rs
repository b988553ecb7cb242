//! Files that people attach on Discord.

use std::fs;
use std::time::{Duration, Instant};

use mpg_engine::{Prompt, ScriptStep};
use mpg_testkit::discord::{Discord, FileFault, Snowflake, World};
use tokio::time::sleep;

use crate::subject::{Server, script};

/// Agents that answer with the first file that their prompt names, read from the disk.
fn read_first(prompt: Prompt<'_>) -> Vec<ScriptStep> {
    if !prompt.text.starts_with("read") {
        return script(prompt);
    }
    let mut paths = prompt
        .text
        .lines()
        .filter_map(|line| line.split(" at ").nth(1));
    let content = paths.next().map(fs::read_to_string);
    let answer = match content {
        Some(Ok(content)) => format!("it says: {content}"),
        Some(Err(error)) => format!("it cannot be read: {error}"),
        None => format!("there is none: {}", prompt.text),
    };
    vec![ScriptStep::Say(answer)]
}

async fn server() -> Server {
    Server::with(Discord::builder(), read_first).await
}

fn attach(server: &Server, text: &str, files: &[(&str, &[u8])]) -> Snowflake {
    let (channel, ann) = (server.one, server.ann);
    server.discord.say_with_files(channel, ann, text, files)
}

/// Waits until nothing of a turn is left in the folders of conversations: the disk tells nobody when
/// something changes.
async fn emptied(server: &Server) {
    let until = Instant::now() + Duration::from_secs(20);
    let left = || {
        let conversations = fs::read_dir(server.files()).into_iter().flatten().flatten();
        let turns = conversations.flat_map(|one| fs::read_dir(one.path()).into_iter().flatten());
        turns.flatten().map(|turn| turn.path()).collect::<Vec<_>>()
    };
    while !left().is_empty() {
        assert!(Instant::now() < until, "files are left: {:?}", left());
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_file_is_there_while_its_turn_runs_and_what_is_not_taken_is_said() {
    let mut server = server().await;
    server.adjust = |_, project| {
        project.attachments.size = 1000;
        project.attachments.types = vec!["text/*".to_owned()];
    };
    let gateway = server.gateway().await;
    let long = [b'x'; 1001];
    let files: &[(&str, &[u8])] = &[
        ("notes.txt", b"bring milk"),
        ("long.txt", &long),
        ("shot.png", b"\x89PNG\r\n\x1a\n"),
    ];
    let message = attach(&server, "read", files);
    let answers = server.answers(message, 2).await;
    assert_eq!(
        answers[0],
        "files were not passed on — `long.txt`: it is larger than 1000 bytes \
         (`max-attachment-size`); `shot.png`: image/png is not taken here (`attachment-types`)"
    );
    assert_eq!(answers[1], "it says: bring milk");
    assert_eq!(server.discord.look(World::fetch_count), 1);
    emptied(&server).await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_message_of_files_alone_is_a_task() {
    let server = server().await;
    let gateway = server.gateway().await;
    let message = attach(&server, "", &[("notes.txt", b"bring milk")]);
    let answers = server.answers(message, 1).await;
    assert!(
        answers[0].starts_with("re: See the attached files.") && answers[0].contains("bring milk"),
        "{answers:?}"
    );
    server.sign(message, "✅").await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_where_it_should_be_is_left_out_and_said() {
    let server = server().await;
    let elsewhere = Discord::start().await;
    let gateway = server.gateway().await;
    for (fault, why) in [
        (
            FileFault::Status(404),
            "it is not there any more; post it again",
        ),
        (
            FileFault::Redirect(format!("{}/attachments/1/2/a.txt", elsewhere.origin())),
            "files are not fetched from 127.0.0.1",
        ),
        (FileFault::Longer(26 << 20), "it is larger than 25 MB"),
    ] {
        server.discord.file_fault(fault);
        let message = attach(&server, "read", &[("a.txt", b"x")]);
        let answers = server.answers(message, 2).await;
        assert!(answers[0].contains(why), "{answers:?}");
        assert!(
            answers[1].contains("[Attached, but not passed on:]"),
            "{answers:?}"
        );
        assert!(answers[1].contains(why), "{answers:?}");
    }
    assert_eq!(elsewhere.look(World::fetch_count), 0);
    emptied(&server).await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_file_that_breaks_off_is_fetched_again_and_a_slow_one_is_waited_for() {
    let server = server().await;
    let gateway = server.gateway().await;
    for fault in [
        FileFault::CutInBody,
        FileFault::Status(503),
        FileFault::Hold,
    ] {
        server.discord.file_fault(fault);
    }
    let message = attach(&server, "read", &[("notes.txt", b"bring milk")]);
    server
        .discord
        .wait_for(|world| world.held_count() == 1)
        .await;
    server.discord.release();
    assert_eq!(server.answers(message, 1).await, ["it says: bring milk"]);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_dies_while_a_file_comes_fetches_it_again() {
    let server = server().await;
    let gateway = server.gateway().await;
    server.discord.file_fault(FileFault::Hold);
    let message = attach(&server, "read", &[("notes.txt", b"bring milk")]);
    server
        .discord
        .wait_for(|world| world.fetch_count() == 1)
        .await;
    gateway.kill().await;
    let gateway = server.gateway().await;
    assert_eq!(server.answers(message, 1).await, ["it says: bring milk"]);
    emptied(&server).await;
    gateway.stop().await.unwrap();
}
