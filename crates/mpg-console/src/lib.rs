//! The terminal adapter: one channel, whose messages are typed lines and whose posts are printed.

mod connect;
mod form;
mod inbox;
mod line;
mod numbers;
mod outbox;
mod panel;
mod screen;
mod settings;
mod shown;
mod writer;

pub use connect::{channel, connect};
pub use settings::{ConsoleSettings, Output};
