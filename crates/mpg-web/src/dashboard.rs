//! The pages for people: `/` and what it leads to.
//!
//! Each page is whole without a script; the script keeps the parts of it new that say `data-part`.
//! Everything in them is escaped by the templates.

mod asset;
mod conversation;
mod login;
mod notation;
mod overview;
mod page;
mod row;
mod session;
mod signal;

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
        .route("/live", get(signal::live))
        .route("/assets/dashboard.css", get(asset::style))
        .route("/assets/dashboard.js", get(asset::script))
}
