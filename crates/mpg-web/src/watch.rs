//! The gateway's observer: counts what happens, and keeps what health is judged by.

use std::collections::BTreeSet;

use jiff::Timestamp;
use mpg_core::config::RoutingTable;
use mpg_core::id::PlatformId;
use mpg_core::observe::{Observer, Sight};
use tokio::sync::watch;

use crate::links::Links;
use crate::metrics::Metrics;

/// Watches a gateway. What it keeps has a fixed size: it counts, it does not collect.
#[derive(Debug)]
pub struct Watch {
    pub(crate) links: Links,
    pub(crate) metrics: Metrics,
    /// Changes with everything that is stored.
    stored: watch::Sender<()>,
}

impl Watch {
    /// Watches a gateway that serves the projects of `routing` and should be connected to
    /// `platforms`.
    pub fn new(routing: &RoutingTable, platforms: BTreeSet<PlatformId>) -> Self {
        Self {
            links: Links::new(platforms),
            metrics: Metrics::new(routing),
            stored: watch::Sender::new(()),
        }
    }

    /// Knows the projects of another configuration from now on.
    pub fn reconfigure(&self, routing: &RoutingTable) {
        self.metrics.reconfigure(routing);
        self.stored.send_replace(());
    }

    /// Changes whenever something was stored.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.stored.subscribe()
    }
}

impl Observer for Watch {
    fn see(&self, at: Timestamp, sight: &Sight<'_>) {
        self.metrics.count(at, sight);
        match sight {
            Sight::Linked { platform, link } => self.links.told(platform, link),
            Sight::Committed { .. } => self.stored.send_replace(()),
            Sight::Retrying { .. } => {}
        }
    }
}
