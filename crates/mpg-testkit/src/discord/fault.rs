//! Faults on demand.

use std::time::Duration;

use super::call::path_matches;

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not carried out, and answered with this status.
    Status(u16),
    /// It is not carried out, and answered with this status and JSON error code.
    Error {
        /// The HTTP status.
        status: u16,
        /// Discord's code.
        code: u32,
    },
    /// It is not carried out, and answered with 429.
    RateLimited {
        /// How long the answer asks to wait.
        retry_after: Duration,
        /// What the limit is said to be of; `None` leaves out every `X-RateLimit` header.
        scope: Option<Scope>,
        /// Whether the answer is a page of the edge network (error 1015) instead of JSON.
        html: bool,
    },
    /// The connection is cut, and nothing is carried out.
    CutBeforeHandling,
    /// It is carried out, and the connection is cut instead of an answer.
    CutAfterHandling,
    /// It is carried out, and the connection is cut in the middle of the answer's body.
    CutInBody,
    /// It is carried out, and the answer's body stops behind its first byte, until the test calls
    /// [`release`](super::Discord::release) and the connection is cut.
    HoldInBody,
    /// It waits this long, and is then carried out.
    Delay(Duration),
    /// It waits until the test calls [`release`](super::Discord::release), and is then carried out.
    Hold,
    /// It is carried out, and the answer waits until the test calls
    /// [`release`](super::Discord::release).
    HoldAnswer,
}

/// What a rate limit is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The bot, on one route.
    User,
    /// The bot, on all routes.
    Global,
    /// All bots, on one resource.
    Shared,
}

impl Scope {
    /// Discord's word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Global => "global",
            Self::Shared => "shared",
        }
    }
}

/// The faults that are still to come, oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults {
    planned: Vec<Planned>,
}

#[derive(Debug)]
struct Planned {
    method: String,
    path: String,
    fault: Fault,
    left: u32,
}

impl Faults {
    pub(super) fn plan(&mut self, method: &str, path: &str, fault: Fault, times: u32) {
        self.planned.push(Planned {
            method: method.to_owned(),
            path: path.to_owned(),
            fault,
            left: times,
        });
    }

    pub(super) fn clear(&mut self) {
        self.planned.clear();
    }

    /// The fault for this request, which is used up by it.
    pub(super) fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        let planned = self.planned.iter_mut().find(|planned| {
            planned.left > 0
                && (planned.method == "*" || planned.method == method)
                && path_matches(&planned.path, path)
        })?;
        planned.left -= 1;
        let fault = planned.fault.clone();
        self.planned.retain(|planned| planned.left > 0);
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults};

    #[test]
    fn faults_are_used_up_in_order() {
        let mut faults = Faults::default();
        faults.plan("POST", "/channels/*/messages", Fault::Status(500), 2);
        faults.plan("*", "/channels/**", Fault::Status(502), 1);
        assert_eq!(faults.take("GET", "/gateway"), None);
        let mut take = || faults.take("POST", "/channels/1/messages");
        assert_eq!(take(), Some(Fault::Status(500)));
        assert_eq!(take(), Some(Fault::Status(500)));
        assert_eq!(take(), Some(Fault::Status(502)));
        assert_eq!(take(), None);
    }
}
