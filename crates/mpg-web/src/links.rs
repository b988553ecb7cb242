//! Since when each platform is connected, or is not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mpg_core::id::PlatformId;
use mpg_core::message::Link;
use tokio::time::Instant;

/// How long a platform may be away before the gateway counts as unhealthy: reconnecting, with the
/// longest wait between two tries, takes less.
pub(crate) const DOWN_LIMIT: Duration = Duration::from_mins(2);

/// The connections to all platforms that there should be.
#[derive(Debug)]
pub(crate) struct Links(Mutex<BTreeMap<PlatformId, State>>);

/// How one connection is.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// One word: `connecting`, `connected`, `reconnecting` or `failed`.
    pub(crate) word: &'static str,
    /// Since when nothing comes in; `None` while it does.
    pub(crate) down_since: Option<Instant>,
}

impl State {
    /// Whether it has been away for too long.
    pub(crate) fn is_down(&self, now: Instant) -> bool {
        self.down_since
            .is_some_and(|since| now.saturating_duration_since(since) >= DOWN_LIMIT)
    }
}

impl Links {
    /// None of them is connected yet.
    pub(crate) fn new(platforms: BTreeSet<PlatformId>) -> Self {
        let now = Instant::now();
        let connecting = State {
            word: "connecting",
            down_since: Some(now),
        };
        let states = platforms.into_iter();
        Self(Mutex::new(
            states.map(|name| (name, connecting.clone())).collect(),
        ))
    }

    pub(crate) fn told(&self, platform: &PlatformId, link: &Link) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let down_since = states.get(platform).and_then(|state| state.down_since);
        let down_since = || Some(down_since.unwrap_or_else(Instant::now));
        let state = match link {
            Link::Connected | Link::Resumed => State {
                word: "connected",
                down_since: None,
            },
            Link::Degraded { .. } => State {
                word: "reconnecting",
                down_since: down_since(),
            },
            Link::Failed { .. } => State {
                word: "failed",
                down_since: down_since(),
            },
        };
        states.insert(platform.clone(), state);
    }

    pub(crate) fn states(&self) -> BTreeMap<PlatformId, State> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn degraded() -> Link {
        Link::Degraded {
            reason: "x".to_owned(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_away_for_too_long_is_down_until_it_is_back() {
        let chat = PlatformId::new("chat");
        let links = Links::new([chat.clone()].into());
        let is_down = || links.states()[&chat].is_down(Instant::now());
        let word = || links.states()[&chat].word;
        assert_eq!((word(), is_down()), ("connecting", false));
        tokio::time::advance(DOWN_LIMIT).await;
        assert!(is_down(), "it never connected");

        links.told(&chat, &Link::Connected);
        assert_eq!((word(), is_down()), ("connected", false));
        tokio::time::advance(DOWN_LIMIT).await;
        assert!(!is_down());

        links.told(&chat, &degraded());
        tokio::time::advance(DOWN_LIMIT / 2).await;
        links.told(&chat, &degraded());
        assert_eq!((word(), is_down()), ("reconnecting", false));
        tokio::time::advance(DOWN_LIMIT / 2).await;
        assert!(is_down(), "it counts from the first time on");
        links.told(&chat, &Link::Resumed);
        assert!(!is_down());
    }
}
