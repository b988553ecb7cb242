//! What comes in over HTTP.

mod request;
mod stage;

use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use tokio::runtime::Builder;
use tower::ServiceExt as _;

use self::request::{Shown, request};
use self::stage::Stage;

/// How often an answer that waits is looked at again, while the gateway stores what it hears.
const LOOKS: usize = 8;

/// How many parts of an answer are read: some never end.
const PARTS: usize = 64;

/// Asks what is served with a request that the bytes describe: a line with method and path, lines with
/// headers, an empty line, the body. `$read`, `$write` and `$admin` stand for tokens.
///
/// Whatever is asked, the gateway has an answer that is no fault of its own and carries the headers
/// that every answer carries; what is called JSON is JSON; and nothing is done for somebody whose
/// token does not allow it.
///
/// # Panics
///
/// Where that does not hold.
pub fn http(data: &[u8]) {
    let mut stage = Stage::new();
    let Some((asked, shown)) = request(data, &stage.tokens) else {
        return;
    };
    let told = format!("{} {}", asked.method(), asked.uri());
    let path = asked.uri().path().to_owned();
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime starts");
    let _entered = runtime.enter();
    let mut answer = Box::pin(stage.router.clone().oneshot(asked));
    let answer = (0..LOOKS).find_map(|_| {
        stage.store();
        answer.as_mut().now_or_never()
    });
    stage.store();
    let acted = stage.acted();
    // One that still waits will be told that it took too long.
    let Some(Ok(answer)) = answer else {
        return;
    };
    check(&told, &path, shown, acted, answer);
}

fn check(told: &str, path: &str, shown: Shown, acted: bool, answer: Response<Body>) {
    let (parts, body) = answer.into_parts();
    let body = beginning(body);
    let said = String::from_utf8_lossy(&body.concat()).into_owned();
    let status = parts.status;
    assert!(status < StatusCode::INTERNAL_SERVER_ERROR, "{told}: {said}");
    for header in [
        "x-content-type-options",
        "content-security-policy",
        "cache-control",
    ] {
        assert!(parts.headers.contains_key(header), "{told}: no {header}");
    }
    let is_api = path.starts_with("/api/");
    let allowed = status.is_success() || status.is_redirection();
    assert!(
        shown != Shown::Nothing || !is_api || !allowed,
        "{told}: {said}"
    );
    assert!(
        !acted || matches!(shown, Shown::Write | Shown::Admin),
        "{told}"
    );
    let kind = parts.headers.get("content-type");
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.ends_with("json") && !said.is_empty() {
        let value = serde_json::from_str::<serde_json::Value>(&said);
        assert!(value.is_ok(), "{told}: {said}");
    }
}

/// What there is of a body without waiting.
fn beginning(mut body: Body) -> Vec<Bytes> {
    let parts = std::iter::from_fn(|| body.frame().now_or_never().flatten());
    let parts = parts
        .take(PARTS)
        .filter_map(|frame| frame.ok()?.into_data().ok());
    parts.collect()
}
