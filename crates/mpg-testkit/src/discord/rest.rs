//! The REST half: what happens to a request from the edge to the log.

mod command;
mod form;
mod guild;
mod interaction;
mod message;
mod message_form;
mod multipart;
mod reaction;
mod request;
mod route;
mod thread;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use self::request::{Payload, Request};
use super::call::Call;
use super::fault::{Fault, Scope};
use super::limit::Verdict;
use super::listener::Cut;
use super::refusal::Refusal;
use super::shared::Shared;
use super::world::World;

/// The largest body that is read: Discord's limit for a bot's uploads.
const BODY: usize = 10 * 1024 * 1024;

/// What is answered to a request.
#[derive(Debug)]
pub(super) struct Reply {
    status: u16,
    body: Option<Value>,
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
struct Outcome {
    response: Response,
    status: u16,
    code: Option<u32>,
}

/// Handles any request that is not for the gateway.
pub(super) async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Cut>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let method = parts.method.as_str().to_owned();
    let full = parts.uri.path().to_owned();
    let versioned = ["/api/v10", "/api/v9", "/api"]
        .iter()
        .find_map(|prefix| full.strip_prefix(prefix))
        .filter(|path| path.starts_with('/'));
    let Some(path) = versioned.map(ToOwned::to_owned) else {
        return refuse(&Refusal::not_found()).response;
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let payload = match to_bytes(body, BODY).await {
        Ok(bytes) => Payload::read(&parts.headers, &bytes),
        Err(_) => Err(Refusal::too_large()),
    };
    let mut call = Call {
        method,
        path,
        query,
        body: match &payload {
            Ok(payload) => payload.json.clone(),
            Err(_) => Value::Null,
        },
        status: None,
        code: None,
    };
    let fault = shared.quietly(|world| world.faults.take(&call.method, &call.path));
    match &fault {
        Some(Fault::Delay(delay)) => tokio::time::sleep(*delay).await,
        Some(Fault::Hold) => hold(&shared).await,
        Some(
            Fault::Status(_)
            | Fault::Error { .. }
            | Fault::RateLimited { .. }
            | Fault::CutBeforeHandling
            | Fault::CutAfterHandling
            | Fault::HoldAnswer,
        )
        | None => {}
    }
    let cut = matches!(
        fault,
        Some(Fault::CutBeforeHandling | Fault::CutAfterHandling)
    );
    let outcome = shared.update(|world| {
        let outcome = match planned(fault.as_ref()) {
            Some(outcome) => outcome,
            None => perform(world, &parts.headers, &call, payload),
        };
        call.status = (!cut).then_some(outcome.status);
        call.code = outcome.code;
        world.calls.push(call);
        outcome
    });
    if cut {
        connection.cut();
    }
    if fault == Some(Fault::HoldAnswer) {
        hold(&shared).await;
    }
    outcome.response
}

/// Waits for the test's next release.
async fn hold(shared: &Shared) {
    let mut changes = shared.changes();
    let released = shared.update(|world| {
        world.held += 1;
        world.released
    });
    while shared.read(|world| world.released) == released {
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// The answer of a fault that takes the place of the handling.
fn planned(fault: Option<&Fault>) -> Option<Outcome> {
    match fault? {
        Fault::Status(status) => Some(failure(*status)),
        Fault::Error { status, code } => {
            Some(refuse(&Refusal::new(*status, *code, "Failed on demand")))
        }
        Fault::RateLimited {
            retry_after,
            html: true,
            ..
        } => Some(banned(*retry_after)),
        Fault::RateLimited {
            retry_after,
            scope,
            html: false,
        } => Some(limited(*retry_after, *scope, None)),
        Fault::CutBeforeHandling => Some(failure(500)),
        Fault::CutAfterHandling | Fault::Delay(_) | Fault::Hold | Fault::HoldAnswer => None,
    }
}

fn perform(
    world: &mut World,
    headers: &HeaderMap,
    call: &Call,
    payload: Result<Payload, Refusal>,
) -> Outcome {
    let segments: Vec<&str> = call.path.split('/').skip(1).collect();
    // Their tokens are in the path.
    let open = matches!(segments.first(), Some(&("interactions" | "webhooks")));
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bot "));
    if !open && shown != Some(world.settings.token.as_str()) {
        return refuse(&Refusal::unauthorized());
    }
    let verdict = world.limiter.count(&call.method, &segments, Instant::now());
    if let Some(scope) = verdict.exceeded {
        return limited(verdict.reset_after, Some(scope), Some(&verdict));
    }
    let replied = payload.and_then(|payload| {
        let request = Request::new(&call.method, &call.path, &call.query, payload);
        route::route(world, &request)
    });
    let mut outcome = match replied {
        Ok(reply) => Outcome {
            response: json_response(reply.status, reply.body.as_ref()),
            status: reply.status,
            code: None,
        },
        Err(refusal) => refuse(&refusal),
    };
    stamp(&mut outcome.response, &verdict);
    outcome
}

fn refuse(refusal: &Refusal) -> Outcome {
    Outcome {
        response: json_response(refusal.status, Some(&refusal.body())),
        status: refusal.status,
        code: (refusal.code != 0).then_some(refusal.code),
    }
}

fn failure(status: u16) -> Outcome {
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown");
    refuse(&Refusal::new(status, 0, &format!("{status}: {reason}")))
}

/// A 429 in JSON. Without a scope it carries no header that a limiter could learn from.
fn limited(wait: Duration, scope: Option<Scope>, verdict: Option<&Verdict>) -> Outcome {
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
fn banned(wait: Duration) -> Outcome {
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
fn stamp(response: &mut Response, verdict: &Verdict) {
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

fn json_response(status: u16, body: Option<&Value>) -> Response {
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
