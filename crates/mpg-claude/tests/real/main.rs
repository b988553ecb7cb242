//! The runtime with the real CLI, against a Messages API on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets what it does not expect fails there"
)]

mod allowance;
mod attachments;
mod confinement;
mod conformance;
mod crash;
mod environment;
mod fixture;
mod forks;
#[path = "../shared/keeper.rs"]
mod keeper;
mod network;
mod permissions;
mod requests;
mod sandbox;
mod steering;
mod steps;
mod turns;
