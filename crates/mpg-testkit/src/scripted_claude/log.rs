//! What was run, written down by the agents themselves so that a test can count it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The file that all agents of a home directory append to.
const FILE: &str = "runs.jsonl";

/// One thing that an agent did with a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// What it did.
    pub event: Event,
    /// The session.
    pub session: String,
    /// The agent's process.
    pub pid: u32,
    /// The id that the prompt was submitted under.
    pub uuid: String,
    /// The tag of the prompt, or of the one that a continuation goes on with.
    pub tag: String,
    /// Whether it is the continuation of a turn that was cut off.
    pub continues: bool,
}

/// What an agent does with a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// It begins to run it.
    Began,
    /// Its transcript holds it, on disk.
    Kept,
    /// It wrote its result.
    Ended,
}

/// What the agents of a home directory did so far, in order.
pub fn runs(home: &Path) -> Vec<Ran> {
    // Nothing ran where there is no file yet.
    let text = fs::read_to_string(super::folder(home).join(FILE)).unwrap_or_default();
    let lines = text.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The file, open to be appended to.
#[derive(Clone, Debug)]
pub(super) struct Log(Arc<File>);

impl Log {
    pub(super) fn open(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("the home directory can be written to");
        let file = File::options()
            .create(true)
            .append(true)
            .open(folder.join(FILE));
        Self(Arc::new(
            file.expect("the home directory can be written to"),
        ))
    }

    /// Appends one line, which no other process's line can get into.
    pub(super) fn write(&self, ran: &Ran) {
        let mut line = serde_json::to_vec(ran).expect("plain fields become JSON");
        line.push(b'\n');
        let mut file = &*self.0;
        file.write_all(&line)
            .expect("the home directory can be written to");
    }
}
