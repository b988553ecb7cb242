//! The adapter against the loopback Discord.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where it fails, in its helpers too"
)]

mod announcements;
mod conformance;
mod controls;
mod delivery;
mod files;
mod incoming;
mod interactions;
mod limits;
mod link;
mod lookup;
mod probe;
mod subject;
mod uploads;
