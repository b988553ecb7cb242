//! Files of messages and files of agents, with the real `claude`.

use std::fs;
use std::os::unix::fs::symlink;

use mpg_testkit::discord::Fault;

use crate::home::{Home, output};

/// A PNG of one pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0,
    0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, b'I', b'D', b'A', b'T', 0x78, 0x9c,
    0x63, 0x60, 0, 0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae,
    0x42, 0x60, 0x82,
];

#[tokio::test]
async fn files_reach_the_agent_in_a_folder_that_it_may_read() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let files: &[(&str, &[u8])] = &[("pixel.png", PIXEL), ("notes.txt", b"bring milk")];
    let (channel, ann) = (home.one, home.ann);
    let message = home.discord.say_with_files(channel, ann, "SAY:seen", files);
    assert_eq!(home.answers(message, 1).await, ["seen"]);

    let request = home.api.turn_requests().pop().unwrap();
    assert_eq!(request.images(), ["image/png"]);
    let prompt = request.prompts().join("\n");
    assert!(
        prompt.contains("[The text of notes.txt:]\n```\nbring milk\n```"),
        "{prompt}"
    );
    let folder = home.state().join("@files");
    let folder = folder.display().to_string();
    let (_, path) = prompt.split_once(&folder).unwrap();
    let conversation = path.split('/').nth(1).unwrap();
    let rule = format!("Read(/{folder}/{conversation}/**)");
    let command_lines = home.processes();
    assert!(
        command_lines.iter().any(|(_, line)| line.contains(&rule)),
        "{rule} in {command_lines:?}"
    );
    assert!(
        command_lines.iter().all(|(_, line)| !line.contains("milk")),
        "a file in an argument list"
    );
    home.logged("turn ended").await;
    assert!(!home.log().contains("bring milk"), "a file in the log");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
    // The next start removes what the end of this one may have left.
    let daemon = home.start().await;
    home.discord
        .wait_for(|world| world.identify_count() + world.resume_count() == 2)
        .await;
    let left = fs::read_dir(home.state().join("@files")).unwrap();
    assert_eq!(left.count(), 0);
    assert_eq!(daemon.stop().await.code(), Some(0));
}

/// What the agent runs, and what it says then.
fn shell(commands: &[&str], answer: &str) -> String {
    let calls = commands.iter().map(|command| {
        let input = serde_json::json!({ "command": command });
        format!("TOOL:Bash:{input}\n")
    });
    format!("{}SAY:{answer}", calls.collect::<String>())
}

/// The names and contents of the files in a thread, in order.
pub(crate) fn posted(
    home: &Home,
    message: mpg_testkit::discord::Snowflake,
) -> Vec<(String, Vec<u8>)> {
    home.discord.look(|world| {
        let thread = world.thread_of(message).unwrap();
        let posts = world.bot_messages(thread).into_iter();
        let files = posts.flat_map(|post| &post.attachments).map(|file| {
            let url = file["url"].as_str().unwrap();
            let path = &url[url.find("/attachments").unwrap()..];
            let name = file["filename"].as_str().unwrap();
            (name.to_owned(), world.uploaded(path).unwrap().to_vec())
        });
        files.collect()
    })
}

#[tokio::test]
async fn an_agent_hands_files_to_its_thread_and_nothing_from_elsewhere() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    fs::write(home.path("one/chart.png"), PIXEL).unwrap();
    fs::write(home.path("one/notes.md"), "# done").unwrap();
    fs::write(home.path("secret"), "outside").unwrap();
    symlink(home.path("secret"), home.path("one/innocent")).unwrap();
    let commands = [
        "mpgd send-file chart.png notes.md --caption 'for @everyone'",
        "mpgd send-file innocent",
        "mpgd send-file ../mpg.toml",
    ];
    let message = home.say(home.one, &shell(&commands, "there they are"));
    let answers = home.answers(message, 2).await;
    assert_eq!(answers, ["for @everyone", "there they are"]);
    let files = posted(&home, message);
    let expected = [
        ("chart.png".to_owned(), PIXEL.to_vec()),
        ("notes.md".to_owned(), b"# done".to_vec()),
    ];
    assert_eq!(files, expected);

    let requests = home.api.turn_requests();
    let last = requests.last().unwrap();
    let results = last.tool_results();
    let [sent, link, above] = results.as_slice() else {
        panic!("{results:?}");
    };
    assert!(
        !sent.1 && sent.0.contains("chart.png") && sent.0.contains("will be posted"),
        "{sent:?}"
    );
    for refused in [link, above] {
        assert!(refused.1, "{refused:?}");
        assert!(
            refused.0.contains("outside of the working directory"),
            "{refused:?}"
        );
    }
    assert!(
        last.system().contains("mpgd send-file"),
        "the agent is told"
    );
    home.logged("turn ended").await;
    assert!(!home.log().contains("chart.png"), "a name in the log");
    let copies = fs::read_dir(home.state().join("outgoing")).unwrap();
    assert_eq!(copies.count(), 0, "copies go with their posts");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn an_agent_in_a_sandbox_hands_files_over_after_a_restart_too() {
    let home = Home::new("").await;
    home.configure("sandbox = \"off\"", "sandbox = \"strict\"");
    let daemon = home.start().await;
    fs::write(home.path("one/chart.png"), PIXEL).unwrap();
    let commands = ["mpgd send-file chart.png"];
    let message = home.say(home.one, &shell(&commands, "there it is"));
    let answers = home.answers(message, 2).await;
    assert_eq!(answers, ["chart.png", "there it is"]);
    let agents = home.agents();
    daemon.kill().await;
    let daemon = home.start().await;
    home.say_in_thread_of(message, &shell(&commands, "once more"))
        .await;
    let answers = home.answers(message, 4).await;
    assert_eq!(answers[2..], ["chart.png", "once more"]);
    assert_eq!(
        home.agents(),
        agents,
        "the same agent, at another gateway's door"
    );
    assert_eq!(posted(&home, message).len(), 2);
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_file_is_posted_once_whatever_becomes_of_the_gateway_meanwhile() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    fs::write(home.path("one/chart.png"), PIXEL).unwrap();
    home.discord
        .fault("POST", "/channels/*/messages", Fault::HoldAnswer, 1);
    let commands = ["mpgd send-file chart.png"];
    let message = home.say(home.one, &shell(&commands, "there it is"));
    home.discord.wait_for(|world| world.held_count() == 1).await;
    daemon.kill().await;
    home.discord.release();
    let daemon = home.start().await;
    let answers = home.answers(message, 2).await;
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert_eq!(answers[0], "chart.png");
    assert!(answers[1].ends_with("there it is"), "{answers:?}");
    assert_eq!(
        posted(&home, message),
        [("chart.png".to_owned(), PIXEL.to_vec())]
    );
    home.logged("turn ended").await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn nobody_but_an_agent_hands_files_over() {
    let home = Home::new("").await;
    let called = output(&mut home.command(&["send-file", "mpg.toml"])).await;
    assert_eq!(called.status.code(), Some(1));
    let said = String::from_utf8_lossy(&called.stderr);
    assert!(said.contains("MPG_AGENT_SOCKET is not set"), "{said}");

    let daemon = home.start().await;
    let mut forged = home.command(&["send-file", "mpg.toml"]);
    forged
        .env("MPG_AGENT_SOCKET", home.state().join("agent/socket"))
        .env(
            "MPG_AGENT_TOKEN",
            format!("{}.{}", "0".repeat(32), "0".repeat(64)),
        );
    let called = output(&mut forged).await;
    assert_eq!(called.status.code(), Some(1));
    let said = String::from_utf8_lossy(&called.stderr);
    assert!(said.contains("no token of a session"), "{said}");
    assert_eq!(daemon.stop().await.code(), Some(0));
    assert!(
        !home.state().join("agent/socket").exists(),
        "the door is shut"
    );
}
