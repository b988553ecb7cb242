//! The daemon is stopped, killed and started again.

use std::fs;

use crate::home::{Home, output, shown};

#[tokio::test]
async fn a_restart_between_two_messages_continues_the_conversation() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "SAY:the number is 7");
    home.answers(message, 1).await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();

    let daemon = home.start().await;
    home.say_in_thread_of(message, "SAY:as I said").await;
    assert_eq!(home.answers(message, 2).await[1], "as I said");
    let requests = home.api.turn_requests();
    let answers = requests.last().unwrap().answers();
    assert!(
        answers.contains(&"the number is 7".to_owned()),
        "{answers:?}"
    );
    assert_eq!(
        home.discord.identify_count(),
        1,
        "the gateway session was resumed"
    );
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_session_that_is_gone_is_said_and_replaced() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "SAY:the number is 7");
    home.answers(message, 1).await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    fs::remove_dir_all(home.path(".claude/projects")).unwrap();

    let daemon = home.start().await;
    home.say_in_thread_of(message, "SAY:anew").await;
    let answers = home.answers(message, 3).await;
    assert!(
        answers[1].starts_with("the earlier session could not be resumed"),
        "{answers:?}"
    );
    assert_eq!(answers[2], "anew");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_machine_that_dies_in_the_middle_of_a_turn_goes_on_with_it() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "SAY:ready");
    home.answers(message, 1).await;
    home.say_in_thread_of(message, "STALL:half an ans").await;
    home.api.asked("STALL:half").await;
    home.transcribed("STALL:half").await;
    daemon.kill().await;
    home.kill_everything().await;

    let daemon = home.start().await;
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
async fn a_turn_outlives_a_daemon_that_is_killed() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let message = home.say(home.one, "HOLD:it\nSAY:finished meanwhile");
    home.api.asked("SAY:finished meanwhile").await;
    let agents = home.agents();
    daemon.kill().await;
    assert_eq!(home.agents(), agents, "the agent went with its gateway");
    home.api.release("it");

    let daemon = home.start().await;
    let answers = home.answers(message, 1).await;
    assert!(answers[0].ends_with("finished meanwhile"), "{answers:?}");
    assert_eq!(
        home.api.turn_requests().len(),
        1,
        "the prompt was run again"
    );
    assert_eq!(home.agents(), agents);
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_stop_waits_for_the_running_turn() {
    let home = Home::new("").await;
    let mut daemon = home.start().await;
    let message = home.say(home.one, "HOLD:it\nSAY:finished");
    home.api.asked("SAY:finished").await;
    daemon.signal("TERM");
    home.logged("draining").await;
    home.api.release("it");
    assert_eq!(daemon.ended().await.code(), Some(0));
    assert_eq!(home.answers(message, 1).await, ["finished"]);
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_second_stop_does_not_wait() {
    let home = Home::new("persistence = \"none\"").await;
    let mut daemon = home.start().await;
    home.say(home.one, "HANG");
    home.api.asked("HANG").await;
    daemon.signal("TERM");
    daemon.signal("INT");
    assert_eq!(daemon.ended().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_second_daemon_on_the_same_state_is_refused() {
    let home = Home::new("").await;
    let daemon = home.start().await;
    let second = output(&mut home.command(&["run"])).await;
    assert_eq!(second.status.code(), Some(1));
    let said = shown(&second, &home.path(""));
    let owner = format!("is in use by another gateway (process {})", daemon.pid());
    assert!(said.contains(&owner), "{said}");
    let path = home.state().display().to_string();
    assert!(
        said.contains(&path.replace(&home.path("").display().to_string(), "[home]/")),
        "{said}"
    );
    let message = home.say(home.one, "SAY:unharmed");
    assert_eq!(home.answers(message, 1).await, ["unharmed"]);
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_gateway_is_stopped_by_a_command_that_waits_as_it_does() {
    let home = Home::new("").await;
    let idle = output(&mut home.command(&["stop"])).await;
    let said = shown(&idle, &home.path(""));
    assert!(said.starts_with("exit 0\n"), "{said}");
    assert!(
        said.contains("no gateway is running on [home]/.mpg/state/"),
        "{said}"
    );

    let mut daemon = home.start().await;
    let message = home.say(home.one, "HOLD:it\nSAY:finished");
    home.api.asked("SAY:finished").await;
    let mut command = home.command(&["stop"]);
    let stopping = tokio::spawn(async move { output(&mut command).await });
    home.logged("draining").await;
    assert!(!stopping.is_finished(), "the turn runs");
    home.api.release("it");
    let said = shown(&stopping.await.unwrap(), &home.path(""));
    insta::assert_snapshot!(said, @r"
    exit 0
    --- stdout
    1 turn running, waited for 30s at most; what takes longer goes on at the next start. `mpgd stop --now` waits for none
    stopped
    --- stderr
    ");
    // The state was free when the command ended, so that the next one can have it at once.
    assert_eq!(daemon.ended().await.code(), Some(0));
    assert_eq!(home.answers(message, 1).await, ["finished"]);
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_turn_that_a_stop_does_not_wait_for_is_answered_once_by_the_next_start() {
    let home = Home::new("").await;
    let mut daemon = home.start().await;
    let message = home.say(home.one, "HOLD:it\nSAY:finished");
    home.api.asked("SAY:finished").await;
    let stopped = output(&mut home.command(&["stop", "--now"])).await;
    let said = shown(&stopped, &home.path(""));
    assert_eq!(said, "exit 0\n--- stdout\nstopped\n--- stderr\n");
    assert_eq!(daemon.ended().await.code(), Some(0));

    let daemon = home.start().await;
    home.api.release("it");
    let posts = home.answers(message, 1).await;
    assert!(posts[0].contains("finished"), "{posts:?}");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}
