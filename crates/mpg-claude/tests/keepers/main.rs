//! What becomes of sessions when gateways, keepers and agents die: with real processes, and a
//! scripted program as the agent.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect fails there"
)]

mod door;
#[path = "../shared/keeper.rs"]
mod keeper;
mod limits;
#[cfg(feature = "system-tests")]
mod network;
mod reaping;
mod reattach;
mod stage;
mod strays;
