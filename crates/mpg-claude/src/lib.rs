//! The agent runtime over the `claude` command line.
//!
//! A session is one process that serves many turns: prompts go in as JSON lines, events come out
//! as JSON lines, and a control protocol runs beside them. What is relied on was seen with
//! [`OLDEST_VERSION`] on Linux.

mod argv;
mod control;
mod environment;
mod flags;
mod instructions;
mod keeper;
mod orphans;
mod ownership;
mod process;
mod runtime;
mod stream;
mod sweep;
mod tools;
mod turns;
mod version;

pub use flags::OWNED_FLAGS;
pub use runtime::{ClaudeConfig, ClaudeRuntime, INSTALL_HINT};
pub use version::{OLDEST_VERSION, Version, VersionError, version};
