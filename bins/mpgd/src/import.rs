//! `mpgd import` and `mpgd init --migrate`: the predecessor's configuration, token and sessions
//! become ours. Nothing of the predecessor's is changed, and nothing that is there is written over.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::Timestamp;
use mpg_config::{Imported, Input, Overrides, Platform, Search};
use mpg_core::port::Store as _;
use mpg_discord::config::DEFAULT_TOKEN_ENV;
use mpg_store::SqliteStore;
use serde_json::Value;

use crate::adoption::{self, Adoption};
use crate::cli::{Global, Import};
use crate::configuration::{absolute, read_file, without_parents, working_dir};
use crate::exit::{self, Failure};
use crate::new_files::{NewFiles, TOKEN_FILE};
use crate::{dotenv, environment, run};

/// What to do where a file is in the way.
const IN_THE_WAY: &str = "move it away, or write somewhere else with --out FILE or --profile NAME";

/// The predecessor's file where it has its usual name.
const CONFIG: &str = "config.json";

/// Imports what is in the working directory into a profile.
pub(crate) fn migrate(global: &Global) -> Result<ExitCode, Failure> {
    let here = Import {
        config: CONFIG.to_owned(),
        sessions: None,
        env: None,
        out: None,
        here: false,
    };
    import(global, &here)
}

/// Imports a configuration file with what belongs to it.
pub(crate) fn import(global: &Global, arguments: &Import) -> Result<ExitCode, Failure> {
    let environment = environment::read();
    let working_dir = working_dir()?;
    let search = Search {
        config: None,
        profile: Some(global.profile.as_deref().unwrap_or("default")),
        working_dir: &working_dir,
        env: &environment,
    };
    let source = absolute(&working_dir, &arguments.config);
    let text = read_file(&source)?;
    let out = match &arguments.out {
        Some(out) => without_parents(&absolute(&working_dir, out))?,
        None if arguments.here => absolute(&working_dir, mpg_config::FILE),
        None => search.own_file()?,
    };
    let variables = variables(&search, &source, arguments);
    let named = arguments.env.is_some();
    let token = find_token(&variables, &environment, named);
    let token_file = Path::new(&out).with_file_name(TOKEN_FILE);
    let token_file = token.map(|_| token_file.to_string_lossy().into_owned());
    let files = NewFiles::new(
        Path::new(&out),
        token_file.as_deref().map(Path::new),
        IN_THE_WAY,
    )?;
    let platform = Platform {
        check_channel: &mpg_discord::config::channel_problem,
        ..Platform::unchecked(mpg_discord::PLATFORM)
    };
    let input = Input {
        source_name: &source,
        text: &text,
        env: &environment,
        platforms: &[platform],
        overrides: &Overrides::default(),
        directory_exists: &|directory| Path::new(directory).is_dir(),
    };
    let imported = mpg_config::import(&input, token_file.as_deref())?;
    let sessions = match &arguments.sessions {
        Some(file) => Some(PathBuf::from(absolute(&working_dir, file))),
        None => adoption::beside(Path::new(&source)),
    };
    let sessions = sessions.as_deref().map(adoption::read).transpose()?;
    let write = || {
        let token = token.map_or("", |(_, token)| token);
        files.write(&imported.text, token)
    };
    let state = search.state_dir(&out)?;
    let adoption = if let Some(sessions) = &sessions {
        let work = take_over(&imported, sessions, Path::new(&state), write);
        run::runtime()?.block_on(work)?
    } else {
        write()?;
        Adoption::default()
    };
    let mut report = Report(String::new());
    report.line(&format!("wrote {out}"));
    report.token(token, token_file.as_deref(), &environment);
    report.sessions(sessions.is_some(), &adoption, &state);
    report.other_variables(&variables);
    if !imported.warnings.is_empty() {
        report
            .line("\nwhat was not taken over of the configuration, or means something else here:");
        report
            .0
            .push_str(&exit::render(&imported.warnings, &io::stdout()));
    }
    exit::print(&report.0);
    Ok(ExitCode::SUCCESS)
}

/// Opens the state before anything is written, so that one that is in use stops everything.
async fn take_over(
    imported: &Imported,
    sessions: &[Value],
    state: &Path,
    write: impl FnOnce() -> Result<(), Failure>,
) -> Result<Adoption, Failure> {
    let store = SqliteStore::open(state).await?;
    let snapshot = store.load().await?;
    let adoption = adoption::adopt(sessions, &imported.config, &snapshot, Timestamp::now());
    write()?;
    store.commit(&adoption.records).await?;
    store.close().await?;
    Ok(adoption)
}

/// The files of variables that belong to the predecessor, the one that counts first.
fn variables(
    search: &Search<'_>,
    source: &str,
    arguments: &Import,
) -> Vec<(PathBuf, BTreeMap<String, String>)> {
    let files = if let Some(file) = &arguments.env {
        vec![PathBuf::from(absolute(search.working_dir, file))]
    } else {
        let mut files = dotenv::files(search);
        let beside = Path::new(source).with_file_name(dotenv::NAME);
        if !files.contains(&beside) {
            files.push(beside);
        }
        files
    };
    let read = files.into_iter().map(|file| {
        let variables = dotenv::read(&file);
        (file, variables)
    });
    read.filter(|(_, variables)| !variables.is_empty())
        .collect()
}

/// The token and the file that holds it. What is in the environment stays there, unless a file was
/// `named`.
fn find_token<'v>(
    variables: &'v [(PathBuf, BTreeMap<String, String>)],
    environment: &BTreeMap<String, String>,
    named: bool,
) -> Option<(&'v Path, &'v str)> {
    if !named && has_token(environment) {
        return None;
    }
    let (file, variables) = variables
        .iter()
        .find(|(_, variables)| has_token(variables))?;
    let token = variables.get(DEFAULT_TOKEN_ENV)?;
    Some((file, token.trim()))
}

fn has_token(variables: &BTreeMap<String, String>) -> bool {
    let token = variables.get(DEFAULT_TOKEN_ENV);
    token.is_some_and(|token| !token.trim().is_empty())
}

/// What is said about it all.
struct Report(String);

impl Report {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn token(
        &mut self,
        token: Option<(&Path, &str)>,
        written: Option<&str>,
        environment: &BTreeMap<String, String>,
    ) {
        let line = match (token, written) {
            (Some((from, _)), Some(file)) => format!(
                "wrote the token to {file}, for this user alone; {} still holds it too",
                from.display()
            ),
            (_, _) if has_token(environment) => {
                format!("the token stays in {DEFAULT_TOKEN_ENV} of the environment")
            }
            (_, _) => format!("found no token; set {DEFAULT_TOKEN_ENV} in the environment"),
        };
        self.line(&line);
    }

    fn sessions(&mut self, any: bool, adoption: &Adoption, state: &str) {
        if !any {
            self.line("found no sessions to take over");
            return;
        }
        let plural = if adoption.taken == 1 { "" } else { "s" };
        let taken = adoption.taken;
        self.line(&format!("took over {taken} session{plural} into {state}"));
        for left in &adoption.left {
            self.line(&format!("  not {left}"));
        }
    }

    fn other_variables(&mut self, variables: &[(PathBuf, BTreeMap<String, String>)]) {
        for (file, variables) in variables {
            let names = variables.keys().filter(|name| *name != DEFAULT_TOKEN_ENV);
            let names: Vec<&str> = names.map(String::as_str).collect();
            if !names.is_empty() {
                // Writing to a string cannot fail.
                let _ = writeln!(
                    self.0,
                    "not read any more: {} in {}; set what is needed in the environment of mpgd",
                    names.join(", "),
                    file.display()
                );
            }
        }
    }
}
