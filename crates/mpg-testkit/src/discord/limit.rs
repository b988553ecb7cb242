//! Rate limits, counted as Discord counts them: a bucket for each route and channel, and one for
//! everything.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::fault::Scope;

/// How many buckets are kept before those that are over are forgotten.
const BUCKETS: usize = 10_000;

/// How many requests the bot may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Posts, and separately edits, in one channel.
    pub messages: Quota,
    /// Reactions in one channel.
    pub reactions: Quota,
    /// Any other route of one channel or guild.
    pub others: Quota,
    /// Everything together, interactions excepted.
    pub global: Quota,
}

/// So many requests in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub limit: u32,
    /// In how much time. The window opens with its first request.
    pub window: Duration,
}

impl Quota {
    /// A quota.
    pub fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window }
    }
}

impl RateLimits {
    /// Limits that no test meets by accident.
    pub fn generous() -> Self {
        let quota = Quota::new(100_000, Duration::from_secs(1));
        Self {
            messages: quota,
            reactions: quota,
            others: quota,
            global: quota,
        }
    }

    /// What bots see on Discord: five messages in five seconds a channel, a reaction every quarter
    /// of a second, fifty requests a second in all.
    pub fn discord() -> Self {
        Self {
            messages: Quota::new(5, Duration::from_secs(5)),
            reactions: Quota::new(1, Duration::from_millis(250)),
            others: Quota::new(50, Duration::from_secs(1)),
            global: Quota::new(50, Duration::from_secs(1)),
        }
    }
}

/// The state of a bucket behind a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) bucket: String,
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) reset_after: Duration,
    /// The limit that the request has run into.
    pub(super) exceeded: Option<Scope>,
}

#[derive(Debug)]
pub(super) struct Limiter {
    limits: RateLimits,
    windows: BTreeMap<String, Window>,
}

#[derive(Debug)]
struct Window {
    ends: Instant,
    used: u32,
}

impl Limiter {
    pub(super) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            windows: BTreeMap::new(),
        }
    }

    /// Counts a request.
    pub(super) fn count(&mut self, method: &str, segments: &[&str], now: Instant) -> Verdict {
        if self.windows.len() > BUCKETS {
            self.windows.retain(|_, window| window.ends > now);
        }
        let bucket = bucket(method, segments);
        if !matches!(segments.first(), Some(&("interactions" | "webhooks"))) {
            let global = self.limits.global;
            let (used, reset_after) = self.open("global", global, now);
            if used > global.limit {
                return Verdict {
                    bucket,
                    limit: global.limit,
                    remaining: 0,
                    reset_after,
                    exceeded: Some(Scope::Global),
                };
            }
        }
        let quota = self.quota(method, segments);
        let (used, reset_after) = self.open(&bucket, quota, now);
        Verdict {
            bucket,
            limit: quota.limit,
            remaining: quota.limit.saturating_sub(used),
            reset_after,
            exceeded: (used > quota.limit).then_some(Scope::User),
        }
    }

    fn open(&mut self, key: &str, quota: Quota, now: Instant) -> (u32, Duration) {
        let window = self
            .windows
            .entry(key.to_owned())
            .or_insert_with(|| Window {
                ends: now + quota.window,
                used: 0,
            });
        if window.ends <= now {
            window.ends = now + quota.window;
            window.used = 0;
        }
        window.used = window.used.saturating_add(1).min(quota.limit + 1);
        (window.used, window.ends - now)
    }

    fn quota(&self, method: &str, segments: &[&str]) -> Quota {
        match (method, segments) {
            (_, ["channels", _, "messages", _, "reactions", ..]) => self.limits.reactions,
            ("POST", ["channels", _, "messages"]) | ("PATCH", ["channels", _, "messages", _]) => {
                self.limits.messages
            }
            _ => self.limits.others,
        }
    }
}

/// The bucket of a route: its method and template, with the id of its top-level resource.
fn bucket(method: &str, segments: &[&str]) -> String {
    let mut bucket = method.to_ascii_lowercase();
    for (at, segment) in segments.iter().enumerate() {
        let major = at == 1 && matches!(segments[0], "channels" | "guilds" | "webhooks");
        let number = segment.bytes().all(|byte| byte.is_ascii_digit());
        bucket.push(':');
        bucket.push_str(if number && !major { "id" } else { segment });
        if *segment == "reactions" {
            break;
        }
    }
    bucket
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Limiter, Quota, RateLimits, bucket};
    use crate::discord::fault::Scope;

    #[test]
    fn buckets() {
        for (method, path, expected) in [
            ("POST", "channels/7/messages", "post:channels:7:messages"),
            (
                "PATCH",
                "channels/7/messages/9",
                "patch:channels:7:messages:id",
            ),
            (
                "PUT",
                "channels/7/messages/9/reactions/x/@me",
                "put:channels:7:messages:id:reactions",
            ),
            ("GET", "gateway/bot", "get:gateway:bot"),
        ] {
            let segments: Vec<&str> = path.split('/').collect();
            assert_eq!(bucket(method, &segments), expected);
        }
    }

    #[test]
    fn windows_close_and_open_again() {
        let second = Duration::from_secs(1);
        let mut limiter = Limiter::new(RateLimits {
            messages: Quota::new(2, second),
            global: Quota::new(4, second),
            ..RateLimits::generous()
        });
        let start = Instant::now();
        let post = |limiter: &mut Limiter, channel, after| {
            limiter.count("POST", &["channels", channel, "messages"], start + after)
        };
        let zero = Duration::ZERO;
        assert_eq!(post(&mut limiter, "7", zero).remaining, 1);
        assert_eq!(post(&mut limiter, "7", zero).exceeded, None);
        assert_eq!(post(&mut limiter, "7", zero).exceeded, Some(Scope::User));
        assert_eq!(post(&mut limiter, "8", zero).exceeded, None);
        assert_eq!(post(&mut limiter, "8", zero).exceeded, Some(Scope::Global));
        let later = post(&mut limiter, "7", second);
        assert_eq!((later.remaining, later.exceeded), (1, None));
    }
}
