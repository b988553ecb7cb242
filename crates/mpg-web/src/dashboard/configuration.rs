//! The configuration in force, without anything secret.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::notation::span;
use super::page::{Page, Visitor, shown};
use super::row::Link;
use crate::configured::Listing;
use crate::router::App;

#[derive(Template)]
#[template(path = "configuration.html")]
struct ConfigurationPage {
    page: Page,
    listings: Vec<Listing>,
    projects: Vec<Link>,
}

pub(crate) async fn configuration(visitor: Visitor, State(app): State<App>) -> Response {
    let config = app.config();
    let limits = &config.limits;
    let ttl = u64::try_from(limits.session_ttl.as_millis()).unwrap_or(u64::MAX);
    let rows = [
        (
            "max-concurrent-turns",
            limits.max_concurrent_turns.to_string(),
        ),
        ("max-warm-sessions", limits.max_warm_sessions.to_string()),
        ("max-sessions", limits.max_sessions.to_string()),
        ("session-ttl", span(ttl)),
    ];
    let gateway = Listing {
        title: "Limits".to_owned(),
        rows: rows.map(|(key, value)| (key.to_owned(), value)).into(),
    };
    let mut listings = app.configured.listings();
    listings.push(gateway);
    let projects = config.routing.projects();
    shown(&ConfigurationPage {
        page: visitor.page("Configuration", "/configuration", Some("/live".to_owned())),
        listings,
        projects: projects
            .map(|project| Link::to_project(&project.name))
            .collect(),
    })
}
