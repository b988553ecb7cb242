//! The one way in which requests reach Discord.
//!
//! Routes and their rate-limit buckets are twilight's; sending is done here, because twilight's
//! client answers a 429 by repeating the request at once and without limit, unless the answer
//! carries headers that its limiter understands, and never tells what `Retry-After` said.

mod failure;
mod form;
mod limit;
mod quota;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, USER_AGENT};
use http_body_util::{BodyExt as _, Full, Limited};
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use mpg_core::port::Upload;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep_until, timeout_at};
use twilight_http::routing::Route;
use twilight_http_ratelimiting::{Endpoint, Permit, RateLimiter};

pub(crate) use self::failure::{Failure, Verb};
use self::limit::Scope;
use self::quota::Quota;
use crate::settings::Token;
use crate::transport::{Transport, transport};

/// How often one call may reach the wire.
pub(crate) const ATTEMPTS: usize = 3;

/// How long one call may take, waiting included.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// How long one attempt may take.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(10);

/// How long the first answer to an interaction may take: Discord takes it for three seconds.
const ANSWER_DEADLINE: Duration = Duration::from_millis(2_900);

/// How long a rate limit is waited out within a call; a longer one is reported instead.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a call that sends files may take, waiting included, and each of its attempts: ten
/// mebibytes on a slow line.
const UPLOAD_LIMIT: Duration = Duration::from_mins(4);
const UPLOAD_ATTEMPT_LIMIT: Duration = Duration::from_mins(2);

/// The largest answer that is read.
const ANSWER_LIMIT: usize = 8 * 1024 * 1024;

/// The form that Discord asks for; the address is that of the library, whose routes these are.
pub(crate) const AGENT: &str = concat!(
    "DiscordBot (https://twilight.rs, 0.18) mpg/",
    env!("CARGO_PKG_VERSION")
);

/// The one way in which requests reach Discord: at most three attempts a call, a time limit over
/// all, and a pause that all calls share when Discord or the network before it asks for one.
#[derive(Debug)]
pub(crate) struct Rest {
    client: Transport,
    base: String,
    authorization: HeaderValue,
    /// All requests together.
    quota: Quota,
    /// Those of each route.
    limiter: RateLimiter,
    paused_until: Mutex<Option<Instant>>,
    /// How far this machine's clock was ahead of Discord's at the last answer.
    ahead: Mutex<Option<SignedDuration>>,
}

impl Rest {
    /// Prepares requests to an origin. Connects to nothing yet.
    ///
    /// `None` if the token cannot be sent in a header. Has to be called inside a runtime, with a
    /// TLS provider installed.
    pub(crate) fn new(origin: &str, token: &Token, requests_per_second: u16) -> Option<Self> {
        let mut authorization = HeaderValue::from_str(&format!("Bot {}", token.expose())).ok()?;
        authorization.set_sensitive(true);
        Some(Self {
            client: transport(ATTEMPT_LIMIT),
            base: format!("{origin}/api/v10/"),
            authorization,
            quota: Quota::new(requests_per_second.max(1)),
            limiter: RateLimiter::new(u16::MAX),
            paused_until: Mutex::new(None),
            ahead: Mutex::new(None),
        })
    }

    /// Sends a request without a body and reads the answer.
    pub(crate) async fn get<T: DeserializeOwned>(&self, route: &Route<'_>) -> Result<T, Failure> {
        decode(&self.send(route, &Body::none()).await?)
    }

    /// Sends a request without a body and drops the answer.
    pub(crate) async fn call(&self, route: &Route<'_>) -> Result<(), Failure> {
        self.send(route, &Body::none()).await.map(drop)
    }

    /// Sends a body and reads the answer.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        route: &Route<'_>,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Failure> {
        decode(&self.send(route, &Body::of(json(body)?)).await?)
    }

    /// Sends a body with files beside it, and reads the answer.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        route: &Route<'_>,
        body: &(impl Serialize + Sync),
        files: &[Upload],
    ) -> Result<T, Failure> {
        let form = form::form(&json(body)?, files);
        let kind = HeaderValue::from_str(&form.content_type)
            .map_err(|error| Failure::NotSent(format!("the request cannot be built: {error}")))?;
        let body = Body {
            kind,
            call_limit: UPLOAD_LIMIT,
            attempt_limit: UPLOAD_ATTEMPT_LIMIT,
            ..Body::of(form.bytes)
        };
        decode(&self.send(route, &body).await?)
    }

    /// Gives the first answer to an interaction: at once, past every limiter, and not later than the
    /// answer is taken. What was not sent is sent once more.
    pub(crate) async fn answer(
        &self,
        route: &Route<'_>,
        body: &serde_json::Value,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + ANSWER_DEADLINE;
        let path = route.to_string();
        let body = Body::of(body.to_string().into());
        for last in [false, true] {
            let request = self.request(route, &path, &body)?;
            match self.attempt(request, None, deadline).await {
                Ok(Answer::Done(_)) => return Ok(()),
                Ok(Answer::Limited(limited)) => return Err(limited.into()),
                Err(Failure::NotSent(_)) if !last => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::NotSent("no attempt was made".to_owned()))
    }

    async fn send(&self, route: &Route<'_>, body: &Body) -> Result<Bytes, Failure> {
        let deadline = Instant::now() + body.call_limit;
        let path = route.to_string();
        let endpoint = Endpoint {
            method: route.method(),
            path: path.split('?').next().unwrap_or_default().to_owned(),
        };
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let permit = self.permit(&endpoint, deadline).await?;
            let share = timeout_at(deadline, self.quota.share()).await;
            let _share = share.map_err(|_elapsed| {
                Failure::NotSent("too many requests wait for Discord".to_owned())
            })?;
            let request = self.request(route, &path, body)?;
            let attempt_ends = deadline.min(Instant::now() + body.attempt_limit);
            match self.attempt(request, permit, attempt_ends).await? {
                Answer::Done(bytes) => return Ok(bytes),
                Answer::Limited(limited) => {
                    let until = Instant::now() + limited.retry_after;
                    if limited.scope == Scope::Everything {
                        self.pause(until);
                    }
                    if limited.retry_after > PATIENCE || until > deadline {
                        return Err(limited.into());
                    }
                    sleep_until(until).await;
                    last = Some(limited);
                }
            }
        }
        Err(last.map_or_else(
            || Failure::NotSent("no attempt was made".to_owned()),
            Failure::from,
        ))
    }

    /// Waits for the shared pause and for the route's bucket.
    async fn permit(
        &self,
        endpoint: &Endpoint,
        deadline: Instant,
    ) -> Result<Option<Permit>, Failure> {
        loop {
            self.wait_out_pause(deadline).await?;
            let acquired = self.limiter.acquire_if(endpoint.clone(), |_| true);
            let permit = timeout_at(deadline, acquired).await.map_err(|_elapsed| {
                Failure::NotSent(format!(
                    "{} is rate limited for long",
                    shown(&endpoint.path)
                ))
            })?;
            // A pause may have begun while the bucket was waited for.
            if self.pause_left().is_none() {
                return Ok(permit);
            }
        }
    }

    async fn wait_out_pause(&self, deadline: Instant) -> Result<(), Failure> {
        while let Some((until, left)) = self.pause_left() {
            if left > PATIENCE || until > deadline {
                return Err(Failure::Limited {
                    retry_after: left,
                    message: "Discord asked for a pause".to_owned(),
                });
            }
            sleep_until(until).await;
        }
        Ok(())
    }

    fn request(
        &self,
        route: &Route<'_>,
        path: &str,
        body: &Body,
    ) -> Result<http::Request<Full<Bytes>>, Failure> {
        let mut request = http::Request::builder()
            .method(route.method().name())
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(USER_AGENT, AGENT);
        if body.bytes.is_some() {
            request = request.header(CONTENT_TYPE, body.kind.clone());
        }
        request
            .body(Full::new(body.bytes.clone().unwrap_or_default()))
            .map_err(|error| Failure::NotSent(format!("the request cannot be built: {error}")))
    }

    async fn attempt(
        &self,
        request: http::Request<Full<Bytes>>,
        permit: Option<Permit>,
        deadline: Instant,
    ) -> Result<Answer, Failure> {
        let response = timeout_at(deadline, self.client.request(request))
            .await
            .map_err(|_elapsed| Failure::Unknown("no answer in time".to_owned()))?
            .map_err(|error| failure::of_transport(&error))?;
        let (head, body) = response.into_parts();
        self.compare_clocks(&head.headers);
        let body = timeout_at(deadline, Limited::new(body, ANSWER_LIMIT).collect())
            .await
            .map_err(|_elapsed| Failure::Unknown("the answer did not end in time".to_owned()))?
            .map_err(|error| Failure::Unknown(format!("the answer broke off: {error}")))?
            .to_bytes();
        let limited = (head.status == http::StatusCode::TOO_MANY_REQUESTS)
            .then(|| limit::of_answer(&head.headers, &body));
        if let Some(permit) = permit {
            permit.complete(limit::bucket(&head.headers, limited));
        }
        if let Some(limited) = limited {
            return Ok(Answer::Limited(limited));
        }
        if head.status.is_success() {
            return Ok(Answer::Done(body));
        }
        let refused = failure::of_answer(head.status, &body);
        let token_of_path = refused.code() == Some(failure::INVALID_WEBHOOK_TOKEN);
        if head.status == http::StatusCode::UNAUTHORIZED && !token_of_path {
            // Refused requests count towards a ban of the address.
            self.pause(Instant::now() + failure::UNAUTHORIZED_PAUSE);
        }
        Err(refused)
    }

    /// How far this machine's clock was ahead of Discord's at the last answer, to the second.
    pub(crate) fn clock_ahead(&self) -> Option<SignedDuration> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn compare_clocks(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| rfc2822::parse(date).ok());
        if let Some(date) = date {
            let ahead = Timestamp::now().duration_since(date.timestamp());
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
    }

    fn pause(&self, until: Instant) {
        let mut paused = self.paused();
        *paused = Some(paused.map_or(until, |before| before.max(until)));
    }

    fn pause_left(&self) -> Option<(Instant, Duration)> {
        let until = (*self.paused())?;
        let left = until.checked_duration_since(Instant::now())?;
        (!left.is_zero()).then_some((until, left))
    }

    fn paused(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a call sends, and how long it may take.
struct Body {
    bytes: Option<Bytes>,
    kind: HeaderValue,
    call_limit: Duration,
    attempt_limit: Duration,
}

impl Body {
    fn none() -> Self {
        Self {
            bytes: None,
            kind: JSON,
            call_limit: CALL_LIMIT,
            attempt_limit: ATTEMPT_LIMIT,
        }
    }

    fn of(bytes: Bytes) -> Self {
        Self {
            bytes: Some(bytes),
            ..Self::none()
        }
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

fn json(body: &(impl Serialize + Sync)) -> Result<Bytes, Failure> {
    let body = serde_json::to_vec(body).map_err(|error| Failure::Refused {
        status: 400,
        code: None,
        message: format!("the request cannot be written as JSON: {error}"),
    })?;
    Ok(body.into())
}

enum Answer {
    Done(Bytes),
    Limited(limit::Limited),
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| Failure::Unknown(format!("the answer cannot be read: {error}")))
}

/// A path without the secrets that some have in it.
fn shown(path: &str) -> String {
    let mut parts = path.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(first @ ("webhooks" | "interactions")), Some(id), Some(_)) => {
            format!("{first}/{id}/…")
        }
        (_, _, _) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn no_secret_is_shown() {
        for (path, expected) in [
            ("webhooks/7/secret/messages/@original", "webhooks/7/…"),
            ("interactions/8/secret/callback", "interactions/8/…"),
            ("channels/9/messages", "channels/9/messages"),
            ("gateway/bot", "gateway/bot"),
        ] {
            assert_eq!(shown(path), expected);
        }
    }
}
