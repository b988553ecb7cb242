//! The requests that a CLI waits for, and what was allowed for as long as it runs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mpg_core::id::RequestId;
use mpg_core::request::{About, Answer, Permission, Request, Scope};
use serde_json::Value;
use tokio::time::Instant;

use crate::request::{Inquiry, Look, Open, Seen};

/// How many requests may wait at a time; more are refused.
pub(super) const ASKING: usize = 32;

/// How many bytes of input the requests that wait may have together, beside the first one.
const INPUT: usize = 32 << 20;

/// How many grants are remembered; what is granted beyond that is asked again.
const GRANTS: usize = 1_000;

/// The requests of a CLI.
#[derive(Debug, Default)]
pub(super) struct Asking {
    open: BTreeMap<RequestId, Waiting>,
    looks: VecDeque<(RequestId, Look)>,
    told_at: Option<Instant>,
    /// What is allowed while the CLI runs.
    granted: BTreeSet<String>,
}

/// A request that waits.
#[derive(Debug)]
struct Waiting {
    open: Open,
    /// How long its input is.
    length: usize,
    seen: Option<Seen>,
    /// What people are told, until they are.
    request: Option<Request>,
}

impl Asking {
    /// Takes a request in; gives it back where too many wait.
    pub(super) fn take(&mut self, inquiry: Inquiry) -> Result<(), Open> {
        let length = inquiry.open.length();
        let waiting: usize = self.open.values().map(|waiting| waiting.length).sum();
        if self.open.len() >= ASKING || waiting > 0 && waiting + length > INPUT {
            return Err(inquiry.open);
        }
        let id = inquiry.request.id.clone();
        self.looks
            .extend(inquiry.look.map(|look| (id.clone(), look)));
        let waiting = Waiting {
            open: inquiry.open,
            length,
            seen: None,
            request: Some(inquiry.request),
        };
        self.open.insert(id, waiting);
        Ok(())
    }

    /// What has to be looked at next.
    pub(super) fn next_look(&mut self) -> Option<(RequestId, Look)> {
        self.looks.pop_front()
    }

    /// Whether a request asks for what was allowed already.
    pub(super) fn is_granted(&self, id: &RequestId, seen: Option<&Seen>) -> bool {
        let waiting = self.open.get(id);
        let key = waiting.and_then(|waiting| waiting.open.key(seen));
        key.is_some_and(|key| self.granted.contains(key))
    }

    /// Takes what was seen; what people are told then, if it waits to be.
    pub(super) fn saw(&mut self, id: &RequestId, seen: Seen) -> Option<Request> {
        let waiting = self.open.get_mut(id)?;
        if let Some(About::Permission(Permission { detail, .. })) =
            waiting.request.as_mut().map(|request| &mut request.about)
            && let Some(seen) = &seen.detail
        {
            detail.clone_from(seen);
        }
        waiting.seen = Some(seen);
        self.tell(id)
    }

    /// What people are told, if they are not yet.
    pub(super) fn tell(&mut self, id: &RequestId) -> Option<Request> {
        let request = self.open.get_mut(id)?.request.take()?;
        self.told_at = Some(Instant::now());
        Some(request)
    }

    /// The requests that people were told of.
    pub(super) fn told(&self) -> impl Iterator<Item = &RequestId> {
        let told = self.open.iter().filter(|(_, waiting)| waiting.is_told());
        told.map(|(id, _)| id)
    }

    /// When people were told of one last, while any waits.
    pub(super) fn told_at(&self) -> Option<Instant> {
        self.told_at.filter(|_| self.told().next().is_some())
    }

    /// Answers a request, and remembers what is allowed for longer. What the CLI is told; nothing for
    /// a request that does not wait.
    pub(super) fn respond(&mut self, id: &RequestId, answer: &Answer) -> Option<Value> {
        let waiting = self.forget(id)?;
        if let Answer::Allow(Scope::Session | Scope::Project) = answer
            && let Some(key) = waiting.open.key(waiting.seen.as_ref())
            && self.granted.len() < GRANTS
        {
            self.granted.insert(key.to_owned());
        }
        Some(waiting.open.response(answer))
    }

    /// Drops a request that waits no more; whether people were told of it.
    pub(super) fn withdraw(&mut self, id: &RequestId) -> bool {
        self.forget(id).is_some_and(|waiting| waiting.is_told())
    }

    /// Drops all requests; those that people were told of.
    pub(super) fn withdraw_all(&mut self) -> Vec<RequestId> {
        self.looks.clear();
        let open = std::mem::take(&mut self.open).into_iter();
        let told = open.filter(|(_, waiting)| waiting.is_told());
        told.map(|(id, _)| id).collect()
    }

    fn forget(&mut self, id: &RequestId) -> Option<Waiting> {
        self.looks.retain(|(looked, _)| looked != id);
        self.open.remove(id)
    }
}

impl Waiting {
    fn is_told(&self) -> bool {
        self.request.is_none()
    }
}
