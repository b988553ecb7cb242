//! What a session knows, on disk a little later than it happened.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::log::{Event, Log, Ran};

/// How much later than the stream the transcript is written (seen: 2.1.197).
const LAG: Duration = Duration::from_millis(100);

/// A session's memory.
#[derive(Debug)]
pub(super) struct Transcript {
    pub(super) session: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// All submissions that were ever taken in.
    known: BTreeSet<String>,
    /// The last prompt with a tag.
    last: Option<String>,
    /// What is not on disk yet, and when it will be; bounded by what one process runs.
    unwritten: VecDeque<(Instant, Line, Option<Ran>)>,
    /// Whether everything is to be written at once.
    hurry: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Line {
    User { uuid: String, text: String },
    Result { uuid: String },
}

impl Transcript {
    /// A session that nobody had before.
    pub(super) fn begin(folder: &Path, session: &str, log: Log) -> Result<Self, String> {
        let path = path(folder, session);
        if path.exists() {
            return Err(format!("Error: Session ID {session} is already in use."));
        }
        Ok(Self::open(path, session, State::default(), log))
    }

    /// A session that has a transcript.
    pub(super) fn resume(folder: &Path, session: &str, log: Log) -> Result<Self, String> {
        let path = path(folder, session);
        let Ok(text) = fs::read_to_string(&path) else {
            return Err(format!("No conversation found with session ID: {session}"));
        };
        let mut state = State::default();
        for line in text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
        {
            if let Line::User { uuid, text } = line {
                state.known.insert(uuid);
                state.remember(&text);
            }
        }
        Ok(Self::open(path, session, state, log))
    }

    fn open(path: PathBuf, session: &str, state: State, log: Log) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        thread::spawn({
            let shared = shared.clone();
            move || write_behind(&shared, &path, &log)
        });
        Self {
            session: session.to_owned(),
            shared,
        }
    }

    /// Takes in a submission; false where it is known.
    pub(super) fn take_in(&self, uuid: &str) -> bool {
        self.shared.lock().known.insert(uuid.to_owned())
    }

    /// Remembers the prompt that is run now; gives back the one with a tag that it is or goes on
    /// with.
    pub(super) fn user(&self, text: &str) -> Option<String> {
        let mut state = self.shared.lock();
        state.remember(text);
        state.last.clone()
    }

    /// Lets the prompt that is run be written.
    pub(super) fn keep_user(&self, text: &str, ran: Ran) {
        let line = Line::User {
            uuid: ran.uuid.clone(),
            text: text.to_owned(),
        };
        self.push(line, Some(ran));
    }

    /// Lets the end of a turn be written.
    pub(super) fn keep_result(&self, uuid: &str) {
        let uuid = uuid.to_owned();
        self.push(Line::Result { uuid }, None);
    }

    fn push(&self, line: Line, ran: Option<Ran>) {
        let due = Instant::now() + LAG;
        self.shared.lock().unwritten.push_back((due, line, ran));
        self.shared.changed.notify_all();
    }

    /// Writes what is unwritten, and waits for it.
    pub(super) fn flush(&self) {
        let mut state = self.shared.lock();
        state.hurry = true;
        self.shared.changed.notify_all();
        drop(
            self.shared
                .changed
                .wait_while(state, |state| !state.unwritten.is_empty()),
        );
    }
}

impl State {
    fn remember(&mut self, text: &str) {
        if super::Directives::read(text).is_some() {
            self.last = Some(text.to_owned());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path(folder: &Path, session: &str) -> PathBuf {
    folder.join(format!("{session}.jsonl"))
}

/// Writes each line when it is due, for as long as the process lives.
fn write_behind(shared: &Shared, path: &Path, log: &Log) {
    loop {
        let mut state = shared.lock();
        let (line, ran) = loop {
            let now = Instant::now();
            let wait = match state.unwritten.front() {
                None => LAG,
                Some((due, line, ran)) if state.hurry || *due <= now => {
                    break (line.clone(), ran.clone());
                }
                Some((due, _, _)) => *due - now,
            };
            state = shared
                .changed
                .wait_timeout(state, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        };
        drop(state);
        append(path, &line);
        if let Some(ran) = ran {
            log.write(&Ran {
                event: Event::Kept,
                ..ran
            });
        }
        shared.lock().unwritten.pop_front();
        shared.changed.notify_all();
    }
}

fn append(path: &Path, line: &Line) {
    let mut text = serde_json::to_vec(line).expect("plain fields become JSON");
    text.push(b'\n');
    let file = File::options().create(true).append(true).open(path);
    let mut file = file.expect("the home directory can be written to");
    file.write_all(&text)
        .expect("the home directory can be written to");
}
