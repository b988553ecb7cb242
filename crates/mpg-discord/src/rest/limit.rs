//! What answers say about rate limits.

use std::time::{Duration, Instant};

use http::HeaderMap;
use serde::Deserialize;
use twilight_http_ratelimiting::RateLimitHeaders;

/// The pause where an answer does not say how long it should be, as that of the edge network does
/// not.
const DEFAULT_PAUSE: Duration = Duration::from_mins(1);

/// The longest pause that is believed.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// A 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limited {
    pub(super) retry_after: Duration,
    pub(super) scope: Scope,
}

/// What a 429 is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// One bucket or resource.
    Route,
    /// All requests: the bot's global limit, or a ban by the edge network, which does not say what
    /// it is about.
    Everything,
}

/// Reads a 429.
///
/// Source: the page on rate limits of Discord's documentation. The body is more exact than the
/// header.
pub(super) fn of_answer(headers: &HeaderMap, body: &[u8]) -> Limited {
    #[derive(Deserialize)]
    struct Body {
        retry_after: Option<f64>,
        #[serde(default)]
        global: bool,
    }
    let body: Option<Body> = serde_json::from_slice(body).ok();
    let seconds = body
        .as_ref()
        .and_then(|body| body.retry_after)
        .or_else(|| number(headers, "retry-after"));
    let route = matches!(
        text(headers, RateLimitHeaders::SCOPE),
        Some("user" | "shared")
    );
    let global = body.is_none_or(|body| body.global);
    Limited {
        retry_after: seconds.map_or(DEFAULT_PAUSE, pause),
        scope: if route && !global {
            Scope::Route
        } else {
            Scope::Everything
        },
    }
}

/// What an answer says of the route's bucket, for the limiter. A limit of something else says
/// nothing of it.
pub(super) fn bucket(headers: &HeaderMap, limited: Option<Limited>) -> Option<RateLimitHeaders> {
    let (remaining, wait) = match limited {
        Some(limited) if limited.scope == Scope::Everything => return None,
        Some(limited) => (0, limited.retry_after),
        None => (
            whole(headers, RateLimitHeaders::REMAINING)?,
            pause(number(headers, RateLimitHeaders::RESET_AFTER)?),
        ),
    };
    Some(RateLimitHeaders {
        bucket: headers.get(RateLimitHeaders::BUCKET)?.as_bytes().to_vec(),
        limit: whole(headers, RateLimitHeaders::LIMIT).unwrap_or(1),
        remaining,
        reset_at: Instant::now() + wait,
    })
}

fn pause(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds)
        .unwrap_or(DEFAULT_PAUSE)
        .min(LONGEST_PAUSE)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    text(headers, name)?.trim().parse().ok()
}

fn whole(headers: &HeaderMap, name: &str) -> Option<u16> {
    text(headers, name)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn answers() {
        let user = ("x-ratelimit-scope", "user");
        let global = ("x-ratelimit-scope", "global");
        let three = ("retry-after", "3");
        let json: &[u8] = br#"{"message":"slow","retry_after":2.5,"global":false}"#;
        let all: &[u8] = br#"{"message":"slow","retry_after":2.5,"global":true}"#;
        let html: &[u8] = b"<html>error 1015</html>";
        let cases: [(&[_], &[u8], u64, Scope); 8] = [
            (&[user, three], json, 2500, Scope::Route),
            (&[("x-ratelimit-scope", "shared")], json, 2500, Scope::Route),
            (&[global, three], all, 2500, Scope::Everything),
            (&[user], all, 2500, Scope::Everything),
            (&[three], json, 2500, Scope::Everything),
            (&[three], html, 3000, Scope::Everything),
            (&[], html, 60_000, Scope::Everything),
            (&[("retry-after", "1e99")], html, 60_000, Scope::Everything),
        ];
        for (pairs, body, millis, scope) in cases {
            let expected = Limited {
                retry_after: Duration::from_millis(millis),
                scope,
            };
            assert_eq!(of_answer(&headers(pairs), body), expected, "{pairs:?}");
        }
        let week = of_answer(&headers(&[("retry-after", "604800")]), html);
        assert_eq!(week.retry_after, LONGEST_PAUSE);
    }

    #[test]
    fn buckets_are_read_without_a_scope_too() {
        let ok = headers(&[
            ("x-ratelimit-bucket", "abc"),
            ("x-ratelimit-limit", "5"),
            ("x-ratelimit-remaining", "4"),
            ("x-ratelimit-reset-after", "1.5"),
        ]);
        let read = bucket(&ok, None).unwrap();
        assert_eq!((read.limit, read.remaining), (5, 4));
        assert!(bucket(&headers(&[]), None).is_none());
        let limited = |scope| Limited {
            retry_after: Duration::from_secs(9),
            scope,
        };
        let read = bucket(&ok, Some(limited(Scope::Route))).unwrap();
        assert_eq!(read.remaining, 0);
        assert!(bucket(&ok, Some(limited(Scope::Everything))).is_none());
    }
}
