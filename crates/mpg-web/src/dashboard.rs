//! The pages for people: `/` and what it leads to.
//!
//! Each page is whole without a script; the script keeps the parts of it new that say `data-part`.
//! Everything in them is escaped by the templates.

mod activity;
mod asset;
mod audit;
mod chart;
mod chat;
mod configuration;
mod conversation;
mod delivery;
mod login;
mod markup;
mod notation;
mod overview;
mod page;
mod project;
mod request;
mod row;
mod session;
mod setup;
mod signal;
mod stream;
mod turn;

use axum::Router;
use axum::routing::{get, post};

use crate::router::App;

/// All pages.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(overview::overview))
        .route("/login", get(login::form).post(login::login))
        .route("/logout", post(login::logout))
        .route("/sessions", get(session::sessions))
        .route("/threads/{thread}", get(conversation::conversation))
        .route("/threads/{thread}/{order}", post(conversation::order))
        .route("/projects", get(project::projects))
        .route("/projects/{name}", get(project::project))
        .route("/requests", get(request::requests))
        .route("/requests/{id}", get(request::request))
        .route("/requests/{id}/answer", post(request::answer))
        .route("/queue", get(turn::queue))
        .route("/turns", get(turn::turns))
        .route("/deliveries", get(delivery::deliveries))
        .route("/deliveries/{id}/redeliver", post(delivery::redeliver))
        .route("/activity", get(activity::activity))
        .route("/audit", get(audit::audit))
        .route("/configuration", get(configuration::configuration))
        .route("/chat", get(chat::rooms))
        .route("/chat/{channel}/messages", post(chat::say))
        .route("/chat/{channel}/act", post(chat::act))
        .route("/chat/live", get(stream::stream))
        .route("/live", get(signal::live))
        .route("/assets/dashboard.css", get(asset::style))
        .route("/assets/dashboard.js", get(asset::script))
}
