//! The REST half: what happens to a request from the edge to the log.

mod answer;
mod command;
mod command_form;
mod component;
mod form;
mod guild;
mod interaction;
mod message;
mod message_form;
mod multipart;
mod pin;
mod reaction;
mod request;
mod route;
mod thread;
mod webhook;

use std::io;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use self::answer::{Outcome, Reply, banned, failure, json_response, limited, refuse, stamp};
use self::request::{Payload, Request};
use super::call::Call;
use super::fault::Fault;
use super::listener::Cut;
use super::refusal::Refusal;
use super::shared::Shared;
use super::world::World;

/// The largest body that is read: Discord's limit for a bot's uploads.
const BODY: usize = 10 * 1024 * 1024;

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
            | Fault::CutInBody
            | Fault::HoldInBody
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
    if fault == Some(Fault::CutInBody) {
        return cut_in_body(outcome.response, None);
    }
    if fault == Some(Fault::HoldInBody) {
        return cut_in_body(outcome.response, Some(shared));
    }
    outcome.response
}

/// An answer whose body breaks off behind its first byte: at once, or at the test's next release.
fn cut_in_body(response: Response, held_by: Option<Arc<Shared>>) -> Response {
    let (parts, _) = response.into_parts();
    let rest = stream::once(async move {
        if let Some(shared) = held_by {
            hold(&shared).await;
        }
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let body = stream::iter([Ok("{")]).chain(rest);
    Response::from_parts(parts, Body::from_stream(body))
}

/// Waits for the test's next release.
pub(super) async fn hold(shared: &Shared) {
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
        Fault::CutAfterHandling
        | Fault::CutInBody
        | Fault::HoldInBody
        | Fault::Delay(_)
        | Fault::Hold
        | Fault::HoldAnswer => None,
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
