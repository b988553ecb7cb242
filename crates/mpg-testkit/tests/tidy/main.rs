//! The rules of this repository, as tests: what a reviewer need not look for.

#![expect(clippy::unwrap_used, reason = "test helpers")]

mod documents;
mod layers;
mod repository;
mod sources;
