//! What every implementation of a seam must do, as suites that any crate can run on its own.

pub mod adapter;
pub mod runtime;
pub mod store;
