//! The adapter against an echo server in memory.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where it fails, in its helpers too"
)]

mod conformance;
mod failures;
mod guide;
mod link;
mod patience;
mod room;
