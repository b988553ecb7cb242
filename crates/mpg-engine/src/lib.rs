//! The event loop that commits the core's records and carries out its effects.
//!
//! The core decides, this crate does: every event goes into the [`Gateway`], the records that come
//! out are committed, and only then are the effects carried out, in order. There is one such loop,
//! and it never waits for anything but the next event.
//!
//! [`Gateway`]: mpg_core::gateway::Gateway

mod backoff;
mod boards;
mod builder;
mod channel_inbox;
mod clock;
mod control;
mod copies;
mod deliver;
mod desk;
mod edits;
mod effects;
mod engine;
mod files;
mod intake;
mod jobs;
mod journal;
mod log;
mod memory_store;
mod observation;
mod pin;
mod recall;
mod scripted;
mod session;
mod show;
mod signs;
mod stop;

pub use builder::{Engine, EngineBuilder};
pub use channel_inbox::{InboxClosed, InboxSender, channel_inbox};
pub use clock::Clock;
pub use control::{ControlError, ControlHandle, Status};
pub use desk::{FileDesk, HandOverError, TakenFile};
pub use engine::{Ended, EngineError};
pub use memory_store::{CommitFault, MemoryStore};
pub use scripted::{Prompt, ScriptStep, ScriptedRuntime};
pub use stop::{StopHandle, StopSignal, stop};
