//! The Discord adapter over twilight.

pub mod config;
mod directory;
mod event;
mod origin;
mod render;
mod settings;
mod translate;

pub use settings::{Settings, ThreadArchive, Token};

/// The adapter's name for its platform: the prefix of its channels in the configuration.
pub const PLATFORM: &str = "discord";

/// [`PLATFORM`] as an id.
fn platform() -> mpg_core::id::PlatformId {
    mpg_core::id::PlatformId::new(PLATFORM)
}
