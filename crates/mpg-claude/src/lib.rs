//! The agent runtime over the `claude` command line.
//!
//! A session is one process that serves many turns: prompts go in as JSON lines, events come out
//! as JSON lines, and a control protocol runs beside them. What is relied on was seen with
//! [`OLDEST_VERSION`] on Linux.
//!
//! Each session has a keeper, a small process that owns the CLI and outlives the gateway: [`keep()`]
//! is its main function, and [`exec()`] the one of the process that becomes the CLI. The runtime
//! starts keepers through a [`KeeperCommand`], and speaks to them through a socket.

mod allowance;
mod argv;
mod config;
mod control;
mod environment;
mod exec;
mod flags;
mod folder;
mod gate;
mod identity;
mod inspection;
mod instructions;
mod keep;
mod keeper;
mod link;
mod log;
mod login;
mod memory;
mod multiplexer;
mod network;
mod orphans;
mod ownership;
mod plan;
mod process;
mod reaping;
mod replay;
mod request;
mod resume_line;
mod runtime;
mod sandbox;
mod secret;
mod socket;
pub mod spoken;
mod spool;
mod start;
mod stream;
mod survivors;
mod sweep;
mod terms;
mod told;
mod tools;
mod transcript;
mod turns;
mod version;
mod wire;

pub use config::{ClaudeConfig, GatewayIdentity, KeeperCommand};
pub use exec::exec;
pub use flags::OWNED_FLAGS;
pub use gate::{Gate, SOCKET as GATE_SOCKET, TOKEN as GATE_TOKEN};
pub use inspection::{KeptSession, KeptState, inspect};
pub use keep::keep;
pub use login::{Login, LoginError, login};
pub use network::{NoEndpoint, model_endpoints};
pub use reaping::{Fate, LeftBecause, Reaped, Reaping, reap};
pub use runtime::{ClaudeRuntime, INSTALL_HINT};
pub use sandbox::{NO_CUT, SandboxMeans};
pub use secret::Secret;
pub use version::{OLDEST_VERSION, Version, VersionError, version};
