//! Loopback servers, fakes, conformance suites and the repository's own rules.

pub mod claude_cli;
pub mod conformance;
pub mod discord;
pub mod document;
pub mod fake;
pub mod messages_api;
pub mod scripted_claude;
