//! What people write while the real `claude` works, in each way to take it, and how they end what it
//! does.

use std::path::Path;
use std::time::Duration;

use mpg_testkit::discord::Snowflake;
use mpg_testkit::messages_api::ModelRequest;
use serde_json::json;
use tokio::time::{interval, timeout};

use crate::home::{Daemon, Home};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// A home in which a message that comes during a turn is taken like this.
async fn home(while_busy: &str) -> Home {
    Home::new(&format!(
        "allowed-tools = [\"Bash\"]\nwhile-busy = {while_busy:?}"
    ))
    .await
}

/// A command, and what the model says behind it.
fn shell(command: &str, answer: &str) -> String {
    let input = json!({ "command": command, "description": "a command" });
    format!("TOOL:Bash:{input}\nSAY:{answer}")
}

/// What has the agent of project `one` run until there is a file `go`, after it made one `started`.
fn gated(answer: &str) -> String {
    shell(
        "touch started; until [ -e go ]; do sleep 0.05; done",
        answer,
    )
}

async fn exists(path: &Path) {
    let mut look = interval(Duration::from_millis(20));
    let made = async {
        while !path.exists() {
            look.tick().await;
        }
    };
    let made = timeout(PATIENCE, made).await;
    assert!(made.is_ok(), "{} is not there", path.display());
}

/// Begins a turn that runs a command, in a thread of its own.
async fn begin(home: &Home, prompt: &str) -> Snowflake {
    let message = home.say(home.one, prompt);
    exists(&home.path("one/started")).await;
    message
}

fn open_the_gate(home: &Home) {
    std::fs::write(home.path("one/go"), "").unwrap();
}

/// Waits until a message has a sign, which it gets once it is stored.
async fn taken_on(home: &Home, message: Snowflake) {
    let signed = home
        .discord
        .wait_for(|world| !world.reactions(message).is_empty());
    let signed = timeout(PATIENCE, signed).await;
    assert!(signed.is_ok(), "no sign; the log:\n{}", home.log());
}

/// The requests in which the model was told this by a person.
fn told(home: &Home, text: &str) -> Vec<ModelRequest> {
    let mut requests = home.api.turn_requests();
    requests.retain(|request| request.body["messages"].to_string().contains(text));
    requests
}

async fn ends(home: &Home, daemon: Daemon) {
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_message_that_waits_is_a_turn_of_its_own() {
    let home = home("queue").await;
    let daemon = home.start().await;
    let message = begin(&home, &gated("the first is done")).await;
    let second = home.say_in_thread_of(message, "SAY:and the second").await;
    taken_on(&home, second).await;
    open_the_gate(&home);
    let answers = home.answers(message, 2).await;
    assert_eq!(answers, ["the first is done", "and the second"]);
    let [with_both] = told(&home, "and the second").try_into().unwrap();
    assert_eq!(
        with_both.tool_results().len(),
        1,
        "the first came before it"
    );
    assert!(
        with_both
            .answers()
            .contains(&"the first is done".to_owned())
    );
    ends(&home, daemon).await;
}

#[tokio::test]
async fn a_message_that_steers_is_read_by_the_turn_that_runs() {
    let home = home("steer").await;
    let daemon = home.start().await;
    let message = begin(&home, &gated("both are done")).await;
    home.say_in_thread_of(message, "and this, too").await;
    // The agent has it once it stands in its transcript.
    home.transcribed("and this, too").await;
    open_the_gate(&home);
    assert_eq!(home.answers(message, 1).await, ["both are done"]);
    let [after_the_tool] = told(&home, "and this, too").try_into().unwrap();
    assert_eq!(after_the_tool.tool_results().len(), 1);
    // What follows is the next turn: the message was none.
    home.say_in_thread_of(message, "SAY:and on").await;
    let answers = home.answers(message, 2).await;
    assert_eq!(answers, ["both are done", "and on"]);
    ends(&home, daemon).await;
}

#[tokio::test]
async fn a_message_that_interrupts_ends_the_turn_that_runs() {
    let home = home("interrupt").await;
    let daemon = home.start().await;
    let command = "touch started; sleep 20; touch late";
    let message = begin(&home, &shell(command, "too late")).await;
    let agents = home.agents();
    home.say_in_thread_of(message, "SAY:this instead").await;
    home.says(message, "this instead").await;
    assert!(!home.path("one/late").exists(), "the command was ended");
    let answers = home.answers(message, 2).await;
    assert!(
        answers[0].starts_with("*(stopped after 1 step"),
        "{answers:?}"
    );
    assert_eq!(answers[1], "this instead", "{answers:?}");
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert_eq!(home.agents(), agents, "the same process goes on");
    ends(&home, daemon).await;
}

#[tokio::test]
async fn a_stop_in_the_chat_ends_a_turn_before_its_command_would() {
    let home = home("queue").await;
    let daemon = home.start().await;
    let command = "touch started; sleep 20; touch late";
    let message = begin(&home, &shell(command, "too late")).await;
    let agents = home.agents();
    home.say_in_thread_of(message, "!stop").await;
    home.says(message, "*(stopped after 1 step").await;
    assert!(!home.path("one/late").exists(), "the command was ended");
    home.says(message, "1 turn stopped").await;
    home.say_in_thread_of(message, "SAY:and on").await;
    home.says(message, "and on").await;
    assert_eq!(home.agents(), agents, "the same process goes on");
    let last = told(&home, "SAY:and on").pop().unwrap();
    let prompts = last.prompts().join("\n");
    assert!(
        prompts.contains("touch late"),
        "the same session: {prompts}"
    );
    ends(&home, daemon).await;
}

#[tokio::test]
async fn a_button_ends_a_turn_before_its_command_would() {
    let home = home("queue").await;
    home.configure("verbosity = \"quiet\"", "verbosity = \"normal\"");
    let daemon = home.start().await;
    let command = "touch started; sleep 20; touch late";
    let message = begin(&home, &shell(command, "too late")).await;
    let shown = home.asked(message, "running `touch started").await;
    home.discord.press_labelled(shown, home.ann, "Stop");
    home.says(message, "*(stopped after 1 step").await;
    assert!(!home.path("one/late").exists(), "the command was ended");
    home.says(message, "◼ stopped after").await;
    ends(&home, daemon).await;
}
