//! The Discord adapter over twilight.

mod backoff;
pub mod config;
mod connect;
mod controls;
mod declaration;
mod directory;
mod event;
mod files;
mod gateway;
mod history;
mod inbox;
mod interactions;
mod invitation;
mod lookup;
mod mapped;
mod missed;
mod origin;
mod outbox;
mod position;
mod probe;
mod render;
mod rest;
mod settings;
mod shared;
mod sign;
mod translate;
mod transport;

pub use connect::{ConnectError, connect};
pub use invitation::{Need, intents_url, invite_url};
pub use mapped::MappedChannels;
pub use probe::{Bot, Probe, ProbeError, Server, TextChannel};
pub use settings::{Settings, ThreadArchive, Token};

/// The adapter's name for its platform: the prefix of its channels in the configuration.
pub const PLATFORM: &str = "discord";

/// [`PLATFORM`] as an id.
fn platform() -> mpg_core::id::PlatformId {
    mpg_core::id::PlatformId::new(PLATFORM)
}
