//! Files of messages, with the real `claude`.

use std::fs;

use crate::home::Home;

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
