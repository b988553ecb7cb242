//! The configuration file: schema, diagnostics, lowering to core types.
//!
//! [`load`] takes the text of a file and the environment as a map and gives back either what the
//! core runs with or **all** that is wrong with the file, each problem with its line, column and a
//! suggestion. Nothing here reads a file, a directory or the environment: whoever calls does, and
//! passes in what it found.
//!
//! [`Search`] says where a file is looked for and where its state belongs; [`keys`] lists every
//! key that the file may hold, which is the same table that the file is checked against.

mod agents;
mod args;
mod channel;
mod claude;
mod discovery;
mod document;
mod import;
mod json;
mod json_schema;
mod layer;
mod load;
mod path;
mod predecessor;
mod preset;
mod problem;
mod project;
mod report;
mod schema;
mod section;
mod settings;
mod setup;
mod span;
mod suggestion;
mod tools;

pub use claude::{ClaudeSettings, PassEnv};
pub use discovery::{Candidate, DiscoveryError, FILE, FileKind, Search};
pub use document::MAX_FILE_LENGTH;
pub use import::{Imported, import};
pub use json_schema::{PlatformKey, json_schema};
pub use load::{Input, Loaded, Overrides, Platform, load};
pub use path::expand_home;
pub use predecessor::predecessor_fields;
pub use problem::{Label, Problem};
pub use report::{ConfigError, MAX_PROBLEMS, Report, Style};
pub use schema::{KeyInfo, Section, Shape, keys};
pub use settings::{
    HttpSettings, LogLevel, LogSettings, ProjectSettings, Settings, UnknownLogLevel, Worktree,
};
