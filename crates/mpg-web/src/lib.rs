//! What is served over HTTP: health, metrics, the interface for programs, the dashboard, and a chat in
//! it, which is an adapter as any other.
//!
//! This crate knows the gateway through two seams: [`Desk`], which asks the running gateway and tells
//! it what somebody wants, and [`Watch`], the gateway's observer, which counts what happens. Whoever
//! composes the daemon brings them together.

mod api;
mod auth;
pub mod chat;
mod configured;
mod dashboard;
mod desk;
mod guard;
mod health;
mod invitation;
mod links;
mod metrics;
mod patient;
mod problem;
mod router;
mod server;
mod thread_id;
mod watch;

pub use auth::mint;
pub use configured::{Configured, Listing};
pub use desk::{AnswerError, Closed, Desk, Process, PromptError, Refusal, Status};
pub use invitation::Invitations;
pub use router::{Backing, router};
pub use server::{BindError, Listener, serve};
pub use watch::Watch;
