//! Answers as they go out on the wire.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::discord::fault::Scope;
use crate::discord::limit::Verdict;
use crate::discord::refusal::Refusal;

/// What is answered to a request.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Option<Value>,
}

impl Reply {
    pub(super) fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body: Some(body),
        }
    }

    pub(super) fn created(body: Value) -> Self {
        Self {
            status: 201,
            body: Some(body),
        }
    }

    pub(super) fn nothing() -> Self {
        Self {
            status: 204,
            body: None,
        }
    }
}

/// A finished answer with what its log line needs.
pub(super) struct Outcome {
    pub(super) response: Response,
    pub(super) status: u16,
    pub(super) code: Option<u32>,
}

pub(super) fn refuse(refusal: &Refusal) -> Outcome {
    Outcome {
        response: json_response(refusal.status, Some(&refusal.body())),
        status: refusal.status,
        code: (refusal.code != 0).then_some(refusal.code),
    }
}

pub(super) fn failure(status: u16) -> Outcome {
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown");
    refuse(&Refusal::new(status, 0, &format!("{status}: {reason}")))
}

/// A 429 in JSON. Without a scope it carries no header that a limiter could learn from.
pub(super) fn limited(wait: Duration, scope: Option<Scope>, verdict: Option<&Verdict>) -> Outcome {
    let body = json!({
        "message": "You are being rate limited.",
        "retry_after": wait.as_secs_f64(),
        "global": scope == Some(Scope::Global),
    });
    let mut response = json_response(429, Some(&body));
    let seconds = wait.as_secs_f64();
    set(
        &mut response,
        "retry-after",
        &format!("{:.0}", seconds.ceil()),
    );
    if let Some(scope) = scope {
        set(&mut response, "x-ratelimit-scope", scope.name());
        if scope == Scope::Global {
            set(&mut response, "x-ratelimit-global", "true");
        } else {
            let made_up = Verdict {
                bucket: "on-demand".to_owned(),
                limit: 5,
                remaining: 0,
                reset_after: wait,
                exceeded: None,
            };
            stamp(&mut response, verdict.unwrap_or(&made_up));
        }
    }
    Outcome {
        response,
        status: 429,
        code: None,
    }
}

/// The page with which the edge network turns away an address: error 1015.
pub(super) fn banned(wait: Duration) -> Outcome {
    let page = "<!doctype html><html><head><title>Access denied | discord.com used Cloudflare to \
                restrict access</title></head><body>Error 1015: You are being rate limited\
                </body></html>";
    let mut response = Response::new(Body::from(page));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    set(&mut response, "content-type", "text/html; charset=UTF-8");
    let seconds = wait.as_secs_f64();
    set(
        &mut response,
        "retry-after",
        &format!("{:.0}", seconds.ceil()),
    );
    Outcome {
        response,
        status: 429,
        code: None,
    }
}

/// Adds the headers of a bucket, as every answer of a limited route has them.
pub(super) fn stamp(response: &mut Response, verdict: &Verdict) {
    let reset_after = verdict.reset_after.as_secs_f64();
    let reset = jiff::Timestamp::now().as_duration().as_secs_f64() + reset_after;
    for (name, value) in [
        ("x-ratelimit-bucket", verdict.bucket.clone()),
        ("x-ratelimit-limit", verdict.limit.to_string()),
        ("x-ratelimit-remaining", verdict.remaining.to_string()),
        ("x-ratelimit-reset", format!("{reset:.3}")),
        ("x-ratelimit-reset-after", format!("{reset_after:.3}")),
    ] {
        set(response, name, &value);
    }
}

fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
}

pub(super) fn json_response(status: u16, body: Option<&Value>) -> Response {
    let mut response = match body {
        Some(body) => Response::new(Body::from(body.to_string())),
        None => Response::new(Body::empty()),
    };
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if body.is_some() {
        set(&mut response, "content-type", "application/json");
    }
    response
}
