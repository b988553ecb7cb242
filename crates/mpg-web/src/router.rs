//! What is served, and by whom.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::get;
use mpg_core::audit::AuditLog;
use mpg_core::config::Config;
use mpg_core::token::Tokens;
use mpg_core::view::Views;
use tokio::time::Instant;

use crate::api;
use crate::chat::Chat;
use crate::configured::Configured;
use crate::dashboard;
use crate::desk::Desk;
use crate::guard::guard;
use crate::invitation::Invitations;
use crate::problem::Problem;
use crate::watch::Watch;

/// The longest body of a request, in bytes: a message of the longest sort, escaped.
const LONGEST_BODY: usize = 512 * 1024;

/// What requests are answered from. Clones are of the same gateway.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) desk: Arc<dyn Desk>,
    pub(crate) views: Arc<dyn Views>,
    pub(crate) tokens: Arc<dyn Tokens>,
    pub(crate) audit: Arc<dyn AuditLog>,
    pub(crate) invitations: Arc<Invitations>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) configured: Configured,
    pub(crate) chat: Option<Chat>,
    pub(crate) hosts: Arc<BTreeSet<String>>,
    pub(crate) version: &'static str,
    pub(crate) started: Instant,
    /// The document of all operations, as JSON.
    pub(crate) document: Arc<str>,
}

impl App {
    /// What the gateway runs with now.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.configured.config()
    }
}

/// What stands behind what is served.
#[derive(Clone, Debug)]
pub struct Backing {
    /// The running gateway.
    pub desk: Arc<dyn Desk>,
    /// What is stored.
    pub views: Arc<dyn Views>,
    /// Who is let in.
    pub tokens: Arc<dyn Tokens>,
    /// Who did what.
    pub audit: Arc<dyn AuditLog>,
    /// The links that let somebody into the dashboard.
    pub invitations: Arc<Invitations>,
    /// What watches the gateway.
    pub watch: Arc<Watch>,
    /// What the gateway runs with.
    pub configured: Configured,
    /// The chat in the browser, where a channel of it is mapped.
    pub chat: Option<Chat>,
    /// The names, besides addresses, under which it is reached.
    pub hosts: Vec<String>,
    /// The daemon's version.
    pub version: &'static str,
}

/// Everything that is served.
pub fn router(backing: Backing) -> Router {
    let hosts = backing.hosts.into_iter();
    let (routes, document) = api::routes().split_for_parts();
    let app = App {
        desk: backing.desk,
        views: backing.views,
        tokens: backing.tokens,
        audit: backing.audit,
        invitations: backing.invitations,
        watch: backing.watch,
        configured: backing.configured,
        chat: backing.chat,
        hosts: Arc::new(hosts.map(|host| host.to_ascii_lowercase()).collect()),
        version: backing.version,
        started: Instant::now(),
        // It is made of names and texts, which are JSON.
        document: document.to_json().unwrap_or_default().into(),
    };
    routes
        .merge(dashboard::routes())
        .route("/openapi.json", get(api::openapi))
        .fallback(nothing)
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

async fn nothing() -> Problem {
    Problem::not_there("there is nothing at this address")
}

async fn not_so() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this is done with another method; see /openapi.json",
    )
}
