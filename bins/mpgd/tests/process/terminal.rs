//! `mpgd try`: a chat in a terminal.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use mpg_testkit::claude_cli;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Child;

use crate::home::{Home, output, signal};
use crate::pty::Pty;

/// A chat in the project `one`, with programs looked for in `path`.
fn chat(home: &Home, path: &str) -> Child {
    home.command(&["try", "one"])
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A directory in which `claude` is found by its name.
fn with_claude(home: &Home) -> String {
    let programs = home.path("programs");
    std::fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(claude_cli::claude(), programs.join("claude")).unwrap();
    format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display())
}

#[tokio::test]
async fn lines_are_answered_by_one_warm_session() {
    let home = Home::new("").await;
    let mut child = chat(&home, &with_claude(&home));
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    assert!(first.starts_with("claude 2."), "{first}");

    stdin.write_all(b"SAY:first answer\n").await.unwrap();
    while !lines
        .next_line()
        .await
        .unwrap()
        .unwrap()
        .contains("first answer")
    {}
    let agents = home.agents();
    stdin.write_all(b"SAY:second answer\n").await.unwrap();
    while !lines
        .next_line()
        .await
        .unwrap()
        .unwrap()
        .contains("second answer")
    {}
    assert_eq!(home.agents(), agents, "the same process answers");
    let requests = home.api.turn_requests();
    assert!(
        requests
            .last()
            .unwrap()
            .answers()
            .contains(&"first answer".to_owned())
    );

    stdin.write_all(b"/quit\n").await.unwrap();
    let mut rest = String::new();
    lines.into_inner().read_to_string(&mut rest).await.unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn an_answer_is_shown_while_it_is_written_and_an_interrupt_ends_it() {
    let home = Home::new("").await;
    let mut child = chat(&home, &with_claude(&home));
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdin.write_all(b"STALL:the first half\n").await.unwrap();
    let mut shown = Vec::new();
    // The turn never ends, so all that is seen was shown while it ran.
    while !String::from_utf8_lossy(&shown).contains("the first half") {
        assert_ne!(stdout.read_buf(&mut shown).await.unwrap(), 0, "it ended");
    }
    signal(&child.id().unwrap().to_string(), "INT");
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn the_end_of_the_input_waits_for_the_answer() {
    let home = Home::new("").await;
    let mut child = chat(&home, &with_claude(&home));
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"WAIT:500\\\nSAY:in the end\n")
        .await
        .unwrap();
    drop(stdin);
    let ended = child.wait_with_output().await.unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(said.matches("in the end").count(), 1, "{said}");
    assert_eq!(ended.status.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn what_came_of_a_step_stands_before_what_is_said_then() {
    let home = Home::new("").await;
    std::fs::write(home.path("one/notes.md"), "bring milk").unwrap();
    let mut child = chat(&home, &with_claude(&home));
    let mut stdin = child.stdin.take().unwrap();
    let read = serde_json::json!({ "file_path": home.path("one/notes.md") });
    let prompt = format!("TOOL:Read:{read}\\\nSAY:in the end\n");
    stdin.write_all(prompt.as_bytes()).await.unwrap();
    drop(stdin);
    let ended = child.wait_with_output().await.unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    let (before, behind) = said.split_once("✓ read `notes.md` · ").expect(&said);
    assert!(!before.contains("in the end"), "{said}");
    assert!(behind.contains("in the end"), "{said}");
    assert_eq!(ended.status.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn without_claude_a_scripted_agent_shows_the_way() {
    let home = Home::new("").await;
    let mut child = chat(&home, home.path("nowhere").to_str().unwrap());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"hello\n").await.unwrap();
    drop(stdin);
    let ended = child.wait_with_output().await.unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    let first = said.lines().next().unwrap();
    assert!(first.contains("claude was not found"), "{said}");
    assert!(
        first.contains("npm install -g @anthropic-ai/claude-code"),
        "{said}"
    );
    assert!(said.contains("I am the built-in scripted agent"), "{said}");
    assert!(said.contains("hello"), "{said}");
    assert_eq!(ended.status.code(), Some(0));
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_said() {
    let home = Home::new("").await;
    let ended = output(&mut home.command(&["try", "three"])).await;
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        said.starts_with("error: three: No such file or directory"),
        "{said}"
    );
}

#[tokio::test]
async fn a_chat_on_a_page_lets_one_browser_in_and_leaves_nothing() {
    let home = Home::new("").await;
    let mut child = home
        .command(&["try", "one", "--web", "--scripted"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let link = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if line.starts_with("http://") {
            break line;
        }
    };
    let (page, secret) = link.split_once('#').unwrap();
    let origin = page.strip_suffix("/login?to=chat").unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    let post = |path: &str, cookie: &str, body: String| {
        let request = ::http::Request::post(format!("{origin}{path}"))
            .header("origin", origin)
            .header("cookie", cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .unwrap();
        client.request(request)
    };
    let body = || format!("token={secret}&to=chat");
    let entered = post("/login", "", body()).await.unwrap();
    assert_eq!(entered.headers()["location"], "/chat");
    let cookie = entered.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert_eq!(post("/login", "", body()).await.unwrap().status(), 401);
    let said = post(
        "/chat/here/messages",
        &cookie,
        "text=hello&key=a".to_owned(),
    );
    let said = said.await.unwrap();
    assert_eq!(said.status(), 303);
    let thread = said.headers()["location"].to_str().unwrap().to_owned();
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let answered = async {
        loop {
            look.tick().await;
            let request = ::http::Request::get(format!("{origin}{thread}"))
                .header("cookie", &cookie)
                .body(String::new())
                .unwrap();
            let page = client.request(request).await.unwrap();
            let page = page.into_body().collect().await.unwrap().to_bytes();
            let page = String::from_utf8(page.to_vec()).unwrap();
            if page.contains("class=\"post answer\"") {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), answered)
        .await
        .unwrap();
    signal(&child.id().unwrap().to_string(), "INT");
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_browser_is_opened_where_somebody_sits_and_nothing_is_left_of_what_opened_it() {
    let home = Home::new("").await;
    let programs = home.path("programs");
    std::fs::create_dir(&programs).unwrap();
    let program = programs.join("xdg-open");
    let script = "#!/bin/sh\necho \"$$ $1\" > opening && mv opening opened\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let start = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
            .env("DISPLAY", ":0");
        Pty::spawn(&mut command)
    };
    let web = ["try", "one", "--web", "--scripted"];
    let mut quiet = start(&[web.as_slice(), &["--no-open"]].concat());
    quiet.see("ctrl-c ends").await;
    signal(&quiet.pid().to_string(), "INT");
    assert_eq!(quiet.ended().await, Some(0));
    assert!(!home.path("opened").exists());

    let mut chat = start(&web);
    chat.see("ctrl-c ends").await;
    let shown = async {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        loop {
            look.tick().await;
            let Ok(said) = std::fs::read_to_string(home.path("opened")) else {
                continue;
            };
            let (pid, page) = said.trim().split_once(' ').unwrap();
            // One that ended and was not waited for would stand there still.
            if !Path::new("/proc").join(pid).exists() {
                break std::fs::read_to_string(page).unwrap();
            }
        }
    };
    let page = tokio::time::timeout(Duration::from_mins(1), shown).await;
    let screen = chat.screen();
    let link = screen.lines().find(|line| line.starts_with("http://"));
    let link = link.unwrap();
    assert!(page.unwrap().contains(&format!("url={link}\"")), "{screen}");
    signal(&chat.pid().to_string(), "INT");
    assert_eq!(chat.ended().await, Some(0));
    home.assert_nothing_left();
}
