//! A stand-in for the `claude` command line that needs no model: a program that does what its
//! prompts say, for tests that start and kill agents by the hundred.
//!
//! It speaks the lines of the real one in both directions, keeps a transcript that is written as
//! late as the real one's, swallows what its session knows, and refuses the sessions that the real
//! one refuses (seen: 2.1.197). A turn that was submitted while another one runs is a turn of its
//! own. Below `$HOME/.scripted-claude` are its transcripts and a log of what it ran: see [`Ran`].

mod log;
mod output;
mod prompt;
mod transcript;
mod turn;

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

pub use self::log::{Event, Ran, runs};
pub use self::prompt::{Crash, Directives, answer};

use self::log::Log;
use self::transcript::Transcript;
use self::turn::run_turn;

/// The longest line that it reads, in bytes.
const LINE: u64 = 16 << 20;

/// How many lines may wait for the running turn; further ones are left out.
const QUEUE: usize = 1_000;

/// Whether a program that was called with these arguments was called as `claude`.
pub fn is_called(arguments: &[String]) -> bool {
    let speaks = arguments.iter().any(|argument| argument == "stream-json");
    speaks || arguments.iter().any(|argument| argument == "--version")
}

/// Where the stand-in of a home directory keeps what it knows.
pub fn folder(home: &Path) -> PathBuf {
    home.join(".scripted-claude")
}

/// Lets go the turns of a home directory that wait for `name` (`hold=name`), now and later.
///
/// # Panics
///
/// Where the home directory cannot be written to.
pub fn release(home: &Path, name: &str) {
    let folder = folder(home).join("released");
    std::fs::create_dir_all(&folder).expect("the home directory can be written to");
    std::fs::write(folder.join(name), "").expect("the home directory can be written to");
}

/// Runs the stand-in until its input ends.
///
/// # Panics
///
/// Where `HOME` is not set or cannot be written to: whoever started it made a mistake.
pub fn run(arguments: &[String]) -> ExitCode {
    if arguments.iter().any(|argument| argument == "--version") {
        return say_version();
    }
    let home = std::env::var_os("HOME").expect("an agent has a HOME");
    let folder = folder(Path::new(&home));
    let log = Log::open(&folder);
    let value = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).cloned()
    };
    let opened = match (value("--resume"), value("--session-id")) {
        (Some(session), _) => Transcript::resume(&folder, &session, log.clone()),
        (None, Some(session)) => Transcript::begin(&folder, &session, log.clone()),
        (None, None) => Err("no session was named".to_owned()),
    };
    let transcript = match opened {
        Ok(transcript) => Arc::new(transcript),
        Err(reason) => {
            output::refuse(&reason);
            return ExitCode::FAILURE;
        }
    };
    let inbox = Arc::new(Inbox::default());
    thread::spawn({
        let (inbox, transcript) = (inbox.clone(), transcript.clone());
        move || read(&inbox, &transcript)
    });
    let code = work(&inbox, &transcript, &log, &folder);
    if code == ExitCode::SUCCESS {
        transcript.flush();
    }
    code
}

fn say_version() -> ExitCode {
    let version = format!("{} (scripted)\n", crate::claude_cli::CLAUDE_VERSION);
    match io::Write::write_all(&mut io::stdout(), version.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// A prompt that was not run yet.
#[derive(Clone, Debug)]
struct Prompt {
    uuid: String,
    text: String,
}

/// What came in and what is wanted of the running turn.
#[derive(Debug, Default)]
struct Inbox {
    state: Mutex<Incoming>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Incoming {
    prompts: VecDeque<Prompt>,
    /// The requests that were answered and not yet seen to be.
    answered: BTreeSet<String>,
    /// Whether the running turn has to end.
    interrupted: bool,
    /// Whether nothing more comes.
    ended: bool,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Incoming> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Incoming)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// The next prompt; `None` once nothing more comes.
    fn next(&self) -> Option<Prompt> {
        let mut state = self
            .changed
            .wait_while(self.lock(), |state| {
                state.prompts.is_empty() && !state.ended
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.interrupted = false;
        state.prompts.pop_front()
    }

    /// Asks, and waits for an answer; false where the turn was interrupted or nobody is left.
    fn allowed(&self, request: &str) -> bool {
        output::asked(request);
        let waiting = |state: &mut Incoming| {
            !state.answered.contains(request) && !state.interrupted && !state.ended
        };
        let mut state = self
            .changed
            .wait_while(self.lock(), waiting)
            .unwrap_or_else(PoisonError::into_inner);
        state.answered.remove(request)
    }

    /// Lets time go by; true where the turn was interrupted.
    fn wait(&self, time: Duration) -> bool {
        let waiting = |state: &mut Incoming| !state.interrupted;
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), time, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        state.interrupted
    }
}

/// Takes in lines until there are no more.
fn read(inbox: &Inbox, transcript: &Transcript) {
    let mut input = io::Read::take(io::stdin().lock(), LINE);
    let mut line = Vec::new();
    while let Ok(1..) = input.read_until(b'\n', &mut line) {
        if let Ok(value) = serde_json::from_slice::<Value>(&line) {
            take(&value, inbox, transcript);
        }
        line.clear();
        input.set_limit(LINE);
    }
    inbox.change(|state| state.ended = true);
}

fn take(line: &Value, inbox: &Inbox, transcript: &Transcript) {
    match line["type"].as_str() {
        Some("control_request") => {
            output::responded(&line["request_id"]);
            if line["request"]["subtype"] == "interrupt" {
                inbox.change(|state| state.interrupted = true);
            }
        }
        Some("control_response") => {
            if let Some(request) = line["response"]["request_id"].as_str() {
                inbox.change(|state| _ = state.answered.insert(request.to_owned()));
            }
        }
        Some("user") => {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let prompt = Prompt {
                uuid: text(&line["uuid"]),
                text: text(&line["message"]["content"]),
            };
            // What the session knows is swallowed, whether it runs or did so long ago.
            if !transcript.take_in(&prompt.uuid) {
                output::replayed(&prompt.uuid);
                return;
            }
            inbox.change(|state| {
                if state.prompts.len() < QUEUE {
                    state.prompts.push_back(prompt);
                }
            });
        }
        Some(_) | None => {}
    }
}

/// Runs one prompt after the other.
fn work(inbox: &Inbox, transcript: &Transcript, log: &Log, folder: &Path) -> ExitCode {
    while let Some(prompt) = inbox.next() {
        let ended = run_turn(&prompt, inbox, transcript, log, folder);
        if let Err(code) = ended {
            return ExitCode::from(code);
        }
    }
    ExitCode::SUCCESS
}
