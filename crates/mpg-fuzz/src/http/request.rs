//! A request, described by bytes.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri};

use crate::text;

/// The most that somebody shows who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shown {
    Nothing,
    Read,
    Write,
    Admin,
}

/// What stands for a token, in the order of scopes.
const MARKS: [(&str, Shown); 3] = [
    ("$read", Shown::Read),
    ("$write", Shown::Write),
    ("$admin", Shown::Admin),
];

/// The request, and the most that is shown with it; `None` where the bytes describe none.
pub(super) fn request(data: &[u8], tokens: &[String; 3]) -> Option<(Request<Body>, Shown)> {
    let mut most = Shown::Nothing;
    let mut put_in = |part: &str| {
        let mut part = part.to_owned();
        for ((mark, shown), token) in MARKS.iter().zip(tokens) {
            if part.contains(mark) {
                most = most.max(*shown);
                part = part.replace(mark, token);
            }
        }
        part
    };
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = match end {
        Some(end) => (&data[..end], &data[end + 2..]),
        None => (data, &[][..]),
    };
    let head = put_in(&text(head));
    let mut lines = head.lines();
    let (method, path) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).ok()?)
        .uri(path.parse::<Uri>().ok()?);
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        request = request.header(
            HeaderName::from_bytes(name.as_bytes()).ok()?,
            HeaderValue::from_bytes(value.as_bytes()).ok()?,
        );
    }
    // A token in a form lets somebody into the dashboard.
    let body = match std::str::from_utf8(body) {
        Ok(body) => put_in(body).into_bytes(),
        Err(_) => body.to_owned(),
    };
    let request = request.body(Body::from(body)).ok()?;
    Some((request, most))
}
