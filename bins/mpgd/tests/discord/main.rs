//! The gateway put together, with a scripted agent: the loopback Discord on one side, SQLite on the
//! other.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where it fails, in its helpers too"
)]

mod answers;
mod asks;
mod boards;
mod budgets;
mod connection;
mod conversations;
mod directs;
mod faults;
mod files;
mod forks;
mod interactions;
mod live;
mod load;
mod missed;
mod names;
mod subject;
