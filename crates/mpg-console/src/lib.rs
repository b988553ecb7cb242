//! The terminal adapter: one channel, whose messages are typed lines and whose posts are printed.

mod inbox;
mod line;
mod outbox;
mod screen;
mod settings;
mod shown;
mod writer;

pub use settings::{ConsoleSettings, Output, channel, connect};
