//! Whoever watches the engine, and the time that they are told.

use std::sync::Arc;

use mpg_core::observe::{Observer, Sight, Unobserved};

use crate::clock::Clock;

/// The way from the engine to its observer. Clones lead to the same one.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    observer: Arc<dyn Observer>,
    clock: Clock,
}

impl Observation {
    pub(crate) fn new(observer: Option<Arc<dyn Observer>>, clock: Clock) -> Self {
        Self {
            observer: observer.unwrap_or_else(|| Arc::new(Unobserved)),
            clock,
        }
    }

    pub(crate) fn see(&self, sight: &Sight<'_>) {
        self.observer.see(self.clock.now(), sight);
    }
}
