//! What the daemon serves over HTTP.

use std::net::TcpListener;

use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use mpg_testkit::discord::{Snowflake, World};
use serde_json::{Value, json};

use crate::home::{Home, output, shown};

/// Lets the daemon serve at an address that is free.
pub(crate) fn serves(home: &Home) {
    home.configure("listen = false", "listen = \"127.0.0.1:0\"");
}

/// Where the daemon says that it serves.
pub(crate) async fn address(home: &Home) -> String {
    home.logged("serving http").await;
    let log = home.log();
    let (_, rest) = log.split_once("serving http").unwrap();
    let (_, rest) = rest.split_once("127.0.0.1:").unwrap();
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    format!("127.0.0.1:{port}")
}

/// Asks by showing a token, and returns the status and the body.
pub(crate) async fn ask(method: &str, address: &str, path: &str, token: &str) -> (u16, String) {
    send(method, address, path, token, None, "").await
}

/// Sends JSON by showing a token, and returns the status and the body.
pub(crate) async fn say(address: &str, path: &str, token: &str, body: &Value) -> (u16, String) {
    send("POST", address, path, token, None, &body.to_string()).await
}

/// The same, with a key by which it is known when it is sent again.
async fn say_once(
    address: &str,
    path: &str,
    token: &str,
    key: &str,
    body: &Value,
) -> (u16, String) {
    send("POST", address, path, token, Some(key), &body.to_string()).await
}

async fn send(
    method: &str,
    address: &str,
    path: &str,
    token: &str,
    key: Option<&str>,
    body: &str,
) -> (u16, String) {
    let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    let mut request = ::http::Request::builder()
        .method(method)
        .uri(format!("http://{address}{path}"));
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let answer = client.request(request.body(body.to_owned()).unwrap());
    let answer = answer.await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

pub(crate) async fn json(address: &str, path: &str, token: &str) -> Value {
    let (status, body) = ask("GET", address, path, token).await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

/// Makes a token, and returns its id and what its holder shows.
pub(crate) async fn token(home: &Home, scope: &str) -> (String, String) {
    let arguments = ["token", "create", "--scope", scope, "--name", "a test"];
    let made = output(&mut home.command(&arguments)).await;
    let said = shown(&made, &home.path(""));
    assert!(made.status.success(), "{said}");
    let text = String::from_utf8(made.stdout).unwrap();
    let shown = text.lines().last().unwrap().to_owned();
    let id = shown.split('_').nth(1).unwrap().to_owned();
    (id, shown)
}

#[tokio::test]
async fn a_turn_is_seen_in_health_and_metrics() {
    let home = Home::new("").await;
    serves(&home);
    let daemon = home.start().await;
    let address = address(&home).await;
    home.logged("\"connected\"").await;

    let (status, health) = ask("GET", &address, "/health", "").await;
    assert_eq!(status, 200, "{health}");
    assert!(health.contains(r#""discord":"connected""#), "{health}");
    assert_eq!(ask("GET", &address, "/metrics", "").await.0, 401);
    let (_, read) = token(&home, "read").await;
    let message = home.say(home.one, "SAY:done");
    home.answers(message, 1).await;
    let (status, metrics) = ask("GET", &address, "/metrics", &read).await;
    assert_eq!(status, 200);
    for line in [
        r#"mpg_messages_total{platform="discord",disposition="accepted"} 1"#,
        r#"mpg_turns_total{project="one",agent="",outcome="answered",reason=""} 1"#,
        r#"mpg_platform_connected{platform="discord"} 1"#,
        "mpg_sessions_warm 1",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line}: {metrics}"
        );
    }
    assert_eq!(ask("GET", &address, "/nothing", "").await.0, 404);

    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_conversation_is_looked_up_and_stopped() {
    let home = Home::new("").await;
    serves(&home);
    let daemon = home.start().await;
    let address = address(&home).await;
    let (id, admin) = token(&home, "admin").await;
    let (_, read) = token(&home, "read").await;
    home.say(home.one, "HANG");
    home.api.asked("HANG").await;

    let turns = json(&address, "/api/turns?state=running", &read).await;
    assert_eq!(turns[0]["prompt"], "HANG", "{turns}");
    let thread = turns[0]["thread"].as_str().unwrap().to_owned();
    let sessions = json(&address, "/api/sessions", &read).await;
    assert_eq!(sessions[0]["processing"], true, "{sessions}");
    assert_eq!(sessions[0]["projectKey"], "one", "{sessions}");
    let said = json(&address, &format!("/api/threads/{thread}"), &read).await;
    assert_eq!(said["entries"][0]["text"], "HANG", "{said}");

    let stop = format!("/api/threads/{thread}/stop");
    assert_eq!(ask("POST", &address, &stop, &read).await.0, 403);
    let (status, done) = ask("POST", &address, &stop, &admin).await;
    assert_eq!(status, 200, "{done}");
    assert!(done.contains("stopped"), "{done}");
    let kill = format!("/api/threads/{thread}/kill");
    assert_eq!(ask("POST", &address, &kill, &admin).await.0, 200);

    let listed = output(&mut home.command(&["token", "list"])).await;
    let listed = shown(&listed, &home.path(""));
    assert!(
        listed.contains(&id) && listed.contains("a test"),
        "{listed}"
    );
    assert!(!listed.contains(&admin), "{listed}");
    let revoked = output(&mut home.command(&["token", "revoke", &id])).await;
    assert!(revoked.status.success());
    assert_eq!(ask("POST", &address, &stop, &admin).await.0, 401);
    let again = output(&mut home.command(&["token", "revoke", &id])).await;
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(daemon.stop().await.code(), Some(0));

    // Without a gateway, the state itself is asked.
    let (_, later) = token(&home, "read").await;
    let daemon = home.start().await;
    home.logged("serving http").await;
    let address = self::address(&home).await;
    let turns = json(&address, "/api/turns", &later).await;
    assert_eq!(turns[0]["outcome"], "stopped", "{turns}");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn the_audit_log_says_who_did_what_and_shows_what_was_done_to_it() {
    let home = Home::new("").await;
    serves(&home);
    let daemon = home.start().await;
    let address = address(&home).await;
    let (id, admin) = token(&home, "admin").await;
    let message = home.say(home.one, "SAY:done");
    home.answers(message, 1).await;
    let run = async |arguments: &[&str]| {
        let output = output(&mut home.command(arguments)).await;
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), said)
    };

    // While the gateway goes on writing.
    let entries = json(&address, "/api/audit", &admin).await;
    let acts: Vec<&str> = (entries.as_array().unwrap().iter())
        .map(|entry| entry["entry"]["act"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["asked", "token-made"], "{entries}");
    assert_eq!(
        entries[0]["entry"]["actor"]["platform"], "discord",
        "{entries}"
    );
    assert_eq!(entries[0]["entry"]["project"], "one", "{entries}");
    assert!(entries[0]["entry"]["text_sha256"].is_string(), "{entries}");
    assert_eq!(entries[1]["entry"]["actor"]["kind"], "local", "{entries}");
    assert!(
        entries[1]["entry"]["about"]
            .as_str()
            .unwrap()
            .starts_with(&id)
    );
    let (code, said) = run(&["audit", "verify"]).await;
    assert_eq!(code, Some(0), "{said}");
    let known = said.lines().last().unwrap();
    let known = known.strip_prefix("last entry: ").unwrap().to_owned();

    let thread = entries[0]["entry"]["thread"].as_str().unwrap();
    let kill = format!("/api/threads/{thread}/kill");
    assert_eq!(ask("POST", &address, &kill, &admin).await.0, 200);
    assert_eq!(daemon.stop().await.code(), Some(0));

    let (code, lines) = run(&["audit", "export", "--json"]).await;
    assert_eq!(code, Some(0));
    let entries: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let killed = &entries[2]["entry"];
    assert_eq!(killed["act"], "session-ended", "{lines}");
    assert_eq!(killed["actor"]["id"], id, "{lines}");
    let (_, none) = run(&["audit", "export", "--since", "2999-01-01"]).await;
    assert_eq!(none, "");
    let (code, said) = run(&["audit", "verify", "--known", &known]).await;
    assert_eq!(code, Some(0), "{said}");
    let other = known.replacen(':', ":0", 1);
    let (code, _) = run(&["audit", "verify", "--known", &other[..other.len() - 1]]).await;
    assert_eq!(code, Some(1));
    let (code, _) = run(&["audit", "verify", "--known", "x"]).await;
    assert_eq!(code, Some(64));
    home.assert_nothing_left();
}

#[tokio::test]
async fn an_address_that_was_chosen_has_to_be_free() {
    let home = Home::new("").await;
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    home.configure("listen = false", &format!("listen = \"{address}\""));
    let ended = output(&mut home.command(&["run"])).await;
    let said = shown(&ended, &home.path(""));
    assert_eq!(ended.status.code(), Some(1), "{said}");
    let expected = format!("`http.listen`: {address} is in use by another program");
    assert!(said.contains(&expected), "{said}");
    home.assert_nothing_left();
}

#[tokio::test]
async fn nothing_is_served_beyond_this_machine_without_a_token() {
    let home = Home::new("").await;
    home.configure("listen = false", "listen = \"0.0.0.0:0\"");
    let ended = output(&mut home.command(&["run"])).await;
    let said = shown(&ended, &home.path(""));
    assert_eq!(ended.status.code(), Some(78), "{said}");
    assert!(said.contains("which others can reach"), "{said}");
}

#[tokio::test]
async fn a_link_opens_the_dashboard_once() {
    let home = Home::new("").await;
    let refused = output(&mut home.command(&["dashboard"])).await;
    assert_eq!(refused.status.code(), Some(1));
    let said = shown(&refused, &home.path(""));
    assert!(said.contains("no gateway is running"), "{said}");

    serves(&home);
    let daemon = home.start().await;
    let address = address(&home).await;
    let message = home.say(home.one, "SAY:<b>done</b>");
    home.answers(message, 1).await;
    let made = output(&mut home.command(&["dashboard", "--scope", "read"])).await;
    let text = String::from_utf8(made.stdout).unwrap();
    let link = text.lines().last().unwrap();
    let (page, secret) = link.split_once('#').unwrap();
    assert_eq!(page, format!("http://{address}/login"));

    let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    let log_in = || {
        let request = ::http::Request::post(page)
            .header("origin", format!("http://{address}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("token={secret}"))
            .unwrap();
        client.request(request)
    };
    let entered = log_in().await.unwrap();
    assert_eq!(entered.status().as_u16(), 303);
    let cookie = entered.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(log_in().await.unwrap().status().as_u16(), 401);

    let look = async |path: &str| {
        let request = ::http::Request::get(format!("http://{address}{path}"))
            .header("cookie", cookie)
            .body(String::new())
            .unwrap();
        let answer = client.request(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    };
    let overview = look("/").await;
    assert!(overview.contains("All is well."), "{overview}");
    let (_, rest) = overview.split_once("href=\"/threads/").unwrap();
    let (thread, _) = rest.split_once('"').unwrap();
    let conversation = look(&format!("/threads/{thread}")).await;
    let escaped = "&lt;b&gt;done&lt;/b&gt;";
    assert!(conversation.contains(escaped), "{conversation}");
    assert!(!conversation.contains("<b>"), "{conversation}");
    let sessions = look("/sessions").await;
    assert!(sessions.contains("class=\"state idle\""), "{sessions}");
    assert!(sessions.contains("MiB"), "{sessions}");

    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn what_a_program_says_is_said_once_however_often_it_is_sent() {
    let home = Home::new("").await;
    serves(&home);
    let daemon = home.start().await;
    let at = address(&home).await;
    let (_, write) = token(&home, "write").await;
    let (ask_one, tell) = ("/api/projects/one/messages", "/api/notify");
    let question = json!({"text": "SAY:it is done"});
    let notice = json!({"project": "two", "text": "the build is red"});
    let (status, asked) = say_once(&at, ask_one, &write, "a key", &question).await;
    assert_eq!(status, 202, "{asked}");
    let again = say_once(&at, ask_one, &write, "a key", &question).await;
    assert_eq!(again, (202, asked.clone()));
    let (status, told) = say_once(&at, tell, &write, "a key", &notice).await;
    assert_eq!(status, 202, "{told}");
    home.discord
        .wait_for(|world| {
            let answers = posts(world, home.one, "it is done");
            // The question, and its answer in the thread that grew from it.
            answers >= 1 && posts(world, home.two, "the build is red") == 1
        })
        .await;
    home.transcribed("it is done").await;
    assert_eq!(daemon.stop().await.code(), Some(0));

    // The next gateway knows what was said to the one before it.
    let daemon = home.start().await;
    let at = address(&home).await;
    let again = say_once(&at, ask_one, &write, "a key", &question).await;
    assert_eq!(again, (202, asked));
    let again = say_once(&at, tell, &write, "a key", &notice).await;
    assert_eq!(again, (202, told));
    let other = json!({"project": "two", "text": "the build is green"});
    let (status, refused) = say_once(&at, tell, &write, "a key", &other).await;
    assert_eq!(status, 409, "{refused}");
    let (status, last) = say_once(&at, tell, &write, "another key", &other).await;
    assert_eq!(status, 202, "{last}");
    home.discord
        .wait_for(|world| posts(world, home.two, "the build is green") == 1)
        .await;
    // What stands before it was posted before it, and once.
    let red = home
        .discord
        .look(|world| posts(world, home.two, "the build is red"));
    assert_eq!(red, 1);
    let turns = json(&at, "/api/turns", &write).await;
    assert_eq!(turns.as_array().map(Vec::len), Some(1), "{turns}");
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

/// How many messages of the bot in a channel say this.
fn posts(world: &World, channel: Snowflake, text: &str) -> usize {
    let posts = world.bot_messages(channel);
    posts
        .iter()
        .filter(|post| post.text().contains(text))
        .count()
}
