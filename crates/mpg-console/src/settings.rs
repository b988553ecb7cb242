//! What a terminal is.

use std::fmt;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex};

/// Where the terminal is written to.
pub type Output = Arc<Mutex<dyn Write + Send>>;

/// A terminal and who sits at it.
pub struct ConsoleSettings {
    /// What is typed. It is read on a thread of its own, which ends with the process where a read
    /// never returns.
    pub input: Box<dyn BufRead + Send>,
    /// What is printed to, from a thread of its own.
    pub output: Output,
    /// The name of the person who types, which is also their id.
    pub user: String,
    /// The number of the first message. Messages and posts are numbered from here on, so it must be
    /// above all numbers of earlier runs over the same state: milliseconds since the epoch are.
    pub first_message: u64,
    /// Whether somebody sees what they type, so that prompts make sense.
    pub interactive: bool,
    /// Whether to print colours.
    pub colour: bool,
}

impl fmt::Debug for ConsoleSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleSettings")
            .field("user", &self.user)
            .field("first_message", &self.first_message)
            .field("interactive", &self.interactive)
            .field("colour", &self.colour)
            .finish_non_exhaustive()
    }
}
