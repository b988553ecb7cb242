//! What no request may do, whatever it asks for.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;

use crate::stage::Stage;

#[tokio::test]
async fn names_and_pages_of_others_are_refused() {
    let stage = Stage::new();
    let ask = |host: &'static str, origin: Option<&'static str>| {
        let mut request = Request::get("/health").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        stage.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(ask("127.0.0.1:3100", None).await.status, StatusCode::OK);
    let rebound = ask("evil.example", None).await;
    assert_eq!(rebound.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(matches!(rebound.json()["error"], Value::String(_)));
    let elsewhere = ask("localhost:3100", Some("http://evil.example")).await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    for answer in [rebound, elsewhere] {
        assert!(answer.headers.get("access-control-allow-origin").is_none());
    }
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let stage = Stage::new();
    for path in ["/health", "/nothing/here"] {
        let answer = stage.get(path).await;
        let header = |name: &str| answer.headers[name].to_str().unwrap();
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("cache-control"), "no-store");
        assert!(header("content-security-policy").starts_with("default-src 'none'"));
    }
    assert_eq!(
        stage.get("/nothing/here").await.status,
        StatusCode::NOT_FOUND
    );
}
