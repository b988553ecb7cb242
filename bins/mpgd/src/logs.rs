//! `mpgd logs`: what the gateway wrote down, for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use mpg_config::LogLevel;
use serde_json::{Map, Value};

use crate::cli::{Global, LogOptions};
use crate::configuration::Configuration;
use crate::exit::{self, Failure};
use crate::log_file::{FILES, NAME, numbered};
use crate::shown::one_line;
use crate::state_dir;

/// How often it is looked whether there is more.
const BETWEEN: Duration = Duration::from_millis(200);

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 256 * 1024;

/// How much of a line is shown, in characters.
const WIDTH: usize = 2_000;

/// The fields that stand before the others, or are not shown.
const OWN: [&str; 4] = ["timestamp", "level", "message", "target"];

pub(crate) fn logs(global: &Global, options: &LogOptions) -> Result<ExitCode, Failure> {
    let directory = directory(global)?;
    let filter = Filter::new(global, options)?;
    let path = directory.join(NAME);
    if !path.exists() {
        return Err(Failure::Refused(format!(
            "there is no log {}; a gateway writes it while it runs",
            path.display()
        )));
    }
    let mut shown = Vec::new();
    for number in (1..FILES).rev() {
        let older = numbered(&path, number);
        if let Ok(file) = File::open(&older) {
            Tail::new(file, older)?.read(|line| keep(&mut shown, line, &filter, options.lines));
        }
    }
    let file = File::open(&path).map_err(Failure::io(path.display().to_string()))?;
    let mut tail = Tail::new(file, path)?;
    tail.read(|line| keep(&mut shown, line, &filter, options.lines));
    let passed_over = shown.len().saturating_sub(options.lines);
    exit::print(&shown[passed_over..].concat());
    if !options.follow {
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        std::thread::sleep(BETWEEN);
        let mut more = Vec::new();
        tail.follow(|line| more.extend(filter.show(line)));
        // Whoever read it may be gone.
        if io::stdout().write_all(more.concat().as_bytes()).is_err() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// Where the log is, even if the configuration is not fit to run.
fn directory(global: &Global) -> Result<PathBuf, Failure> {
    state_dir::log(global)
}

/// Keeps the last lines only.
fn keep(shown: &mut Vec<String>, line: &str, filter: &Filter, limit: usize) {
    let Some(line) = filter.show(line) else {
        return;
    };
    shown.push(line);
    // Not at every line: what is in front is moved each time.
    if shown.len() >= 2 * limit.max(1_000) {
        shown.drain(..shown.len() - limit);
    }
}

/// A file that is read to its end, and then for more.
struct Tail {
    reader: BufReader<File>,
    path: PathBuf,
    inode: u64,
    /// What was read of a line whose end is not there yet.
    begun: Vec<u8>,
}

impl Tail {
    fn new(file: File, path: PathBuf) -> Result<Self, Failure> {
        let found = file.metadata();
        let found = found.map_err(Failure::io(path.display().to_string()))?;
        Ok(Self {
            reader: BufReader::new(file),
            path,
            inode: found.ino(),
            begun: Vec::new(),
        })
    }

    /// Reads what is there.
    fn read(&mut self, mut take: impl FnMut(&str)) {
        loop {
            let mut limited = io::Read::take(&mut self.reader, MAX_LINE);
            match limited.read_until(b'\n', &mut self.begun) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            if self.begun.last() == Some(&b'\n') || self.begun.len() as u64 >= MAX_LINE {
                take(String::from_utf8_lossy(&self.begun).trim_end());
                self.begun.clear();
            }
        }
    }

    /// Reads what came since; when the file was set aside, its end and then the new one.
    fn follow(&mut self, mut take: impl FnMut(&str)) {
        self.read(&mut take);
        let Ok(file) = File::open(&self.path) else {
            return;
        };
        let Ok(found) = file.metadata() else {
            return;
        };
        if found.ino() != self.inode {
            // What was written between the last look and the moment it was set aside.
            self.read(&mut take);
            self.inode = found.ino();
            self.reader = BufReader::new(file);
            self.begun.clear();
            self.read(&mut take);
        } else if self
            .reader
            .stream_position()
            .is_ok_and(|at| at > found.len())
        {
            // Somebody emptied it.
            drop(self.reader.rewind());
        }
    }
}

/// What is wanted of the log.
#[derive(Debug)]
struct Filter {
    level: LogLevel,
    /// The project's name, and its channels.
    project: Option<(String, BTreeSet<String>)>,
    thread: Option<String>,
    json: bool,
}

impl Filter {
    fn new(global: &Global, options: &LogOptions) -> Result<Self, Failure> {
        let project = match &options.project {
            Some(name) => Some((name.clone(), channels(global, name)?)),
            None => None,
        };
        Ok(Self {
            level: options.level.unwrap_or(LogLevel::Trace),
            project,
            thread: options.thread.clone(),
            json: options.json,
        })
    }

    /// The line as it is shown, if it is wanted. What is no JSON is shown as it is.
    fn show(&self, line: &str) -> Option<String> {
        let entry: Map<String, Value> = match serde_json::from_str(line) {
            Ok(entry) => entry,
            Err(_) if self.project.is_some() || self.thread.is_some() => return None,
            Err(_) => return Some(format!("{}\n", one_line(line, WIDTH))),
        };
        let level = entry.get("level").and_then(Value::as_str);
        let level = level.and_then(|level| level.to_lowercase().parse::<LogLevel>().ok());
        if level.is_some_and(|level| level > self.level) {
            return None;
        }
        let texts = || entry.values().filter_map(Value::as_str);
        if let Some((name, channels)) = &self.project {
            let named = entry.get("project").and_then(Value::as_str) == Some(name);
            let placed = texts().any(|text| channels.iter().any(|place| is_in(text, place)));
            if !named && !placed {
                return None;
            }
        }
        if let Some(thread) = &self.thread
            && !texts().any(|text| text.split(['/', '#', ':', '@']).any(|part| part == thread))
            && !texts().any(|text| text == thread)
        {
            return None;
        }
        Some(if self.json {
            format!("{line}\n")
        } else {
            readable(&entry)
        })
    }
}

/// Whether a text names a channel or something in it.
fn is_in(text: &str, channel: &str) -> bool {
    text.strip_prefix(channel)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '#', '@']))
}

fn channels(global: &Global, name: &str) -> Result<BTreeSet<String>, Failure> {
    let configuration = Configuration::read(global)?;
    let mut projects = configuration.config.routing.projects();
    let project = projects.find(|project| project.name.as_str() == name);
    let project = project.ok_or_else(|| Failure::Usage(format!("there is no project {name}")))?;
    Ok(project.channels.iter().map(ToString::to_string).collect())
}

fn readable(entry: &Map<String, Value>) -> String {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut line = format!(
        "{} {:5} {}",
        text("timestamp"),
        text("level"),
        one_line(text("message"), WIDTH)
    );
    for (name, value) in entry {
        if OWN.contains(&name.as_str()) {
            continue;
        }
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => value.to_string(),
        };
        // Writing to a string cannot fail.
        let _ = write!(line, " {name}={}", one_line(&value, WIDTH));
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const LINES: [&str; 4] = [
        r#"{"timestamp":"2026-03-01T10:00:00Z","level":"INFO","message":"connected","platform":"chat","target":"mpg_engine"}"#,
        r#"{"timestamp":"2026-03-01T10:00:01Z","level":"DEBUG","message":"routed","place":"chat:1/22","target":"mpg_engine"}"#,
        r#"{"timestamp":"2026-03-01T10:00:02Z","level":"WARN","message":"post failed\nagain","place":"chat:10","attempt":2}"#,
        "no json \u{1b}[31m",
    ];

    fn filter(level: LogLevel, project: bool, thread: Option<&str>) -> Filter {
        let channels = BTreeSet::from(["chat:1".to_owned()]);
        Filter {
            level,
            project: project.then(|| ("shop".to_owned(), channels)),
            thread: thread.map(str::to_owned),
            json: false,
        }
    }

    fn shown(filter: &Filter) -> String {
        LINES.iter().filter_map(|line| filter.show(line)).collect()
    }

    #[test]
    fn lines_for_people() {
        insta::assert_snapshot!(shown(&filter(LogLevel::Trace, false, None)), @r"
        2026-03-01T10:00:00Z INFO  connected platform=chat
        2026-03-01T10:00:01Z DEBUG routed place=chat:1/22
        2026-03-01T10:00:02Z WARN  post failed again attempt=2 place=chat:10
        no json [31m
        ");
    }

    #[test]
    fn what_is_not_wanted_is_left_out() {
        let count = |filter: &Filter| shown(filter).lines().count();
        assert_eq!(count(&filter(LogLevel::Info, false, None)), 3);
        assert_eq!(count(&filter(LogLevel::Error, false, None)), 1);
        let of_project = shown(&filter(LogLevel::Trace, true, None));
        assert!(of_project.contains("routed") && of_project.lines().count() == 1);
        let of_thread = shown(&filter(LogLevel::Trace, false, Some("22")));
        assert!(of_thread.contains("routed") && of_thread.lines().count() == 1);
        assert_eq!(count(&filter(LogLevel::Trace, false, Some("2"))), 0);
    }

    #[test]
    fn following_goes_on_in_the_new_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(NAME);
        let mut file = File::create(&path).unwrap();
        write!(file, "one\ntw").unwrap();
        let mut tail = Tail::new(File::open(&path).unwrap(), path.clone()).unwrap();
        let mut seen = Vec::new();
        tail.read(|line| seen.push(line.to_owned()));
        assert_eq!(seen, ["one"], "a line is shown once its end is there");
        write!(file, "o\nthree\n").unwrap();
        std::fs::rename(&path, numbered(&path, 1)).unwrap();
        writeln!(file, "four").unwrap();
        let mut file = File::create(&path).unwrap();
        writeln!(file, "five").unwrap();
        tail.follow(|line| seen.push(line.to_owned()));
        assert_eq!(seen, ["one", "two", "three", "four", "five"]);
        writeln!(file, "six").unwrap();
        tail.follow(|line| seen.push(line.to_owned()));
        assert_eq!(seen.last().unwrap(), "six");
    }
}
