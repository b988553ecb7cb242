//! The daemon as a process: the real `claude` against a Messages API stand-in on one side, the
//! loopback Discord on the other.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where it fails, in its helpers too"
)]

mod agents;
#[cfg(feature = "system-tests")]
mod browser;
mod configuration;
mod control;
mod doctor;
mod elsewhere;
mod examples;
mod faults;
mod files;
mod home;
mod http;
mod import;
mod init;
mod native;
mod notify;
#[cfg(feature = "system-tests")]
mod pages;
mod pty;
mod reconcile;
mod reload;
mod requests;
mod restarts;
mod sandbox;
mod send;
mod service;
mod sessions;
mod shown;
mod steering;
mod team;
mod terminal;
mod version;
mod workspaces;
