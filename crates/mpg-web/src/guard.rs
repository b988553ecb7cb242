//! What every request has to pass, whoever sends it.
//!
//! A page of another site may make a browser on this machine send requests here, or, by a name that
//! it lets point here, read the answers. So a request names this gateway by an address or by a name
//! that was configured, and what a browser sends comes from the gateway's own pages.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::time::timeout;

use crate::problem::Problem;
use crate::router::App;

/// How long a request may take to be read and answered; a stream of events is answered by its
/// beginning.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// What pages may do: nothing that is not the gateway's own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Lets a request pass, or answers it.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    if let Err(refusal) = admit(request.uri(), request.headers(), &app.hosts) {
        return headed(refusal.into_response());
    }
    match timeout(REQUEST_LIMIT, next.run(request)).await {
        Ok(response) => headed(response),
        Err(_) => headed(
            Problem::new(StatusCode::REQUEST_TIMEOUT, "the request took too long").into_response(),
        ),
    }
}

/// Adds the headers that every answer carries.
fn headed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    // With less, a browser would not say which page a form comes from.
    let fixed: [(HeaderName, &'static str); 4] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let private = HeaderValue::from_static("no-store");
    headers.entry(CACHE_CONTROL).or_insert(private);
    response
}

/// Whether a request may be looked at further.
fn admit(uri: &Uri, headers: &HeaderMap, hosts: &BTreeSet<String>) -> Result<(), Problem> {
    let mut named = headers.get_all(HOST).iter();
    let host = match (uri.authority(), named.next(), named.next()) {
        (Some(authority), _, _) => Some(authority.clone()),
        (None, Some(host), None) => host
            .to_str()
            .ok()
            .and_then(|host| host.parse::<Authority>().ok()),
        (None, _, _) => None,
    };
    let Some(host) = host.filter(|host| is_own(host, hosts)) else {
        return Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this name is not served here; use the address, or add the name to `hosts` in [http]",
        ));
    };
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.parse::<Uri>().ok())
        .and_then(|origin| origin.into_parts().authority);
    // The scheme may differ: something in front of the gateway may end TLS.
    if origin.as_ref() == Some(&host) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "pages of other sites may not use this gateway",
    ))
}

/// Whether a request for this host can be meant for the gateway: an address cannot be made to point
/// elsewhere, a name can.
fn is_own(host: &Authority, hosts: &BTreeSet<String>) -> bool {
    let name = host.host().to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || address.parse::<IpAddr>().is_ok() || hosts.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(host: Option<&str>, origin: Option<&str>) -> u16 {
        let mut headers = HeaderMap::new();
        if let Some(host) = host {
            headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        }
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        let hosts = ["mpg.example".to_owned()].into();
        match admit(&Uri::from_static("/x"), &headers, &hosts) {
            Ok(()) => 200,
            Err(problem) => problem.status().as_u16(),
        }
    }

    #[test]
    fn only_what_names_the_gateway_passes() {
        for (host, origin, status) in [
            (Some("127.0.0.1:3100"), None, 200),
            (Some("[::1]:3100"), None, 200),
            (Some("192.0.2.7"), None, 200),
            (Some("localhost:3100"), None, 200),
            (Some("LOCALHOST"), None, 200),
            (Some("mpg.example"), None, 200),
            (Some("mpg.example:8443"), None, 200),
            (Some("evil.example"), None, 421),
            (Some("localhost.evil.example"), None, 421),
            (Some("127.0.0.1.evil.example:3100"), None, 421),
            (Some("a b"), None, 421),
            (Some(""), None, 421),
            (None, None, 421),
            (Some("localhost:3100"), Some("http://localhost:3100"), 200),
            (Some("mpg.example"), Some("https://mpg.example"), 200),
            (Some("localhost:3100"), Some("http://localhost:8080"), 403),
            (Some("localhost:3100"), Some("http://evil.example"), 403),
            (Some("localhost:3100"), Some("null"), 403),
            (Some("localhost:3100"), Some(""), 403),
            (Some("localhost:3100"), Some("file:///x"), 403),
        ] {
            assert_eq!(judged(host, origin), status, "{host:?} {origin:?}");
        }
    }

    #[test]
    fn two_hosts_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(HOST, HeaderValue::from_static("localhost"));
        headers.append(HOST, HeaderValue::from_static("evil.example"));
        assert!(admit(&Uri::from_static("/"), &headers, &BTreeSet::new()).is_err());
    }
}
