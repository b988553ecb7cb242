//! What is served, asked without a network: a gateway of the test's own behind the router.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where it fails, in its helpers too"
)]

mod api;
mod asking;
mod chat;
mod dashboard;
mod document;
mod documented;
mod guard;
mod health;
mod messages;
mod metrics;
mod requests;
mod server;
mod stage;
