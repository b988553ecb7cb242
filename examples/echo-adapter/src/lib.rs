//! A whole adapter for a made-up chat, to read and to start from.
//!
//! The chat, *echo*, is a server that speaks lines over any pair of streams. A line is fields with
//! tabs between them; `\\`, `\t`, `\n` and `\r` stand for what would break it. The bot says:
//!
//! ```text
//! hello   <bot's name> <number of the last stored event, or nothing> <window>
//! stored  <number>                 everything up to this event is stored
//! call    <call> post   <channel> <thread> <key> <whom to notify> <message replied to> <text>
//! call    <call> thread <channel> <message> <title>
//! call    <call> sign   <channel> <thread> <message> <sign>
//! call    <call> typing <channel> <thread>
//! ```
//!
//! and the server:
//!
//! ```text
//! welcome fresh | resumed          whether events are kept since the one that hello named
//! event   <number> said    <channel> <thread> <message> human | bot <user> <name> <text>
//! event   <number> edited  <channel> <thread> <message> <text>
//! event   <number> deleted <channel> <thread> <message>
//! event   <number> echo    <channel> <thread> <message> <key>
//! done    <call> <what it gave>
//! failed  <call> gone | rejected | later <seconds> <reason>
//! ```
//!
//! It has at most *window* events on the way that are not stored, keeps them until they are, posts
//! a key once, and gives a thread the id of the message that it grows from.
//!
//! `docs/adapter-guide.md` goes through this crate step by step.

mod calls;
mod config;
mod connect;
mod inbox;
mod line;
mod outbox;
mod render;
mod translate;

pub use config::{Config, ConfigError};
pub use connect::connect;

/// The adapter's name for its platform: the prefix of its channels in the configuration.
pub const PLATFORM: &str = "echo";
