//! The Discord adapter over twilight.

pub mod config;
mod origin;
mod render;
mod settings;

pub use settings::{Settings, ThreadArchive, Token};
