//! Sessions that somebody goes on with in a terminal.

use std::fs;

use mpg_testkit::discord::Snowflake;

use crate::home::{Home, output};

/// Goes on with the session of a thread in a terminal: runs the line that is told, with a prompt.
async fn in_a_terminal(home: &Home, reply: &str, prompt: &str) -> String {
    let line = reply.lines().find(|line| line.starts_with("cd "));
    let line = line.unwrap_or_else(|| panic!("no line for a shell: {reply}"));
    let mut shell = home.shell(&format!("{line} --print \"$PROMPT\""));
    let output = output(shell.env("PROMPT", prompt)).await;
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What the model was shown of its own answers when it was asked last.
fn known(home: &Home) -> Vec<String> {
    home.api.turn_requests().last().unwrap().answers()
}

/// Says something in a thread, and waits for the reply, which is the post of that number.
async fn reply(home: &Home, thread_of: Snowflake, text: &str, number: usize) -> String {
    home.say_in_thread_of(thread_of, text).await;
    home.answers(thread_of, number).await.remove(number - 1)
}

#[tokio::test]
async fn a_session_that_went_on_in_a_terminal_is_gone_on_with_there_and_not_parted() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "SAY:first, here");
    home.answers(message, 1).await;
    home.transcribed("first, here").await;
    let told = reply(&home, message, "!resume-info", 2).await;
    assert!(told.contains("`!release`"), "{told}");
    let agents = home.agents();
    assert_eq!(agents.len(), 1, "its agent waits for work");

    // Somebody does not wait for that.
    let said = in_a_terminal(&home, &told, "SAY:second, there").await;
    assert_eq!(said, "second, there");
    assert_eq!(known(&home), ["first, here"]);
    home.transcribed("second, there").await;
    assert_eq!(home.agents(), agents);
    let third = reply(&home, message, "SAY:third, here", 3).await;
    assert_eq!(third, "third, here");
    assert_eq!(known(&home), ["first, here", "second, there"]);
    assert_ne!(
        home.agents(),
        agents,
        "another agent read what was done there"
    );
    home.transcribed("third, here").await;
    // Nothing was done elsewhere since: the agent stays.
    let agents = home.agents();
    reply(&home, message, "SAY:fourth, here", 4).await;
    assert_eq!(home.agents(), agents);
    home.transcribed("fourth, here").await;

    // And with nobody holding it.
    let told = reply(&home, message, "!release", 5).await;
    assert!(told.contains("--resume "), "{told}");
    assert!(!told.contains('⚠'), "{told}");
    home.until_no_agent().await;
    let said = in_a_terminal(&home, &told, "SAY:fifth, there").await;
    assert_eq!(said, "fifth, there");
    home.transcribed("fifth, there").await;
    reply(&home, message, "SAY:sixth, here", 6).await;
    let all = [
        "first, here",
        "second, there",
        "third, here",
        "fourth, here",
        "fifth, there",
    ];
    assert_eq!(known(&home), all);
    assert_eq!(
        fs::read_dir(home.path(".claude/projects")).unwrap().count(),
        1
    );
    assert!(daemon.stop().await.success(), "{}", home.log());
    home.assert_nothing_left();
}
