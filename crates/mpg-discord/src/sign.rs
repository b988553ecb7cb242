//! Status signs: reactions, of which each message has at most one of the bot's.

mod pace;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mpg_core::post::Status;

use self::pace::Pace;

/// How many messages' signs are remembered; those of the oldest messages are forgotten first.
const REMEMBERED: usize = 4096;

/// The signs that were set by this process.
#[derive(Debug)]
pub(crate) struct Signs {
    set: Mutex<BTreeMap<u64, Status>>,
    pub(crate) pace: Pace,
}

/// What to do on a message, addition first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) add: Option<&'static str>,
    pub(crate) remove: Stale,
}

/// The sign that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stale {
    /// There is none.
    None,
    /// This one.
    Known(&'static str),
    /// Whatever else of ours there is: an earlier process may have set it.
    Unknown,
}

impl Signs {
    /// No signs yet, and how far apart those of one channel are to be set.
    pub(crate) fn new(apart: Duration) -> Self {
        Self {
            set: Mutex::default(),
            pace: Pace::new(apart),
        }
    }

    /// Notes the new sign of a message and tells what has to change for it.
    ///
    /// What an earlier process set is not known, but a message that is taken on has none yet.
    pub(crate) fn change(&self, message: u64, status: Status) -> Change {
        let mut signs = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        let before = signs.insert(message, status);
        while signs.len() > REMEMBERED {
            signs.pop_first();
        }
        Change {
            add: (before != Some(status)).then(|| emoji(status)),
            remove: match before {
                Some(before) if before == status => Stale::None,
                Some(before) => Stale::Known(emoji(before)),
                None if status == Status::Received => Stale::None,
                None => Stale::Unknown,
            },
        }
    }

    /// Forgets a sign that could not be set.
    pub(crate) fn forget(&self, message: u64) {
        self.set
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&message);
    }
}

/// Whether a reaction is one of these signs.
pub(crate) fn is_sign(reaction: &str) -> bool {
    Status::ALL
        .into_iter()
        .any(|status| emoji(status) == reaction)
}

pub(crate) fn emoji(status: Status) -> &'static str {
    match status {
        Status::Received => "👀",
        Status::Thinking => "🤔",
        Status::Reading => "📖",
        Status::Editing => "✏️",
        Status::Running => "⚙️",
        Status::Web => "🌐",
        Status::Waiting => "🙋",
        Status::Stalled => "💤",
        Status::Done => "✅",
        Status::Failed => "❌",
        Status::Stopped => "⏹️",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = include_str!("../../../README.md");

    #[test]
    fn the_readme_shows_the_signs() {
        for status in Status::ALL {
            // How a sign is drawn is up to whoever shows it.
            let sign = emoji(status).trim_end_matches('\u{fe0f}');
            assert!(README.contains(sign), "README.md does not show {sign}");
        }
    }

    #[test]
    fn one_sign_replaces_another() {
        let signs = Signs::new(Duration::ZERO);
        let change = |message, status| {
            let change = signs.change(message, status);
            (change.add, change.remove)
        };
        let known = Stale::Known;
        assert_eq!(change(1, Status::Received), (Some("👀"), Stale::None));
        assert_eq!(change(1, Status::Received), (None, Stale::None));
        assert_eq!(change(1, Status::Web), (Some("🌐"), known("👀")));
        assert_eq!(change(1, Status::Done), (Some("✅"), known("🌐")));
        assert_eq!(change(1, Status::Failed), (Some("❌"), known("✅")));
        // Set before a restart, perhaps.
        assert_eq!(change(2, Status::Stopped), (Some("⏹️"), Stale::Unknown));
        signs.forget(2);
        assert_eq!(change(2, Status::Stopped), (Some("⏹️"), Stale::Unknown));
    }

    #[test]
    fn each_status_has_a_sign_of_its_own() {
        let signs: std::collections::BTreeSet<&str> = Status::ALL.map(emoji).into();
        assert_eq!(signs.len(), Status::ALL.len());
        assert!(signs.into_iter().all(is_sign) && !is_sign("👍"));
    }

    #[test]
    fn memory_is_bounded() {
        let signs = Signs::new(Duration::ZERO);
        for message in 0..REMEMBERED as u64 + 5 {
            signs.change(message, Status::Received);
        }
        assert_eq!(signs.set.lock().unwrap().len(), REMEMBERED);
    }
}
