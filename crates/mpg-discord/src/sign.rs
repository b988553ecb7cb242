//! Status signs: reactions, of which each message has at most one of the bot's.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use mpg_core::post::Status;

/// How many messages' signs are remembered; those of the oldest messages are forgotten first.
const REMEMBERED: usize = 4096;

/// The signs that were set by this process.
#[derive(Debug, Default)]
pub(crate) struct Signs(Mutex<BTreeMap<u64, Status>>);

/// What to do on a message, addition first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) add: Option<&'static str>,
    pub(crate) remove: Option<&'static str>,
}

impl Signs {
    /// Notes the new sign of a message and tells what has to change for it.
    ///
    /// What an earlier process set is not known; it can only be the sign of a message taken on.
    pub(crate) fn change(&self, message: u64, status: Status) -> Change {
        let mut signs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = signs.insert(message, status);
        while signs.len() > REMEMBERED {
            signs.pop_first();
        }
        let stale = before.unwrap_or(Status::Received);
        Change {
            add: (before != Some(status)).then(|| emoji(status)),
            remove: (stale != status).then(|| emoji(stale)),
        }
    }

    /// Forgets a sign that could not be set.
    pub(crate) fn forget(&self, message: u64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&message);
    }
}

fn emoji(status: Status) -> &'static str {
    match status {
        Status::Received => "👀",
        Status::Done => "✅",
        Status::Failed => "❌",
        Status::Stopped => "⏹️",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sign_replaces_another() {
        let signs = Signs::default();
        let change = |message, status| {
            let change = signs.change(message, status);
            (change.add, change.remove)
        };
        assert_eq!(change(1, Status::Received), (Some("👀"), None));
        assert_eq!(change(1, Status::Received), (None, None));
        assert_eq!(change(1, Status::Done), (Some("✅"), Some("👀")));
        assert_eq!(change(1, Status::Failed), (Some("❌"), Some("✅")));
        // Set before a restart, perhaps.
        assert_eq!(change(2, Status::Stopped), (Some("⏹️"), Some("👀")));
        signs.forget(2);
        assert_eq!(change(2, Status::Stopped), (Some("⏹️"), Some("👀")));
    }

    #[test]
    fn memory_is_bounded() {
        let signs = Signs::default();
        for message in 0..REMEMBERED as u64 + 5 {
            signs.change(message, Status::Received);
        }
        assert_eq!(signs.0.lock().unwrap().len(), REMEMBERED);
    }
}
