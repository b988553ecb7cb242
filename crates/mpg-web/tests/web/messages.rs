//! Asking and telling over HTTP.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use mpg_core::audit::Actor;
use mpg_core::gateway::Purpose;
use mpg_core::id::AgentName;

use crate::stage::{Answer, Stage, request, root};

const ASK: &str = "/api/projects/demo/messages";
const TELL: &str = "/api/notify";

async fn say(stage: &Stage, path: &str, token: &str, key: Option<&str>, body: &str) -> Answer {
    let mut request = request(
        Method::POST,
        path,
        Some(token).filter(|token| !token.is_empty()),
    );
    let headers = request.headers_mut();
    headers.insert("content-type", "application/json".parse().unwrap());
    if let Some(key) = key {
        headers.insert("idempotency-key", key.parse().unwrap());
    }
    *request.body_mut() = Body::from(body.to_owned());
    stage.send(request).await
}

#[tokio::test]
async fn a_project_is_asked_and_told_by_who_may() {
    let stage = Stage::new();
    let question = r#"{"text":"is it green?","agent":"qa"}"#;
    let notice = r#"{"text":"it is green","project":"demo","thread":"chat:general~1"}"#;
    for (path, body) in [(ASK, question), (TELL, notice)] {
        let nobody = say(&stage, path, "", None, body).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}");
        let refused = say(&stage, path, &stage.read, None, body).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        for (token, key) in [
            (&stage.write, None),
            (&stage.write, None),
            (&stage.write, Some("build-7")),
            (&stage.write, Some("build-7")),
            (&stage.admin, Some("build-7")),
        ] {
            let taken = say(&stage, path, token, key, body).await;
            assert_eq!(taken.status, StatusCode::ACCEPTED, "{path}: {taken:?}");
            assert!(taken.json()["delivery"].is_string());
            let thread = (path == TELL).then_some("chat:general~1");
            assert_eq!(taken.json()["thread"].as_str(), thread);
        }
        let long = "k".repeat(201);
        for key in ["", &long] {
            let refused = say(&stage, path, &stage.write, Some(key), body).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
        }
    }
    let taken = std::mem::take(&mut *stage.desk.prompts.lock().unwrap());
    assert_eq!(taken.len(), 10);
    for (of_path, purpose) in taken.chunks(5).zip([Purpose::Ask, Purpose::Tell]) {
        let keys: Vec<&str> = of_path.iter().map(|(one, _)| one.key.as_str()).collect();
        assert_ne!(keys[0], keys[1], "each without a key is another one");
        assert_eq!(keys[2], keys[3]);
        assert_ne!(keys[2], keys[4], "another holder has other keys");
        let (first, by) = &of_path[0];
        assert_eq!((first.purpose, first.from.as_str()), (purpose, "test"));
        assert!(matches!(by, Actor::Token { name, .. } if name == "test"));
    }
    assert_ne!(taken[2].0.key, taken[7].0.key, "to ask is not to tell");
    assert_eq!(taken[0].0.agent, Some(AgentName::new("qa")));
    assert_eq!(taken[0].0.thread, None);
    assert_eq!(taken[5].0.thread, Some(root()));
}

#[tokio::test]
async fn what_is_stored_under_a_key_is_not_said_again() {
    let stage = Stage::new();
    let body = r#"{"text":"is it green?"}"#;
    let again = say(&stage, ASK, &stage.write, Some("known"), body).await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    let fresh = say(&stage, ASK, &stage.write, Some("new"), body).await;
    assert_ne!(again.json()["delivery"], fresh.json()["delivery"]);
    let other = r#"{"text":"another"}"#;
    let other = say(&stage, ASK, &stage.write, Some("known"), other).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert!(other.body.contains("another key"), "{}", other.body);
    assert_eq!(stage.desk.prompts.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_asked_or_told_is_refused_with_the_reason() {
    let stage = Stage::new();
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(600_000));
    for (path, body, status) in [
        ("/api/projects/none/messages", r#"{"text":"x"}"#, 404),
        (ASK, r#"{"text":""}"#, 400),
        (ASK, r#"{"text":"x","agents":"qa"}"#, 400),
        (ASK, r#"{"text":"x","thread":"chat:general~9"}"#, 404),
        (ASK, r#"{"text":"x","thread":"x"}"#, 404),
        (ASK, r#"{"text":"full"}"#, 503),
        (ASK, "{", 400),
        (ASK, long.as_str(), 413),
        (TELL, r#"{"text":"x"}"#, 400),
        (TELL, r#"{"text":"x","project":"none"}"#, 404),
    ] {
        let answer = say(&stage, path, &stage.write, None, body).await;
        let shown = &body[..body.len().min(80)];
        assert_eq!(answer.status.as_u16(), status, "{path} {shown}: {answer:?}");
        assert!(answer.json()["error"].is_string(), "{path} {shown}");
    }
    assert!(stage.desk.prompts.lock().unwrap().is_empty());
    stage.desk.says(None);
    let ended = say(&stage, ASK, &stage.write, None, r#"{"text":"x"}"#).await;
    assert_eq!(ended.status, StatusCode::SERVICE_UNAVAILABLE);
}
