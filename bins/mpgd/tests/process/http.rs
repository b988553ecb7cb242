//! What the daemon serves over HTTP.

use std::net::TcpListener;

use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::home::{Home, output, shown};

/// Lets the daemon serve at an address that is free.
fn serves(home: &Home) {
    home.configure("listen = false", "listen = \"127.0.0.1:0\"");
}

/// Where the daemon says that it serves.
async fn address(home: &Home) -> String {
    home.logged("serving http").await;
    let log = home.log();
    let (_, rest) = log.split_once("serving http").unwrap();
    let (_, rest) = rest.split_once("127.0.0.1:").unwrap();
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    format!("127.0.0.1:{port}")
}

/// Asks, and returns the status and the body.
async fn get(address: &str, path: &str) -> (u16, String) {
    let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    let answer = client
        .get(format!("http://{address}{path}").parse().unwrap())
        .await
        .unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_turn_is_seen_in_health_and_metrics() {
    let home = Home::new("").await;
    serves(&home);
    let daemon = home.start().await;
    let address = address(&home).await;
    home.logged("\"connected\"").await;

    let (status, health) = get(&address, "/health").await;
    assert_eq!(status, 200, "{health}");
    assert!(health.contains(r#""discord":"connected""#), "{health}");
    let message = home.say(home.one, "SAY:done");
    home.answers(message, 1).await;
    let (status, metrics) = get(&address, "/metrics").await;
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
    assert_eq!(get(&address, "/").await.0, 404);

    assert_eq!(daemon.stop().await.code(), Some(0));
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
async fn nothing_is_served_beyond_this_machine() {
    let home = Home::new("").await;
    home.configure("listen = false", "listen = \"0.0.0.0:0\"");
    let ended = output(&mut home.command(&["run"])).await;
    let said = shown(&ended, &home.path(""));
    assert_eq!(ended.status.code(), Some(78), "{said}");
    assert!(said.contains("which others can reach"), "{said}");
}
