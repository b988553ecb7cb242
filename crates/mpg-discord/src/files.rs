//! Files of messages, fetched from Discord's content network and from nowhere that nobody named.

mod hosts;

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, LOCATION, USER_AGENT};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use mpg_core::message::Attachment;
use mpg_core::port::{Download, FetchError};
use tokio::time::timeout;

use self::hosts::Hosts;
pub(crate) use self::hosts::authority;
use crate::rest::AGENT;
use crate::transport::{Transport, transport};

/// How long a connection may take, and an answer until it begins.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How long nothing may come of an answer that has begun.
const SILENCE: Duration = Duration::from_secs(20);

/// How many redirects are followed.
const REDIRECTS: usize = 3;

/// What comes of a file.
type Incoming = UnsyncBoxBody<Bytes, io::Error>;

/// Where files are fetched, and how.
#[derive(Debug)]
pub(crate) struct Files {
    transport: Transport,
    hosts: Hosts,
}

impl Files {
    /// Prepares to fetch from Discord's hosts, the API's origin and `more`.
    pub(crate) fn new(api: &str, more: &[String]) -> Self {
        Self {
            transport: transport(ANSWER_LIMIT),
            hosts: Hosts::new(api, more),
        }
    }

    /// Begins to fetch a file.
    pub(crate) async fn fetch(
        &self,
        attachment: &Attachment,
        limit: u64,
    ) -> Result<Box<dyn Download>, FetchError> {
        let mut uri: Uri = attachment
            .url
            .parse()
            .map_err(|_| FetchError::Gone("its address is none".to_owned()))?;
        for _ in 0..=REDIRECTS {
            let response = self.ask(&uri).await?;
            let status = response.status();
            if status == StatusCode::OK {
                let length = response.headers().get(CONTENT_LENGTH);
                let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
                if length.is_some_and(|length| length > limit) {
                    return Err(FetchError::TooLong);
                }
                return Ok(Box::new(Body {
                    body: response.into_body(),
                    left: limit,
                }));
            }
            if !status.is_redirection() {
                return Err(refused(status));
            }
            uri = target(&uri, response.headers())?;
        }
        Err(FetchError::Gone("it is redirected too often".to_owned()))
    }

    /// Asks for a file where that may be asked. No token goes there: it is not needed.
    async fn ask(&self, uri: &Uri) -> Result<Response<Incoming>, FetchError> {
        if !self.hosts.admit(uri) {
            let authority = uri.authority().map(ToString::to_string);
            // What stands before an at sign is for nobody's eyes.
            let host = authority
                .as_deref()
                .and_then(|name| name.rsplit('@').next());
            return Err(FetchError::Host(host.unwrap_or("nowhere").to_owned()));
        }
        let request = Request::get(uri.clone())
            .header(USER_AGENT, AGENT)
            .body(Full::<Bytes>::default())
            .map_err(|_| FetchError::Gone("its address is none".to_owned()))?;
        let response = timeout(ANSWER_LIMIT, self.transport.request(request))
            .await
            .map_err(|_| FetchError::Transient("no answer in time".to_owned()))?
            .map_err(|error| {
                tracing::debug!(%error, "a file could not be asked for");
                FetchError::Transient("the connection failed".to_owned())
            })?;
        Ok(response.map(|body| body.map_err(io::Error::other).boxed_unsync()))
    }
}

/// What a status means that brings no file.
fn refused(status: StatusCode) -> FetchError {
    let message = format!("HTTP {}", status.as_u16());
    if status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
    {
        FetchError::Transient(message)
    } else {
        // Addresses expire, which is answered with a 403 or a 404.
        FetchError::Gone(message)
    }
}

/// Where an answer leads on to.
fn target(from: &Uri, headers: &HeaderMap) -> Result<Uri, FetchError> {
    let nowhere = || FetchError::Gone("it is redirected to nowhere".to_owned());
    let location = headers.get(LOCATION);
    let location = location.and_then(|location| location.to_str().ok());
    let to: Uri = location
        .and_then(|location| location.parse().ok())
        .ok_or_else(nowhere)?;
    if to.authority().is_some() {
        return Ok(to);
    }
    let mut parts = from.clone().into_parts();
    parts.path_and_query = to.into_parts().path_and_query;
    Uri::from_parts(parts).map_err(|_| nowhere())
}

/// The body of an answer, counted.
#[derive(Debug)]
struct Body {
    body: Incoming,
    left: u64,
}

#[async_trait]
impl Download for Body {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, FetchError> {
        loop {
            let frame = timeout(SILENCE, self.body.frame())
                .await
                .map_err(|_| FetchError::Transient("nothing came for a while".to_owned()))?;
            let frame = match frame {
                None => return Ok(None),
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    tracing::debug!(%error, "a file broke off");
                    return Err(FetchError::Transient("the connection broke off".to_owned()));
                }
            };
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            let length = bytes.len() as u64;
            self.left = self.left.checked_sub(length).ok_or(FetchError::TooLong)?;
            return Ok(Some(bytes.into()));
        }
    }
}
