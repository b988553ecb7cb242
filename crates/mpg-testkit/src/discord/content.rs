//! The content network: files of messages, and what goes wrong while they are fetched.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};

use super::listener::Cut;
use super::rest::hold;
use super::shared::Shared;

/// What goes wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFault {
    /// It is answered with this status.
    Status(u16),
    /// It is said to be elsewhere.
    Redirect(String),
    /// So many bytes follow it that nobody told of, and its length is not told.
    Longer(usize),
    /// The connection is cut instead of an answer.
    Cut,
    /// The answer breaks off in the middle.
    CutInBody,
    /// The answer stops in the middle until the test calls [`release`](super::Discord::release).
    Hold,
}

/// Answers a request for a file. It needs no token, and a client that shows one where it is not
/// needed is turned away.
pub(super) async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Cut>,
    headers: HeaderMap,
    Path(path): Path<String>,
) -> Response {
    let path = format!("/attachments/{path}");
    let (fault, bytes) = shared.update(|world| {
        world.fetched.push(path.clone());
        let bytes = world.file(&path).map(<[u8]>::to_vec);
        (world.file_faults.pop_front(), bytes)
    });
    if headers.contains_key(header::AUTHORIZATION) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let Some(bytes) = bytes else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match fault {
        None => Response::new(Body::from(bytes)),
        Some(FileFault::Status(status)) => StatusCode::from_u16(status)
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            .into_response(),
        Some(FileFault::Redirect(to)) => {
            (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
        }
        Some(FileFault::Longer(more)) => {
            let chunks = [bytes, vec![b'x'; more]].map(Ok::<_, io::Error>);
            Response::new(Body::from_stream(stream::iter(chunks)))
        }
        Some(FileFault::Cut) => {
            connection.cut();
            StatusCode::OK.into_response()
        }
        Some(FileFault::CutInBody) => half(bytes, None),
        Some(FileFault::Hold) => half(bytes, Some(shared)),
    }
}

/// The first half of a file; the second comes after the test's next release, or never.
fn half(mut bytes: Vec<u8>, held_by: Option<Arc<Shared>>) -> Response {
    let length = bytes.len();
    let rest = bytes.split_off(length / 2);
    let rest = stream::once(async move {
        let Some(shared) = held_by else {
            return Err(io::Error::from(io::ErrorKind::ConnectionReset));
        };
        hold(&shared).await;
        Ok(rest)
    });
    let body = stream::iter([Ok(bytes)]).chain(rest);
    let mut response = Response::new(Body::from_stream(body));
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, length.into());
    response
}
