//! What is served, and by whom.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::get;
use tokio::time::Instant;

use crate::desk::Desk;
use crate::guard::guard;
use crate::health::health;
use crate::metrics::metrics;
use crate::problem::Problem;
use crate::watch::Watch;

/// The longest body of a request, in bytes: a message of the longest sort, escaped.
const LONGEST_BODY: usize = 512 * 1024;

/// What requests are answered from. Clones are of the same gateway.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) desk: Arc<dyn Desk>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) hosts: Arc<BTreeSet<String>>,
    pub(crate) version: &'static str,
    pub(crate) started: Instant,
}

impl App {
    /// Answers for the gateway behind `desk`, which `watch` watches. `version` is the daemon's.
    pub fn new(desk: Arc<dyn Desk>, watch: Arc<Watch>, version: &'static str) -> Self {
        Self {
            desk,
            watch,
            hosts: Arc::default(),
            version,
            started: Instant::now(),
        }
    }

    /// Adds the names, besides its addresses, under which the gateway is reached.
    #[must_use]
    pub fn hosts(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        let hosts = hosts.into_iter().map(|host| host.to_ascii_lowercase());
        self.hosts = Arc::new(hosts.collect());
        self
    }
}

/// Everything that is served.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .fallback(nothing)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

async fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address")
}
