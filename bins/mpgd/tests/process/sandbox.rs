//! Agents of a running gateway in their walls, with the real `claude`.

use std::fs;

use crate::home::Home;

const STRICT: &str = "sandbox = \"strict\"\npermission-mode = \"bypassPermissions\"";

#[tokio::test]
async fn an_agent_reaches_its_project_and_its_files_and_not_the_gateway() {
    let home = Home::new("").await;
    home.configure("sandbox = \"off\"", STRICT);
    fs::write(home.path("two/plan.txt"), "of another project").unwrap();
    let daemon = home.start().await;
    let (channel, ann) = (home.one, home.ann);
    let shell = |command: String| {
        let input = serde_json::json!({ "command": command });
        format!("TOOL:Bash:{input}")
    };
    let prompt = [
        shell("echo mine > own.txt && cat own.txt".to_owned()),
        shell(format!(
            "find {} -name '*notes.txt' -exec cat {{}} +",
            home.state().join("@files").display()
        )),
        shell(format!("cat {}", home.path("mpg.toml").display())),
        shell(format!("cat {}", home.state().join("state.db").display())),
        shell(format!("cat {}", home.path("two/plan.txt").display())),
        shell(format!("echo x > {}", home.path("beside.txt").display())),
        "SAY:tried".to_owned(),
    ]
    .join("\n");
    let long = vec![b'n'; 200_000];
    let files: &[(&str, &[u8])] = &[("notes.txt", &long)];
    let message = home.discord.say_with_files(channel, ann, &prompt, files);
    assert_eq!(home.answers(message, 1).await, ["tried"]);
    let results = home.api.turn_requests().pop().unwrap().tool_results();
    let failed: Vec<bool> = results.iter().map(|(_, is_error)| *is_error).collect();
    assert_eq!(
        failed,
        [false, false, true, true, true, true],
        "{results:?}"
    );
    assert!(results[1].0.contains("nnn"), "{:?}", results[1]);
    assert!(home.path("one/own.txt").exists() && !home.path("beside.txt").exists());
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[cfg(feature = "system-tests")]
#[tokio::test]
async fn an_agent_reaches_its_model_and_nobody_else_on_the_network() {
    let home = Home::new("").await;
    home.configure(
        "sandbox = \"off\"",
        &format!("{STRICT}\nnetwork = \"model\""),
    );
    let daemon = home.start().await;
    let outside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = outside.local_addr().unwrap().port();
    let shell = |command: String| {
        let input = serde_json::json!({ "command": command });
        format!("TOOL:Bash:{input}")
    };
    let prompt = [
        shell(format!("bash -c ': < /dev/tcp/127.0.0.1/{port}'")),
        "SAY:tried".to_owned(),
    ]
    .join("\n");
    let message = home.discord.say(home.one, home.ann, &prompt);
    assert_eq!(home.answers(message, 1).await, ["tried"]);
    let results = home.api.turn_requests().pop().unwrap().tool_results();
    let [(said, true)] = results.as_slice() else {
        panic!("{results:?}");
    };
    assert!(said.contains("refused"), "{said}");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}
