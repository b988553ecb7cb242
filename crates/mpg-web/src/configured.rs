//! The configuration in force, which a reload replaces.

use std::sync::{Arc, PoisonError, RwLock};

use mpg_core::config::Config;

/// The configuration in force. Clones are of the same one.
#[derive(Clone, Debug)]
pub struct Configured(Arc<RwLock<InForce>>);

#[derive(Debug)]
struct InForce {
    config: Arc<Config>,
    listings: Vec<Listing>,
}

/// A part of the configuration as it is shown: without anything secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What it is about.
    pub title: String,
    /// Its keys and what they are.
    pub rows: Vec<(String, String)>,
}

impl Configured {
    /// What the gateway runs with, and what its surroundings do, as it is shown.
    pub fn new(config: Arc<Config>, listings: Vec<Listing>) -> Self {
        Self(Arc::new(RwLock::new(InForce { config, listings })))
    }

    /// Shows another one from now on.
    pub fn replace(&self, config: Arc<Config>, listings: Vec<Listing>) {
        let mut in_force = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *in_force = InForce { config, listings };
    }

    pub(crate) fn config(&self) -> Arc<Config> {
        let in_force = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&in_force.config)
    }

    pub(crate) fn listings(&self) -> Vec<Listing> {
        let in_force = self.0.read().unwrap_or_else(PoisonError::into_inner);
        in_force.listings.clone()
    }
}
