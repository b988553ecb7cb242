//! Turns with the real `claude`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use mpg_testkit::claude_cli;

use crate::home::{Home, signal};

#[tokio::test]
async fn a_message_and_a_follow_up_are_one_conversation_in_one_process() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "SAY:hello from the model");
    assert_eq!(home.answers(message, 1).await, ["hello from the model"]);
    let first = home.agents();
    home.say_in_thread_of(message, "SAY:still here").await;
    assert_eq!(home.answers(message, 2).await[1], "still here");
    assert_eq!(home.agents(), first, "the same process serves both turns");
    home.logged("turn ended").await;
    assert!(
        !home.log().contains("hello from the model"),
        "an answer in the log"
    );
    assert_eq!(first.len(), 1);

    let requests = home.api.turn_requests();
    let last = requests.last().unwrap();
    let prompts = last.prompts().join("\n");
    assert!(prompts.contains("SAY:hello from the model"), "{prompts}");
    assert!(last.answers().contains(&"hello from the model".to_owned()));

    let arguments = home.processes();
    assert!(
        arguments.iter().all(|(_, line)| !line.contains("SAY:")),
        "a prompt in an argument list: {arguments:?}"
    );
    let environment = fs::read(format!("/proc/{}/environ", first[0])).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(
        !environment.contains(home.discord.token()),
        "the agent sees the bot's token"
    );

    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn two_projects_work_at_once_in_their_own_directories() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let write = |project: &str| {
        let path = home.path(project).join("note.txt");
        let input = serde_json::json!({ "file_path": path, "content": project });
        format!("TOOL:Write:{input}\nWAIT:300\nSAY:wrote {project}")
    };
    let one = home.say(home.one, &write("one"));
    let two = home.say(home.two, &write("two"));
    assert_eq!(home.answers(one, 1).await, ["wrote one"]);
    assert_eq!(home.answers(two, 1).await, ["wrote two"]);
    assert_eq!(
        fs::read_to_string(home.path("one/note.txt")).unwrap(),
        "one"
    );
    assert_eq!(
        fs::read_to_string(home.path("two/note.txt")).unwrap(),
        "two"
    );
    assert_eq!(home.agents().len(), 2);
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_tool_outside_the_allowed_ones_is_denied_and_said() {
    let home = Home::new("permissions = \"deny\"\n").await;
    let daemon = home.start().await;
    let message = home.say(
        home.one,
        "TOOL:Bash:{\"command\":\"touch /tmp/never && echo no\"}\nSAY:could not",
    );
    let answers = home.answers(message, 2).await;
    assert!(
        answers[0].starts_with("`Bash` was not allowed to run"),
        "{answers:?}"
    );
    assert!(answers[0].contains("`allowed-tools`"), "{answers:?}");
    assert_eq!(answers[1], "could not");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn what_an_agent_asks_is_answered_from_the_chat() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let touch = |name: &str| {
        let input =
            serde_json::json!({ "command": format!("sh -c 'touch {name}'"), "description": "x" });
        format!("TOOL:Bash:{input}\nSAY:done with {name}")
    };
    let message = home.say(home.one, &touch("allowed.txt"));
    let post = home.asked(message, "touch allowed.txt").await;
    assert!(!home.path("one/allowed.txt").exists());
    home.discord.press_labelled(post, home.ann, "Allow once");
    home.says(message, "done with allowed.txt").await;
    assert!(home.path("one/allowed.txt").exists());
    home.say_in_thread_of(message, &touch("denied.txt")).await;
    let post = home.asked(message, "touch denied.txt").await;
    home.discord.press_labelled(post, home.ann, "Deny");
    home.says(message, "done with denied.txt").await;
    assert!(!home.path("one/denied.txt").exists());
    let question = serde_json::json!({"questions": [{
        "question": "Which colour?", "header": "Colour", "multiSelect": false,
        "options": [
            {"label": "red", "description": "warm"},
            {"label": "blue", "description": "cold"},
        ],
    }]});
    let question = format!("TOOL:AskUserQuestion:{question}\nSAY:painted");
    home.say_in_thread_of(message, &question).await;
    let post = home.asked(message, "Which colour?").await;
    home.discord.press_labelled(post, home.ann, "blue");
    home.says(message, "painted").await;
    let last = home.api.turn_requests().pop().unwrap();
    let (told, is_error) = last.tool_results().pop().unwrap();
    assert!(told.contains("blue") && !is_error, "{told}");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn the_gateways_own_files_are_out_of_reach_even_inside_a_project() {
    let home = Home::new("").await;
    let config = fs::read_to_string(home.path("mpg.toml")).unwrap();
    let config = config.replace("directory = \"~/one\"", "directory = \"~/\"");
    fs::write(home.path("mpg.toml"), &config).unwrap();
    let daemon = home.start().await;
    let write = |name: &str| {
        let input = serde_json::json!({ "file_path": home.path(name), "content": "x" });
        format!("TOOL:Write:{input}\nSAY:tried")
    };
    let message = home.say(home.one, &write("beside.txt"));
    assert_eq!(home.answers(message, 1).await, ["tried"]);
    assert_eq!(fs::read_to_string(home.path("beside.txt")).unwrap(), "x");
    let message = home.say(home.one, &write("mpg.toml"));
    let answers = home.answers(message, 1).await;
    assert_eq!(answers.last().unwrap(), "tried", "{answers:?}");
    assert_eq!(fs::read_to_string(home.path("mpg.toml")).unwrap(), config);
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_turn_that_never_ends_is_stopped_and_the_session_goes_on() {
    let home = Home::new("turn-timeout = \"10s\"").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "HANG");
    let answers = home.answers(message, 1).await;
    assert!(
        answers[0].starts_with("no answer within 10s"),
        "{answers:?}"
    );
    home.say_in_thread_of(message, "SAY:awake").await;
    assert_eq!(home.answers(message, 2).await[1], "awake");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn an_agent_that_is_killed_goes_on_with_a_visible_notice() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "SAY:ready");
    home.answers(message, 1).await;
    home.say_in_thread_of(message, "STALL:half an ans").await;
    home.api.asked("STALL:half").await;
    home.transcribed("STALL:half").await;
    signal(&home.agents()[0].to_string(), "KILL");
    let answers = home.answers(message, 2).await;
    assert!(
        answers[1].starts_with("*(resumed after an interruption)*"),
        "{answers:?}; the log:\n{}",
        home.log()
    );
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_model_that_cannot_be_reached_is_said_while_it_is_retried() {
    let home = Home::new("persistence = \"none\"").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "FAIL:400");
    let answers = home.answers(message, 1).await;
    assert!(
        answers[0].starts_with("the agent failed: API Error: 400"),
        "{answers:?}"
    );
    let retried = home.say(home.two, "FAIL:529");
    let answers = home.answers(retried, 1).await;
    assert!(
        answers[0].starts_with("the agent cannot reach its model"),
        "{answers:?}"
    );
    daemon.signal("TERM");
    daemon.signal("TERM");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

/// Lets the daemon of a home start another program than the installed `claude`.
fn use_program(home: &Home, program: &std::path::Path) {
    let config = fs::read_to_string(home.path("mpg.toml")).unwrap();
    let config = config.replace(
        claude_cli::claude().to_str().unwrap(),
        program.to_str().unwrap(),
    );
    fs::write(home.path("mpg.toml"), config).unwrap();
}

#[tokio::test]
async fn a_claude_that_vanishes_is_said_in_the_thread_and_may_come_back() {
    let home = Home::new("").await;
    let program = home.path("claude");
    symlink(claude_cli::claude(), &program).unwrap();
    use_program(&home, &program);
    let daemon = home.start().await;
    fs::remove_file(&program).unwrap();
    let message = home.say(home.one, "SAY:never");
    let answers = home.answers(message, 1).await;
    assert!(answers[0].contains("was not found"), "{answers:?}");
    assert!(
        answers[0].contains("npm install -g @anthropic-ai/claude-code"),
        "{answers:?}"
    );
    symlink(claude_cli::claude(), &program).unwrap();
    home.say_in_thread_of(message, "SAY:back again").await;
    assert_eq!(home.answers(message, 2).await[1], "back again");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_claude_that_is_too_old_is_named_at_the_start() {
    let home = Home::new("").await;
    let program = home.path("claude");
    fs::write(&program, "#!/bin/sh\necho '1.0.3 (Claude Code)'\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    use_program(&home, &program);
    let daemon = home.start().await;
    home.logged("claude 1.0.3 is older than").await;
    assert_eq!(daemon.stop().await.code(), Some(0));
}

#[tokio::test]
async fn a_thread_chooses_how_its_agent_works_and_asks_about_its_session() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "SAY:one");
    home.answers(message, 1).await;
    home.say_in_thread_of(message, "!model claude-haiku-4-5")
        .await;
    home.say_in_thread_of(message, "!effort low").await;
    let posts = home.answers(message, 3).await;
    assert!(
        posts[2].starts_with("model `claude-haiku-4-5`, mode as configured, effort `low`"),
        "{posts:?}"
    );
    home.say_in_thread_of(message, "SAY:two").await;
    assert_eq!(home.answers(message, 4).await[3], "two");
    let asked = home.api.asked("SAY:two").await;
    assert_eq!(asked.body["model"], "claude-haiku-4-5");
    assert!(
        asked.prompts().join("\n").contains("SAY:one"),
        "the same session"
    );

    home.say_in_thread_of(message, "!context").await;
    let posts = home.answers(message, 6).await;
    assert!(posts[5].contains("Context Usage"), "{posts:?}");
    // What it writes of that is nobody else's prompt: the process that knows the usage goes on.
    home.transcribed("<command-name>/context").await;
    home.say_in_thread_of(message, "!usage").await;
    let posts = home.answers(message, 8).await;
    assert!(posts[7].contains("Usage by model"), "{posts:?}");
    for text in ["three", "four"] {
        home.say_in_thread_of(message, &format!("SAY:{text}")).await;
    }
    home.answers(message, 10).await;
    home.say_in_thread_of(message, "!compact keep the names")
        .await;
    let posts = home.answers(message, 12).await;
    assert!(
        posts[11].starts_with("what was said before is summarised: "),
        "{posts:?}"
    );
    home.say_in_thread_of(message, "SAY:five").await;
    assert_eq!(home.answers(message, 13).await[12], "five");
    let five = home.api.asked("SAY:five").await;
    let prompts = five.prompts().join("\n");
    assert!(
        prompts.contains("continued from a previous conversation"),
        "{prompts}"
    );
    assert_eq!(home.agents().len(), 1);
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}
