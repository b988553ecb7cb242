//! What is asked from a shell.

use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;

use crate::home::{Home, output, shown};

async fn run(home: &Home, arguments: &[&str]) -> String {
    shown(&output(&mut home.command(arguments)).await, &home.path(""))
}

#[tokio::test]
async fn an_answer_is_waited_for_and_the_code_says_what_became_of_it() {
    let home = Home::new("").await;
    let down = run(&home, &["send", "one", "SAY:nothing"]).await;
    assert!(down.contains("no gateway is running"), "{down}");

    let daemon = home.start().await;
    home.logged("\"connected\"").await;
    let answered = run(&home, &["send", "one", "--wait", "SAY:hello", "shell"]).await;
    assert!(
        answered.starts_with("exit 0\n--- stdout\nhello shell\n"),
        "{answered}"
    );
    let posts: Vec<String> = home.discord.look(|world| {
        let posts = world.bot_messages(home.one);
        posts.iter().map(|post| post.text().to_owned()).collect()
    });
    assert_eq!(posts.len(), 1, "{posts:?}");
    assert!(posts[0].contains("SAY:hello shell"), "{posts:?}");

    let failed = run(&home, &["send", "two", "--wait", "--json", "FAIL:400"]).await;
    assert!(failed.starts_with("exit 1\n"), "{failed}");
    assert!(failed.contains("\"state\": \"failed\""), "{failed}");

    let nowhere = run(&home, &["send", "three", "x"]).await;
    assert!(nowhere.contains("there is no project three"), "{nowhere}");
    let nobody = run(&home, &["send", "one:pm", "x"]).await;
    assert!(nobody.contains("has no agent pm"), "{nobody}");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_long_text_comes_from_standard_input() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    home.logged("\"connected\"").await;
    let mut command = home.command(&["send", "one", "--wait"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let text = format!("SAY:read\n{}", "and much more of it\n".repeat(1_000));
    let mut input = child.stdin.take().unwrap();
    input.write_all(text.as_bytes()).await.unwrap();
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("read"), "{said}");
    let asked = home.api.asked("SAY:read").await;
    let prompts = asked.prompts().join("\n");
    assert!(prompts.contains(text.trim()), "the whole of it is asked");
    assert_eq!(daemon.stop().await.code(), Some(0));
}
