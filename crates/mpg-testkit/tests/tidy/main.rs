//! The rules of this repository, as tests: what a reviewer need not look for.

#![expect(clippy::unwrap_used, reason = "test helpers")]

mod commands;
mod documents;
mod layers;
mod links;
mod promises;
mod reach;
mod repository;
mod sources;
