//! `mpgd project`: the projects of the configuration file, changed without touching what else
//! stands there.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::ExitCode;

use mpg_config::{Candidate, FileKind};
use serde::Serialize;

use crate::cli::{Global, ListOptions, ProjectAdd, ProjectCommand};
use crate::configuration::{
    Configuration, api_url, find_file, read_file, token_source, working_dir,
};
use crate::document::{Document, Entry};
use crate::exit::{self, Failure};
use crate::mapping::{self, Taken};
use crate::server::Account;
use crate::shown::one_line;
use crate::{environment, prompt, run, secret};

/// How much of a name or a path is shown, in characters.
const LENGTH: usize = 1_000;

/// A project, as it is listed for programs.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    directory: String,
    channels: Vec<String>,
}

pub(crate) fn project(global: &Global, command: &ProjectCommand) -> Result<ExitCode, Failure> {
    let mut file = OpenFile::open(global)?;
    match command {
        ProjectCommand::Add(arguments) => add(global, &mut file, arguments),
        ProjectCommand::List(options) => {
            list(&file.document.projects(), options);
            Ok(ExitCode::SUCCESS)
        }
        ProjectCommand::Remove { name } => {
            if !file.document.remove(name) {
                let known = file.document.projects();
                let known: Vec<&str> = known.iter().map(|entry| entry.name.as_str()).collect();
                return Err(Failure::Refused(format!(
                    "there is no project {name}; there are: {}",
                    known.join(", ")
                )));
            }
            file.save(global)?;
            exit::print(&format!("removed {name} from {}\n", file.candidate.path));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn add(global: &Global, file: &mut OpenFile, arguments: &ProjectAdd) -> Result<ExitCode, Failure> {
    let environment = environment::read();
    let options = &arguments.places;
    let source = token_source(&file.text).ok_or_else(|| {
        Failure::NoConfig("where the token is cannot be told; run: mpgd check".to_owned())
    })?;
    let runtime = run::runtime()?;
    let mut prompt = prompt::of(&runtime, options.yes);
    let prompt = prompt.as_mut();
    let api_url = match api_url(&environment)? {
        Some(url) => Some(url),
        None => file.api_url(),
    };
    let secret = runtime.block_on(secret::token(&source, &environment))?;
    let account = Account::open(&runtime, &secret, api_url.as_deref())?;
    let servers = runtime.block_on(account.probe.servers())?;
    let mut joined = account.pick(servers, options.server.as_deref(), prompt)?;
    let mut taken = Taken::of(&file.document.projects());
    let working_dir = working_dir()?;
    let named = &arguments.projects;
    let wanted = mapping::wanted(named, &environment, &working_dir, &mut taken, prompt)?;
    let mut added = Vec::new();
    for wanted in &wanted {
        let joined = joined.as_mut();
        let entry = mapping::entry(wanted, &account, joined, options, &mut taken, prompt)?;
        if !file.document.add(&entry) {
            return Err(Failure::Refused(format!(
                "{} cannot be added: `projects` is written on one line; write it as tables",
                entry.name
            )));
        }
        added.push(entry);
    }
    file.save(global)?;
    exit::print(&format!("changed {}\n", file.candidate.path));
    list(&added, &ListOptions { json: false });
    Ok(ExitCode::SUCCESS)
}

fn list(entries: &[Entry], options: &ListOptions) {
    if options.json {
        let listed: Vec<Listed> = entries
            .iter()
            .map(|entry| Listed {
                name: entry.name.clone(),
                directory: entry.directory.clone(),
                channels: entry.channels.iter().map(|(key, _)| key.clone()).collect(),
            })
            .collect();
        exit::print(&exit::json(&listed));
        return;
    }
    let mut text = String::new();
    for entry in entries {
        let channels: Vec<String> = entry
            .channels
            .iter()
            .map(|(key, name)| match name {
                Some(name) => format!("{name} ({key})"),
                None => key.clone(),
            })
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} in {} from {}",
            one_line(&entry.name, LENGTH),
            one_line(&entry.directory, LENGTH),
            if channels.is_empty() {
                "no channel".to_owned()
            } else {
                one_line(&channels.join(", "), LENGTH)
            }
        );
    }
    exit::print(&text);
}

/// A configuration file that is about to be changed.
struct OpenFile {
    candidate: Candidate,
    text: String,
    document: Document,
}

impl OpenFile {
    fn open(global: &Global) -> Result<Self, Failure> {
        let candidate = find_file(global)?;
        if candidate.kind == FileKind::Predecessor {
            return Err(Failure::Refused(format!(
                "{} belongs to multi-project-gateway and is only read\n  help: run: mpgd init \
                 --migrate",
                candidate.path
            )));
        }
        let text = read_file(&candidate.path)?;
        let document = match Document::parse(&text) {
            Ok(document) => document,
            // Whoever wrote it sees all that is wrong with it, and where.
            Err(error) => {
                Configuration::of(global, candidate.clone(), &text)?;
                return Err(Failure::NoConfig(format!("{}: {error}", candidate.path)));
            }
        };
        Ok(Self {
            candidate,
            text,
            document,
        })
    }

    fn api_url(&self) -> Option<String> {
        self.document.text_of("discord", "api-url")
    }

    /// Writes the changed text in place of the old one, if it is fit to run.
    fn save(&self, global: &Global) -> Result<(), Failure> {
        let text = self.document.text();
        Configuration::of(global, self.candidate.clone(), &text)?;
        // Behind a link, the file itself is replaced.
        let path = fs::canonicalize(&self.candidate.path)
            .map_err(Failure::io(self.candidate.path.clone()))?;
        replace(&path, &text)
    }
}

/// Replaces a file as a whole: whoever reads it sees the old text or the new one.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let what = || path.display().to_string();
    let mode = fs::metadata(path)
        .map_err(Failure::io(what()))?
        .permissions();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode.mode())
        .open(&new)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        drop(fs::remove_file(&new));
    }
    written.map_err(Failure::io(what()))
}
